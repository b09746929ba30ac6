"""A demo's note, in a corner over the panes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from xlascope.tui.text.breaking import wrapped
from xlascope.tui.text.safe import safe

_ONLY_CLOSE = ("escape", "enter", "space")
_KEYS = re.compile(r" +\S+(?: \S+)*?  +")
"""The keys at the beginning of a line, up to what they do."""
_PAGES = {"pagedown": 1, "pageup": -1}


class Note(VerticalScroll, can_focus=False):
    """A note at the foot of the screen: every key closes it, and but for those that only close it, acts.

    It is a widget, not a screen over the main one: under another screen each change is painted as a whole, and a note
    stands there while a run changes most.
    """

    DEFAULT_CSS = """
    Note {
        layer: over; dock: bottom; offset: 100vw -1; overlay: screen; constrain: inside inside;
        width: 84; max-width: 100%; height: auto; max-height: 60%; padding: 0 1;
        background: $surface; border: solid $primary;
    }
    Note > Static { width: 1fr; height: auto; }
    """

    def __init__(self, title: str, text: Sequence[str]) -> None:
        super().__init__()
        self._text = [f"{title}   (any key closes this and acts, esc only closes)", "", *map(safe, text)]

    def compose(self) -> ComposeResult:
        """The text."""
        yield Static("\n".join(self._text), markup=False)

    def on_resize(self) -> None:
        """Breaks its lines for another width."""
        self.query_one(Static).update("\n".join(hanging(self._text, self.scrollable_content_region.width)))

    def take_key(self, key: str) -> bool:
        """Closes the note, or turns its page; whether the key is the note's alone."""
        if key in _PAGES:
            self.scroll_relative(y=_PAGES[key] * max(self.size.height - 1, 1), animate=False)
            return True
        self.remove()
        return key in _ONLY_CLOSE

    def on_click(self) -> None:
        """A click on it closes it."""
        self.remove()


def hanging(text: Sequence[str], width: int) -> list[str]:
    """Lines of at most `width` cells; what a key does goes on below where it began."""
    lines = []
    for line in text:
        keys = _KEYS.match(line)
        indent = keys.end() if keys is not None and keys.end() < width // 2 else 0
        first, *rest = wrapped(line[indent:], max(width - indent, 1))
        lines += [line[:indent] + first, *(" " * indent + each for each in rest)]
    return lines
