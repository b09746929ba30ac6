"""Eager dispatch, counted by source line."""

from __future__ import annotations

from typing import Any

LINES = 2_000


class EagerLines:
    """How often the hook saw an eager primitive dispatched from each line; later calls of a cached one pass unseen."""

    def __init__(self, link: Any) -> None:
        self._link = link
        self._counts: dict[tuple[str, str | None, int | None], int] = {}
        self._told: dict[tuple[str, str | None, int | None], int] = {}

    def seen(self, name: str, file: str | None, line: int | None) -> None:
        """Counts one eager primitive dispatched from a line; beyond LINES lines it is counted as dropped."""
        key = (name, file, line)
        if key not in self._counts and len(self._counts) >= LINES:
            self._link.drop("eager lines", f"more than {LINES}")
            return
        self._counts[key] = self._counts.get(key, 0) + 1

    def send(self) -> None:
        """An ``eager`` record for each line whose count has changed."""
        for key, count in list(self._counts.items()):
            if self._told.get(key) != count:
                self._told[key] = count
                name, file, line = key
                self._link.send({
                    "kind": "eager", "name": name, "file": file, "line": line, "count": count, "exact": False,
                })
