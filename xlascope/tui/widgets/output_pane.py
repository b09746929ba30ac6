"""The script's output: follows the tail, keeps colours, lets nothing else through to the terminal."""

from __future__ import annotations

import re
from collections import deque
from typing import Protocol

from rich.ansi import AnsiDecoder
from rich.segment import Segment

from xlascope.tui.actions import bindings
from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.text.safe import safe
from xlascope.tui.widgets.line_view import LineView

_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[@-Z\\-_])")
_LONGEST_LINE = 20_000
_EARLIER = "(earlier output is left out here)"


class OutputSource(Protocol):
    """Lines of output by number; numbers stay while old lines are dropped from the front."""

    @property
    def first(self) -> int:
        """Number of the oldest line still there."""
        ...

    def __len__(self) -> int:
        """How many lines are there."""
        ...

    def line(self, number: int) -> str:
        """A line by its number, without its end."""


class OutputLog:
    """The newest lines of a stream of text, at most `max_chars` characters of them.

    A carriage return starts its line again, as a terminal would show it; the last line may be unfinished. Where
    lines before them are not there, a line of its own says so with the text `earlier`.
    """

    def __init__(self, max_chars: int = 4 << 20, earlier: str = _EARLIER):
        self._lines: deque[str] = deque()
        self._open = ""
        self._chars = 0
        self._max = max_chars
        self._earlier = earlier
        self._oldest = 0
        self._is_cut = False

    @property
    def first(self) -> int:
        """Number of the oldest line still there, or of the one that tells of those before it."""
        return self._oldest - self._is_cut

    def __len__(self) -> int:
        return len(self._lines) + bool(self._open) + self._is_cut

    def line(self, number: int) -> str:
        """A line by its number; the one after the last is still being written."""
        index = number - self._oldest
        if index < 0:
            return f"\x1b[2m{self._earlier}\x1b[0m"
        return self._lines[index] if index < len(self._lines) else self._open

    def cut(self) -> None:
        """What was written so far, or is written next, goes on something that is not there."""
        self._is_cut = True

    @property
    def last_line(self) -> str:
        """The newest line that says something, without escape codes."""
        if self._open.strip():
            return plain_text(self._open)
        for line in reversed(self._lines):
            if line.strip():
                return plain_text(line)
        return ""

    def write(self, text: str) -> None:
        """Appends output as it came."""
        *whole, rest = text.split("\n")
        for part in whole:
            self._append(_carriage(self._open + part))
            self._open = ""
        self._open = _carriage(self._open + rest)[-_LONGEST_LINE:]
        while self._chars > self._max and self._lines:
            self._chars -= len(self._lines.popleft()) + 1
            self._oldest += 1
            self._is_cut = True

    def _append(self, line: str) -> None:
        line = line[:_LONGEST_LINE]
        self._lines.append(line)
        self._chars += len(line) + 1


def _carriage(line: str) -> str:
    if "\r" not in line:
        return line
    line, ending = (line[:-1], "\r") if line.endswith("\r") else (line, "")
    return line.rpartition("\r")[2] + ending


def _colours_only(match: re.Match[str]) -> str:
    text = match[0]
    return text if text.startswith("\x1b[") and text.endswith("m") else ""


def plain_text(line: str) -> str:
    """A line of output without escape sequences, its other control characters made visible."""
    return safe(_SEQUENCE.sub("", line).rstrip("\r"))


class OutputPane(LineView):
    """What the script wrote, as a terminal would show its lines; new lines scroll in while the cursor is at the end."""

    HELP = "The script's output, merged as on a terminal. At its end the pane follows; move up to stay."
    SCOPES = ("list", "output")
    BINDINGS = bindings("output")

    def __init__(self, *, id: str | None = None, classes: str | None = None, glyphs: Glyphs = UNICODE):
        super().__init__(id=id, classes=classes, glyphs=glyphs)
        self.log_source: OutputSource = OutputLog()
        self.following = True
        self._first = 0

    def set_source(self, source: OutputSource) -> None:
        """Shows another source, at its end."""
        self.log_source = source
        self._first = source.first
        self.following = True
        self.update_tail()

    def update_tail(self) -> None:
        """To be called when the source has grown."""
        dropped = self.log_source.first - self._first
        self._first = self.log_source.first
        last = self.row_count() - 1
        if self.following or self.cursor < 0:
            self.set_reactive(LineView.cursor, last)
        elif dropped:
            self.set_reactive(LineView.cursor, max(self.cursor - dropped, 0))
        top = self.first_visible - dropped
        self.rows_changed()
        if self.following:
            self.show_row(last)
        elif dropped:
            self.scroll_rows(max(top, 0))

    def row_count(self) -> int:
        """How many rows there are."""
        return len(self.log_source)

    def row_text(self, row: int) -> str:
        """A row as text."""
        return plain_text(self.log_source.line(self.log_source.first + row))

    def content_columns(self) -> int:
        """Cells of the longest row in sight."""
        top = self.first_visible
        rows = range(top, min(top + self.body_height, self.row_count()))
        return max((len(self.row_text(row)) for row in rows), default=0) + 2

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A row with the script's own colours."""
        line = self.log_source.line(self.log_source.first + row).rstrip("\r")
        decoded = AnsiDecoder().decode_line(_SEQUENCE.sub(_colours_only, line))
        segments = []
        start = self.column
        for text, style, control in decoded.render(self.app.console):
            if control or not text:
                continue
            text = safe(text, ascii_only=self.ascii_only)
            if start >= len(text):
                start -= len(text)
                continue
            kept = None if style is None else style.without_color if self.app.no_color else style
            segments.append(Segment(text[start:], kept))
            start = 0
        return segments

    def watch_cursor(self, old: int, new: int) -> None:
        """On the last line it follows what is written."""
        super().watch_cursor(old, new)
        self.following = new >= self.row_count() - 1

    def action_follow(self) -> None:
        """To the newest line, and stays on it."""
        self.following = True
        self.go_to(self.row_count() - 1)
