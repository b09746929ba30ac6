"""The part of a text pane that folds: computations, functions, regions and nested jaxprs, and what lines hide."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from xlascope.tui.text.folds import Folds, find_folds
from xlascope.tui.text.hiding import is_hidden_by_default, shown
from xlascope.tui.text.lines import TextLines

if TYPE_CHECKING:
    from xlascope.tui.widgets.text_pane import LineMark, TextPane

_MOST_WHOLE = 10_000
"""Lines that were asked for whole, one by one, and are remembered as that."""


class Folding:
    """Rows are lines of the text, whether they are seen or not; places count those that are seen."""

    folds = Folds(0)
    language = ""
    metadata_shown = False
    shares: Callable[[int, int], tuple[float | None, bool]] | None = None

    def __init__(self) -> None:
        self._whole: dict[int, None] = {}
        self._sums: dict[int, tuple[float | None, bool]] = {}

    @property
    def _pane(self) -> TextPane:
        return cast("TextPane", self)

    def take_folds(self, source: TextLines, language: str, folds: Folds | None) -> None:
        """The folds of a new text; those given are copied, for closing them is this pane's own affair."""
        self.language = language
        self.folds = find_folds(source, language) if folds is None else folds.copy()
        self.folds.set_closed(self.folds.tables, not self.metadata_shown)
        self._whole.clear()
        self._sums.clear()

    def forget_sums(self) -> None:
        """The margin changed."""
        self._sums.clear()

    # what the base asks

    def place_count(self) -> int:
        """How many rows no closed fold hides."""
        return self.folds.shown if len(self._pane.source) else self._pane.row_count()

    def place_of(self, row: int) -> int:
        """Where a row is among those that are seen; of a hidden one, where its fold is."""
        return self.folds.place_of(row)

    def row_of(self, place: int) -> int:
        """The row that is seen at a place."""
        return self.folds.line_at(place)

    def reveal(self, row: int) -> None:
        """Opens the folds that hide a row."""
        if self.folds.reveal(row):
            self._folded_anew()

    # what is seen of a line

    @property
    def hides_parts(self) -> bool:
        """Whether lines of this text have parts that are hidden until asked for."""
        return not self.metadata_shown and is_hidden_by_default(self.language)

    def seen_text(self, row: int) -> str:
        """A line without what is hidden of it."""
        line = self._pane.source.line(row)
        return shown(line, self.language) if self.hides_parts and row not in self._whole else line

    def is_shortened(self, row: int) -> bool:
        """Whether a part of the line is hidden now."""
        return self.hides_parts and row not in self._whole and self.seen_text(row) != self._pane.source.line(row)

    def closed_fold(self, row: int) -> int | None:
        """The closed fold whose header a row is."""
        fold = self.folds.at_header(row)
        return fold if fold is not None and self.folds.is_closed(fold) else None

    def fold_words(self, fold: int) -> str:
        """What stands for the lines of a closed fold: how many there are, and how it ends."""
        header, last = self.folds.headers[fold], self.folds.lasts[fold]
        if last > header + 1 and not self._pane.source.line(last).strip():
            last -= 1
        number = last - header + (fold in self.folds.tables)
        what = "lines of tables for debugging" if fold in self.folds.tables else "line" if number == 1 else "lines"
        tail = self._pane.source.line(last).strip()
        tail = tail if tail[:1] in tuple("]})") or tail.startswith("in ") else ""
        return f" {self._pane.glyphs.ellipsis} {number:,} {what} {tail[:60]}".rstrip()

    def summed(self, fold: int, marks: Mapping[int, LineMark]) -> tuple[float | None, bool]:
        """Share of the time of a fold's lines, and whether some of it is estimated."""
        if fold not in self._sums:
            first, last = self.folds.headers[fold], self.folds.lasts[fold]
            self._sums[fold] = self.shares(first, last) if self.shares is not None else self._added(first, last, marks)
        return self._sums[fold]

    def _added(self, first: int, last: int, marks: Mapping[int, LineMark]) -> tuple[float | None, bool]:
        found = [marks[row] for row in self._pane.marked_rows(first, last + 1) if marks[row].share is not None]
        if not found:
            return None, False
        return sum(mark.share or 0.0 for mark in found), any(mark.estimated for mark in found)

    # keys

    def action_activate(self) -> None:
        """Opens or closes the fold of a header; shows a shortened line whole, or short again."""
        pane = self._pane
        row, fold = pane.cursor, self.folds.at_header(pane.cursor)
        if fold is not None and not (self.folds.is_closed(fold) is False and self.is_shortened(row)
                                     and fold in self.folds.tables):  # fmt: skip
            self._set_closed([fold], not self.folds.is_closed(fold))
        elif row in self._whole:
            del self._whole[row]
            pane.redraw()
        elif 0 <= row < len(pane.source) and self.is_shortened(row):
            self.show_whole(row)
        elif row >= 0:
            pane.screen.post_message(pane.Activated(pane, row))

    def show_whole(self, row: int) -> None:
        """Shows all of a line, from its first character."""
        while len(self._whole) >= _MOST_WHOLE:
            del self._whole[next(iter(self._whole))]
        self._whole[row] = None
        self._pane.redraw()

    def action_fold(self) -> None:
        """Closes the innermost open fold that the cursor is in."""
        fold = next((each for each in self.folds.around(self._pane.cursor) if not self.folds.is_closed(each)), None)
        if fold is not None:
            self._set_closed([fold], True)

    def action_unfold(self) -> None:
        """Opens the fold under the cursor, and those within it when it is open."""
        fold = self.folds.at_header(self._pane.cursor)
        if fold is None:
            fold = next(self.folds.around(self._pane.cursor), None)
        if fold is not None:
            inside = self.folds.inside(fold) if not self.folds.is_closed(fold) else ()
            self._set_closed([fold, *inside], False)

    def action_fold_all(self) -> None:
        """Closes all folds; opens them when all are closed."""
        self.folds.close_all(not self.folds.all_closed)
        self._folded_by_key()

    def action_metadata(self) -> None:
        """Shows or hides metadata, configurations, long attributes and tables for debugging."""
        self.metadata_shown = not self.metadata_shown
        self._whole.clear()
        self.folds.set_closed(self.folds.tables, not self.metadata_shown)
        self._folded_anew()
        self._pane.post_message(self._pane.HidingChanged(self._pane))

    def _set_closed(self, folds: list[int], closed: bool) -> None:
        self.folds.set_closed(folds, closed)
        self._folded_by_key()

    def _folded_by_key(self) -> None:
        self._folded_anew()
        self._pane.post_message(self._pane.Folded(self._pane))

    def _folded_anew(self) -> None:
        """Other rows are seen now; the cursor stays, at its place on the screen, or goes to what hides it."""
        pane = self._pane
        row = pane.cursor
        if row >= 0 and self.folds.is_hidden(row):
            pane.cursor = self.folds.line_at(self.folds.place_of(row))
        pane.rows_changed()
        pane.show_row(pane.cursor)
