"""What is told on stderr while a measurement runs."""

from __future__ import annotations

import queue
import sys
from typing import Any

from xlascope.session.keeper import Keeper


class Progress:
    """One line on stderr that is written over, on a terminal; elsewhere nothing but problems."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._on = sys.stderr.isatty()
        self._shown = ""

    def show(self, event: dict[str, Any]) -> None:
        """Writes a progress event over the line before, where stderr is a terminal."""
        done, total = event.get("done"), event.get("total")
        share = f" {done}/{total}" if done is not None and total else ""
        text = f"{self._title}: {event.get('activity') or ''} {event.get('detail') or ''}{share}".rstrip()
        if self._on and text != self._shown:
            sys.stderr.write(f"\r\x1b[K{text[:100]}")
            sys.stderr.flush()
            self._shown = text

    def line(self, text: str) -> None:
        """Writes a line that stays."""
        self.end()
        sys.stderr.write(f"xlascope: {text}\n")

    def end(self) -> None:
        """Removes the line of progress."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = ""


def wait_for(keeper: Keeper, events: queue.Queue[dict[str, Any]], ticket: int, title: str) -> dict[str, Any]:
    """The result of a measurement, its progress told on the way; Ctrl-C cancels it."""
    narrator = Progress(title)
    try:
        while True:
            event = events.get()
            if event["kind"] == "problem":
                narrator.line(event["text"])
            elif event.get("id") != ticket:
                continue
            elif event["kind"] == "progress":
                narrator.show(event)
            elif event["kind"] == "result":
                return event
    except KeyboardInterrupt:
        keeper.cancel(ticket)
        raise
    finally:
        narrator.end()
