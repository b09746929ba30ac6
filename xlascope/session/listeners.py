"""Who listens to a run, and the problems that are told to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Event = dict[str, Any]


class Listeners:
    """Callbacks that get each event, and the texts of all problems so far (``problems``)."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._callbacks: list[Callable[[Event], None]] = []

    def add(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Call ``callback`` for each event from now on; returns what ends that."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def tell(self, event: Event) -> None:
        """Give all an event."""
        for callback in tuple(self._callbacks):
            try:
                callback(event)
            except Exception as error:
                # Whoever listens must not end the run; it is told, once for each listener, and not called again.
                self._callbacks.remove(callback)
                self.problem(f"a listener of the run failed: {type(error).__name__}: {error}")

    def problem(self, text: str) -> None:
        """Keep a problem's text and tell it."""
        self.problems.append(text)
        self.tell({"kind": "problem", "text": text})
