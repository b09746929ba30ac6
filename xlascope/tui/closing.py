"""Screens that are closed once: keys and clicks that come faster than a screen goes away close none below it."""

from __future__ import annotations

from typing import Any, TypeVar

from textual.await_complete import AwaitComplete
from textual.command import CommandPalette
from textual.screen import Screen

Result = TypeVar("Result")


class ClosesOnce(Screen[Result]):
    """A screen of which only the first `dismiss` counts, and only while it lies on top.

    Behind `ModalScreen` where both are bases: Textual takes the styles of the first one, and what
    lies below would not be seen.
    """

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Close it with a result. Textual would take whatever lies on top off the stack, the main screen too."""
        return super().dismiss(result) if self.is_current else AwaitComplete.nothing()


class Palette(CommandPalette):
    """Textual's palette of commands, closed once."""

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """As of `ClosesOnce`, which cannot stand before a screen that has component classes of its own."""
        return super().dismiss(result) if self.is_current else AwaitComplete.nothing()
