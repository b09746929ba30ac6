"""Text of any stage, up to millions of lines, with a margin of time and marks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from textual.message import Message
from textual.strip import Strip

from xlascope.tui.actions import bindings
from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.text.folds import Folds
from xlascope.tui.text.highlight import Token, Tokeniser, plain, tokeniser
from xlascope.tui.text.lines import TextLines
from xlascope.tui.text.numbers import percent
from xlascope.tui.text.queries import parse_query, pattern_of
from xlascope.tui.text.safe import safe
from xlascope.tui.widgets.folding import Folding
from xlascope.tui.widgets.jumping import Jumping
from xlascope.tui.widgets.line_view import LineView

_WHOLE_LINE = 4000
"""Lines up to this many characters are coloured from their start; of longer ones only what is seen."""
_BEFORE_MATCH = 8
"""So many characters are seen around a match in what is hidden, if nothing else fits."""
_LONGEST = 1 << 16
_ENDS = (1500, 400)
"""Of lines longer than that, so many characters of their beginning and end are shown while parts are hidden."""


@dataclass(frozen=True, slots=True)
class LineMark:
    """What the margin says of a line.

    `share` is its part of the time between 0 and 1, None if there is none to show; `estimated` puts `~` before it.
    `kind` is `unknown`, `nothing_left` (no instruction left), `added` (by XLA) or None. `own` is the part of `share`
    that is the line's alone, where `share` has what lies inside of a loop or call too.
    """

    share: float | None = None
    estimated: bool = False
    kind: str | None = None
    own: float | None = None


class TextPane(Folding, Jumping, LineView):
    """One text with syntax colours, heat, marks, folds, a cursor and search. A row is a line, seen or folded away."""

    HELP = (
        "The text of one stage. The margin gives each line's share of the time: `~` estimated, `?` unknown, "
        "`∅` no instruction left, `+` added by XLA. Lines linked to the cursor of another pane are highlighted, "
        "with `~` before the text where no tag links them but the flow of data, or their position. "
        "Computations, functions and bodies fold; `▸` marks a closed one, with the time of its lines. Metadata, "
        "configurations and tables for debugging are hidden, what is long is `{…N}`, until enter or `M`. "
        "`/op:dot`, `name:`, `shape:f32[8,64]`, `eq:4.0` and `line:14` search by what a line is."
    )
    SCOPES = ("list", "text")
    BINDINGS = bindings("text")
    MARGIN = 5

    class Folded(Message):
        """A key opened or closed folds; the cursor may be where it was."""

        def __init__(self, pane: TextPane):
            super().__init__()
            self.pane = pane

    class HidingChanged(Message):
        """What is hidden in lines is another thing now."""

        def __init__(self, pane: TextPane):
            super().__init__()
            self.pane = pane

    def __init__(self, *, id: str | None = None, classes: str | None = None, glyphs: Glyphs = UNICODE):
        LineView.__init__(self, id=id, classes=classes, glyphs=glyphs)
        Folding.__init__(self)
        Jumping.__init__(self)
        self.source = TextLines(b"")
        self._marked: list[int] = []
        self.rows_of: Callable[[str, str], Sequence[int]] | None = None
        """Lines of an equation (`eq`) or of a line of the source (`line`), as the links of the screen have them."""
        self._tokenise: Tokeniser = plain
        self._marks: Mapping[int, LineMark] = {}
        self._first_number: int | None = None
        self._number_width = 0
        self._hottest = 0.0
        self._placeholder = ""
        self._excerpt: tuple[int, int] | None = None
        """The row and place of a match in what is hidden of its line."""
        self.landed = -1
        """The row that the screen put the cursor on, when that was not the user."""

    def set_content(
        self,
        source: TextLines,
        language: str = "",
        *,
        first_number: int | None = None,
        marks: Mapping[int, LineMark] | None = None,
        keep_position: bool = False,
        folds: Folds | None = None,
        shares: Callable[[int, int], tuple[float | None, bool]] | None = None,
    ) -> None:
        """Shows another text; `first_number` numbers its lines from there (None: no numbers).

        `folds` are the text's, where they were worked out before; `shares` gives the time of a range of lines where
        that is not the sum of their marks. The same text again keeps what is folded.
        """
        other = source is not self.source or language != self.language
        if other:
            self.take_folds(source, language, folds)
            self.forget_way()
            self.set_note("")
        self.source, self.shares = source, shares
        self._tokenise = tokeniser(language)
        self._first_number = first_number
        last = (first_number or 0) + len(source)
        self._number_width = 0 if first_number is None else max(len(str(last)), 3)
        self._take_marks(marks or {})
        if not keep_position:
            self.set_reactive(LineView.cursor, 0 if len(source) else -1)
        self.rows_changed(keep_scroll=keep_position)
        if other:
            self.count_again()

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

    def mark_of(self, row: int) -> LineMark | None:
        """What the margin says of a row."""
        return self._marks.get(row)

    def share_of(self, row: int) -> float:
        """The row's share of the time; 0 where none is known."""
        mark = self._marks.get(row)
        return (mark.share or 0.0) if mark is not None else 0.0

    def hottest_row(self) -> int | None:
        """The row that costs most by itself, the innermost of equals; None while no share is known."""
        known = {row: mark.share if mark.own is None else mark.own for row, mark in self._marks.items()}
        known = {row: share for row, share in known.items() if share}
        return max(known, key=lambda row: (round(known[row] or 0.0, 3), row), default=None)

    def fold_share(self, fold: int) -> tuple[float | None, bool]:
        """Share of the time of a fold's lines, and whether some of it is estimated."""
        return self.summed(fold, self._marks)

    def action_hottest(self) -> None:
        """To the line with the most time."""
        row = self.hottest_row()
        if row is not None:
            self.go_to(row, centre=True)

    def _take_marks(self, marks: Mapping[int, LineMark]) -> None:
        self._marks = marks
        self._marked = sorted(marks)
        self.forget_sums()
        self._hottest = max((mark.share or 0.0 for mark in marks.values()), default=0.0)

    def row_count(self) -> int:
        """How many rows there are."""
        return len(self.source) or (len(self.sentence_rows(self._placeholder)) if self._placeholder else 0)

    def row_text(self, row: int) -> str:
        """A row as text."""
        return self.source.line(row) if row < len(self.source) else self.sentence_row(self._placeholder, row)

    def whole_text(self) -> Iterator[str]:
        """All of it as text, in pieces."""
        return self.source.pieces()

    def content_columns(self) -> int:
        """Cells of the longest line, with the margin."""
        return self.source.width + self.margin_width

    @property
    def margin_width(self) -> int:
        """Cells before the text: heat, line number, cursor."""
        heat = self.MARGIN if self._marks else 0
        return heat + (self._number_width + 1 if self._number_width else 0) + 1

    def marked_rows(self, start: int, stop: int) -> Sequence[int]:
        """The rows from `start` to before `stop` that have something in the margin."""
        return self._marked[bisect_left(self._marked, start) : bisect_left(self._marked, stop)]

    # searching

    @property
    def marked_needle(self) -> str:
        """The text that is marked in the rows; of a search by links nothing is."""
        query = parse_query(self.needle)
        return "" if query.is_linked else query.value

    def find_row(self, needle: str, start: int, backwards: bool) -> int | None:
        """The first row from `start` on that a query means; runs in a thread."""
        query = parse_query(needle)
        if not len(self.source):
            return None
        if query.kind == "text":
            return self.source.find(needle, start, backwards)
        if query.is_linked:
            linked = self.find_rows(needle, len(self.source))
            rows = [row for row in linked if (row <= start if backwards else row >= start)]
            return (rows[-1] if backwards else rows[0]) if rows else None
        pattern = pattern_of(query, self.language)
        return None if pattern is None else self.source.search(pattern, start, backwards)

    def find_rows(self, needle: str, limit: int) -> Sequence[int]:
        """The first rows that a query means, at most `limit`; runs in a thread."""
        query = parse_query(needle)
        if query.kind == "text":
            return self.source.find_all(needle, limit)
        if query.is_linked:
            rows = self.rows_of(query.kind, query.value) if self.rows_of is not None else ()
            return sorted(row for row in set(rows) if 0 <= row < len(self.source))[:limit]
        pattern = pattern_of(query, self.language)
        return () if pattern is None else self.source.search_all(pattern, limit)

    def arrived(self, row: int) -> str:
        """Shows the match where it lies in what is hidden of its line."""
        needle = self.marked_needle
        self._excerpt = None
        if not needle or not self.is_shortened(row):
            return ""
        seen, whole = self.seen_text(row), self.source.line(row)
        if needle == needle.lower():
            seen, whole = seen.lower(), whole.lower()
        if needle in seen or needle not in whole:
            return ""
        self._excerpt = row, whole.index(needle)
        self.set_column(0)
        self.redraw()
        return ", in what is hidden of its line"

    def _with_match(self, row: int, space: int) -> str | None:
        """A line's beginning, and behind it what is around the match in what is hidden of it; None for other lines."""
        if self._excerpt is None or self._excerpt[0] != row or self.column or not self.is_shortened(row):
            return None
        at = self._excerpt[1]
        if not self.marked_needle:
            return None
        gap = f" {self.glyphs.ellipsis}"
        room = max(space // 2, len(self.marked_needle) + _BEFORE_MATCH)
        head = self.seen_text(row)[: max(space - room - len(gap), 0)]
        around = max(at - max(room - len(self.marked_needle), 0) // 2, 0)
        return f"{head}{gap}{self.source.line(row)[around : around + room]}"

    # drawing

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """Margin, numbers and tokens of a line; of a closed fold what it hides."""
        if not len(self.source):
            return [Segment(" " + self.sentence_row(self._placeholder, row), self.palette["dim"])]
        fold = self.closed_fold(row)
        segments = self._margin(row, fold)
        space = max(width - self.margin_width, 0)
        raw, skip = self._raw(row, space)
        text = safe(raw, ascii_only=self.ascii_only)
        start = self.column - skip
        if text.isascii() and fold is None:
            segments += self.marked(self._tokenise(text[: start + space + 64]), start)
            return segments
        # A closed header is cut to the width: a computation's may name hundreds of parameters.
        tokens = self._tokenise(text if fold is None else text[:space])
        if fold is not None:
            tokens = self._closed_tokens(tokens, fold, space)
        body = self.marked(tokens)
        return [*segments, *(Strip(body).crop(start, start + space) if start else body)]

    def _raw(self, row: int, space: int) -> tuple[str, int]:
        """What is seen of a line, and how many of its first characters were left out for being far from sight."""
        if self.source.is_long(row, _WHOLE_LINE):
            if not self.hides_parts or row in self._whole or self.column > _WHOLE_LINE:
                skip = max(self.column - 64, 0)
                return self.source.window(row, skip, skip + space + 192), skip
            if self.source.is_long(row, _LONGEST):
                head, tail, between = self.source.ends(row, *_ENDS)
                return f"{head}{self.glyphs.ellipsis}{between:,} characters{self.glyphs.ellipsis}{tail}", 0
        found = self._with_match(row, space)
        if found is not None:
            return found, 0
        text = self.seen_text(row)
        skip = max(self.column - 64, 0) if len(text) > _WHOLE_LINE else 0
        return (text[skip : skip + space + 192] if skip or len(text) > _WHOLE_LINE else text), skip

    def _closed_tokens(self, tokens: list[Token], fold: int, space: int) -> list[Token]:
        """A header with what stands for its lines, which is seen however long the header is."""
        words = safe(self.fold_words(fold), ascii_only=self.ascii_only)
        room = max(space - len(words), 20)
        cut: list[Token] = []
        for text, role in tokens:
            if room <= 0:
                break
            cut.append((text[:room], role))
            room -= len(text)
        return [*cut, (words, "fold")]

    def _margin(self, row: int, fold: int | None) -> list[Segment]:
        colours, glyphs = self.palette, self.glyphs
        segments = []
        if self._marks:
            mark = self._marks.get(row)
            if fold is not None:
                share, estimated = self.summed(fold, self._marks)
                mark = LineMark(share, estimated) if share is not None else mark
            segments += self._heat(mark)
        if self._number_width:
            number = (self._first_number or 0) + row
            segments.append(Segment(f"{number:>{self._number_width}} ", colours["dim"]))
        sign = glyphs.closed if fold is not None else glyphs.estimated if row in self.guessed else " "
        segments.append(Segment(glyphs.cursor if row == self.cursor else sign, colours["accent"]))
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
