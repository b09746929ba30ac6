"""Programs whose exact links are not recorded, and why."""

from __future__ import annotations

from typing import Any

LATE = "the time for finishing was over"
_NAMED = 50


class Unlinked:
    """Keeps them until they are told, in a ``dropped`` record for each reason."""

    def __init__(self) -> None:
        self._by_reason: dict[str, list[str]] = {}
        self._seconds = 0.0

    def add(self, program: str, why: str) -> None:
        """A program is left without; it was not a question of time."""
        self._by_reason.setdefault(why, []).append(program)

    def late(self, program: str, seconds: float) -> None:
        """A program is left without for lack of time: it would have taken about so long."""
        self.add(program, LATE)
        self._seconds += seconds

    def send(self, link: Any, spent: float = 0.0) -> None:
        """Tell what came since the last time. ``spent``: the seconds that finishing took by now.

        ``budget_ns``: how much time for finishing, about, had sufficed for those that were late.
        """
        while self._by_reason:
            why, programs = self._by_reason.popitem()
            budget = round((spent + self._seconds) * 1e9) if why == LATE else None
            link.send({
                "kind": "dropped", "what": "exact links", "count": len(programs), "why": why,
                "programs": programs[:_NAMED], "budget_ns": budget,
            })  # fmt: skip
        self._seconds = 0.0
