"""Text of any stage, up to millions of lines, with a margin of time and marks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rich.segment import Segment
from textual.strip import Strip

from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.text.highlight import Tokeniser, plain, tokeniser
from xlascope.tui.text.lines import LineSource, TextLines
from xlascope.tui.text.numbers import percent
from xlascope.tui.text.safe import safe
from xlascope.tui.widgets.line_view import LineView

_WHOLE_LINE = 4000
"""Lines up to this many characters are coloured from their start; of longer ones only what is seen."""


@dataclass(frozen=True, slots=True)
class LineMark:
    """What the margin says of a line.

    `share` is its part of the time between 0 and 1, None if there is none to show; `estimated` puts `~` before it.
    `kind` is `unknown`, `nothing_left` (no instruction left), `added` (by XLA) or None.
    """

    share: float | None = None
    estimated: bool = False
    kind: str | None = None


class TextPane(LineView):
    """One text with syntax colours, heat, marks, a cursor and search."""

    HELP = (
        "The text of one stage. The margin gives each line's share of the time: `~` estimated, `?` unknown, "
        "`∅` no instruction left, `+` added by XLA. Lines linked to the cursor of another pane are highlighted."
    )
    MARGIN = 5

    def __init__(self, *, id: str | None = None, classes: str | None = None, glyphs: Glyphs = UNICODE):
        super().__init__(id=id, classes=classes, glyphs=glyphs)
        self.source: LineSource = TextLines(b"")
        self._tokenise: Tokeniser = plain
        self._marks: Mapping[int, LineMark] = {}
        self._first_number: int | None = None
        self._number_width = 0
        self._hottest = 0.0
        self._placeholder = ""
        self.landed = -1
        """The row that the screen put the cursor on, when that was not the user."""

    def set_content(
        self,
        source: LineSource,
        language: str = "",
        *,
        first_number: int | None = None,
        marks: Mapping[int, LineMark] | None = None,
        keep_position: bool = False,
    ) -> None:
        """Shows another text; `first_number` numbers its lines from there (None: no numbers)."""
        self.source = source
        self._tokenise = tokeniser(language)
        self._first_number = first_number
        last = (first_number or 0) + len(source)
        self._number_width = 0 if first_number is None else max(len(str(last)), 3)
        self._take_marks(marks or {})
        if not keep_position:
            self.set_reactive(LineView.cursor, 0 if len(source) else -1)
        self.rows_changed(keep_scroll=keep_position)

    def set_marks(self, marks: Mapping[int, LineMark]) -> None:
        """The margin, by line; lines without an entry stay empty."""
        if marks != self._marks:
            self._take_marks(marks)
            self.redraw()

    def set_placeholder(self, text: str) -> None:
        """What is shown while there is no text."""
        if text != self._placeholder:
            self._placeholder = text
            self.rows_changed()

    def share_of(self, row: int) -> float:
        """The row's share of the time; 0 where none is known."""
        mark = self._marks.get(row)
        return (mark.share or 0.0) if mark is not None else 0.0

    def hottest_row(self) -> int | None:
        """The row with the largest share, the innermost of equals; None while no share is known."""
        known = [row for row, mark in self._marks.items() if mark.share]
        return max(known, key=lambda row: (round(self.share_of(row), 3), row), default=None)

    def action_hottest(self) -> None:
        row = self.hottest_row()
        if row is not None:
            self.go_to(row, centre=True)

    def _take_marks(self, marks: Mapping[int, LineMark]) -> None:
        self._marks = marks
        self._hottest = max((mark.share or 0.0 for mark in marks.values()), default=0.0)

    def row_count(self) -> int:
        return len(self.source) or (1 if self._placeholder else 0)

    def row_text(self, row: int) -> str:
        return self.source.line(row) if row < len(self.source) else self._placeholder

    def whole_text(self) -> Iterator[str]:
        return self.source.pieces()

    def content_columns(self) -> int:
        return self.source.width + self.margin_width

    @property
    def margin_width(self) -> int:
        """Cells before the text: heat, line number, cursor."""
        heat = self.MARGIN if self._marks else 0
        return heat + (self._number_width + 1 if self._number_width else 0) + 1

    def find_row(self, needle: str, start: int, backwards: bool) -> int | None:
        return self.source.find(needle, start, backwards) if len(self.source) else None

    def draw_row(self, row: int, width: int) -> Strip | list[Segment]:
        if not len(self.source):
            return [Segment(" " + self._placeholder, self.palette["dim"])]
        segments = self._margin(row)
        space = max(width - self.margin_width, 0)
        raw = self.source.line(row)
        skip = 0
        if len(raw) > _WHOLE_LINE:
            skip = max(self.column - 64, 0)
            raw = raw[skip : skip + space + 192]
        text = safe(raw, ascii_only=self.ascii_only)
        start = self.column - skip
        if text.isascii():
            segments += self.marked(self._tokenise(text[: start + space + 64]), start)
            return segments
        body = Strip(self.marked(self._tokenise(text))).crop(start, start + space)
        return Strip([*segments, *body])

    def _margin(self, row: int) -> list[Segment]:
        colours, glyphs = self.palette, self.glyphs
        segments = []
        if self._marks:
            segments += self._heat(self._marks.get(row))
        if self._number_width:
            number = (self._first_number or 0) + row
            segments.append(Segment(f"{number:>{self._number_width}} ", colours["dim"]))
        segments.append(Segment(glyphs.cursor if row == self.cursor else " ", colours["accent"]))
        return segments

    def _heat(self, mark: LineMark | None) -> list[Segment]:
        colours, glyphs = self.palette, self.glyphs
        if mark is None:
            return [Segment(" " * self.MARGIN)]
        if mark.share is None:
            signs = {"unknown": glyphs.unknown, "nothing_left": glyphs.nothing_left, "added": glyphs.added}
            return [Segment(f" {signs.get(mark.kind or '', ' '):>2}  ", colours["dim"])]
        lead = glyphs.estimated if mark.estimated else (glyphs.added if mark.kind == "added" else " ")
        hot = mark.share >= 0.5 * self._hottest
        role = "bar_hot" if hot else "bar"
        words = percent(mark.share)
        return [
            Segment(lead if len(words) < 4 else "", colours["estimated"]),
            Segment(f"{words:>3}", colours[role] if hot else colours["text"]),
            Segment(glyphs.bar(mark.share, 1), colours[role]),
        ]
