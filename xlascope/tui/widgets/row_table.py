"""A table of up to hundreds of thousands of rows: sortable columns, bars, a filter, a cursor that stays on its row."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.message import Message

from xlascope.tui.actions import bindings
from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.text.safe import safe
from xlascope.tui.widgets.line_view import LineView

_MEASURED, _WIDEST = 200, 40
"""Rows whose cells tell how wide a column has to be, and how wide one may grow."""
_SORT_HERE = 5_000
"""Up to this many rows are sorted at once; more in a thread."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table whose rows are any records.

    `text` gives the cell; `order` what to sort by (None: cannot be sorted; a key of None sorts last). A column with
    `share` draws a bar for it after its text. `grow` columns take what width is left. `role` colours the cell.
    """

    key: str
    title: str
    width: int
    text: Callable[[Any], str]
    order: Callable[[Any], Any] | None = None
    share: Callable[[Any], float | None] | None = None
    right: bool = False
    grow: bool = False
    role: str | Callable[[Any], str] = "text"
    least: int = 0
    """The table leaves the column out when it is narrower than this."""
    keep_end: bool = False
    """Too long a cell loses its beginning: of a place, the line number matters most."""


class RowTable(LineView):
    """Rows as cells under a header; columns are sorted by a click on their title or with `<` and `>`."""

    HELP = "A table. The underlined bold title is the column it is sorted by; `r` turns the order round."
    HEADER_ROWS = 2
    SCOPES = ("list", "table")
    BINDINGS = bindings("table")

    class Sorted(Message):
        """The rows are in another order or are other ones now."""

        def __init__(self, view: RowTable):
            super().__init__()
            self.view = view

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        row_key: Callable[[Any], Hashable],
        sort: str | None = None,
        descending: bool = True,
        id: str | None = None,
        classes: str | None = None,
        glyphs: Glyphs = UNICODE,
    ):
        super().__init__(id=id, classes=classes, glyphs=glyphs)
        self.columns = tuple(columns)
        self.sort_key, self.descending = sort, descending
        self.filter_text = self._wrong = ""
        self._filtered = False
        self.filter_rows = ""
        """Which rows there are, for filter expressions: `ops` or `equations`; empty: only words are looked for."""
        self._row_key = row_key
        self._rows: Sequence[Any] = ()
        self._order: Sequence[int] = ()
        self._widths: list[tuple[Column, int]] = []
        self._needed: tuple[tuple[int, int], dict[str, int]] | None = None

    # data

    def set_rows(self, rows: Sequence[Any]) -> None:
        """Shows other rows; the cursor stays on the row with the same key, at the same place of the screen."""
        if not rows and not self._rows:
            return
        self._reorder(rows)

    def row(self, position: int) -> Any:
        """The record shown at a position, from 0."""
        return self._rows[self._order[position]]

    @property
    def current(self) -> Any | None:
        """The record under the cursor."""
        return self.row(self.cursor) if 0 <= self.cursor < len(self._order) else None

    def move_to_key(self, key: Hashable) -> bool:
        """Puts the cursor on the record with this key, if it is shown."""
        for position in range(len(self._order)):
            if self._row_key(self.row(position)) == key:
                self.go_to(position, centre=True)
                return True
        return False

    def set_filter(self, text: str) -> None:
        """Keeps only rows that contain `text`, or that an expression holds for; empty shows all.

        While an expression makes no sense yet, the rows stay as they were and the title says what could come.
        """
        told = self._wrong = self._told_of(text)
        self.set_note(told)
        if not told or not text:
            self.filter_text = text
            self._reorder(self._rows)

    def end_filter(self) -> bool:
        """All rows again, and nothing said of a filter that makes no sense; False where neither was."""
        had = bool(self.filter_text or self._wrong)
        if had:
            self.set_filter("")
        return had

    def _told_of(self, text: str) -> str:
        """What is wrong with a filter expression; empty when nothing is, and for words."""
        if not text or not self.filter_rows:
            return ""
        from xlascope.views.filtering import FIELDS, FilterError, hints, is_expression, parse

        fields = FIELDS[self.filter_rows]
        try:
            if is_expression(text, fields):
                parse(text, fields)
        except FilterError as error:
            valid = ", ".join(hints(text, fields)[:8])
            return f"{error.message} at column {error.column + 1}" + (f": {valid}" if valid else "")
        return ""

    def sort_by(self, key: str, descending: bool | None = None) -> None:
        """Sorts by a column; by the same one again turns the order round."""
        if descending is None:
            descending = not self.descending if key == self.sort_key else True
        self.sort_key, self.descending = key, descending
        self._reorder(self._rows)

    def _reorder(self, rows: Sequence[Any]) -> None:
        job = partial(arrange, rows, self.columns, self.sort_key, self.descending, self.filter_text, self.ascii_only,
                      self.filter_rows)  # fmt: skip
        if len(rows) <= _SORT_HERE or not self.is_attached:
            self.workers.cancel_group(self, "arrange") if self.is_attached else None
            self._take(rows, job())
        else:
            # A function of its own: Textual writes out a worker's arguments, and the rows are many.
            self.run_worker(lambda: self._arrange(rows, job), group="arrange", exclusive=True, thread=True)

    def _arrange(self, rows: Sequence[Any], job: Callable[[], list[int]]) -> None:
        self.post_message(_Arranged(rows, job(), (self.sort_key, self.descending, self.filter_text)))

    def on__arranged(self, message: _Arranged) -> None:
        """Takes the new order, if it is still the one that is wanted."""
        if message.wanted == (self.sort_key, self.descending, self.filter_text):
            self._take(message.rows, message.order)

    def _take(self, rows: Sequence[Any], order: Sequence[int]) -> None:
        current = self.current
        # Untouched, the table shows its top: the hottest rows.
        at_top = self.cursor <= 0 and self.first_visible == 0
        key = None if current is None or at_top else self._row_key(current)
        place = self.cursor - self.first_visible
        self._rows, self._order = rows, order
        if not self._wrong and not self.needle and (self.filter_text or self._filtered):
            self._filtered = bool(self.filter_text)
            self.set_note(f"f {self.filter_text}  {len(order)} of {len(rows)}" if self.filter_text else "")
        if key is not None:
            found = next((i for i, index in enumerate(order) if self._row_key(rows[index]) == key), None)
            if found is not None:
                self.set_reactive(LineView.cursor, found)
                self.rows_changed()
                self.scroll_rows(max(found - max(place, 0), 0))
                self.post_message(self.Sorted(self))
                return
        self.rows_changed()
        self.post_message(self.Sorted(self))

    # drawing

    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._order)

    def content_columns(self) -> int:
        """Cells of all columns that are shown."""
        return sum(width + 1 for _, width in self._widths)

    def row_text(self, row: int) -> str:
        """A row as text."""
        record = self.row(row)
        return "  ".join(column.text(record) for column in self.columns)

    def layout_columns(self, width: int) -> list[tuple[Column, int]]:
        """The columns shown in `width` cells, each with its own."""
        shown = [column for column in self.columns if width >= column.least]
        left = width - 2 - sum(column.width + 1 for column in shown)
        growing = sum(column.grow for column in shown)
        widths = []
        for column in shown:
            extra = 0
            if column.grow and left > 0:
                extra = left // growing
                growing -= 1
                left -= extra
            widths.append((column, column.width + extra))
        return self._evened(widths)

    def _evened(self, widths: list[tuple[Column, int]]) -> list[tuple[Column, int]]:
        """Cells that a column does not need go to those that are cut: places first, of which the end matters."""
        needs = self._cells_needed()
        cells = {column.key: width for column, width in widths}
        cut = [column for column, width in widths if column.share is None and needs.get(column.key, 0) > width]
        for column in sorted(cut, key=lambda column: not column.keep_end):
            for giver, _ in widths:
                spare = cells[giver.key] - max(needs.get(giver.key, 0), cell_len(giver.title))
                wanted = min(needs[column.key], _WIDEST) - cells[column.key]
                if giver.share is None and spare > 0 and wanted > 0:
                    cells[giver.key] -= min(spare, wanted)
                    cells[column.key] += min(spare, wanted)
        return [(column, cells[column.key]) for column, _ in widths]

    def _cells_needed(self) -> dict[str, int]:
        """What the longest cell of each column takes, of the first rows."""
        key = (id(self._rows), id(self._order))
        if self._needed is None or self._needed[0] != key:
            records = [self.row(row) for row in range(min(len(self._order), _MEASURED))]
            found = {
                column.key: max((cell_len(safe(column.text(record), ascii_only=self.ascii_only)) for record in records),
                                default=0)
                for column in self.columns if column.share is None
            }  # fmt: skip
            self._needed = key, found
        return self._needed[1]

    def draw_header(self, line: int, width: int) -> list[Segment]:
        """The title, and below it the names of the columns."""
        if line == 0:
            return self._title_segments(width)
        self._widths = self.layout_columns(width)
        colours = self.palette
        segments = [Segment(" ", colours["header"])]
        for column, cells in self._widths:
            role = "header_sorted" if column.key == self.sort_key else "header"
            title = set_cell_size(column.title[:cells].rjust(cells) if column.right else column.title, cells)
            segments += [Segment(title, colours[role]), Segment(" ", colours["header"])]
        return list(_cropped(segments, self.column))

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A row as it is drawn."""
        record = self.row(row)
        colours = self.palette
        segments = [Segment(self.glyphs.cursor if row == self.cursor else " ", colours["accent"])]
        tokens: list[tuple[str, str]] = []
        for column, cells in self._widths or self.layout_columns(width):
            role = column.role if isinstance(column.role, str) else column.role(record)
            tokens += self._cell(column, cells, record, role)
            tokens.append((" ", "text"))
        return segments + self.marked(tokens, self.column)

    def _cell(self, column: Column, cells: int, record: Any, role: str) -> list[tuple[str, str]]:
        text = safe(column.text(record), ascii_only=self.ascii_only)
        if column.share is None:
            return [(fit(text, cells, column.right, self.glyphs, column.keep_end), role)]
        share = column.share(record)
        label = fit(text, 5, True, self.glyphs)
        hot = share is not None and share >= 0.25
        return [(label + " ", role), (self.glyphs.bar(share, cells - 6), "bar_hot" if hot else "bar")]

    # keys and mouse

    def click_header(self, x: int, y: int) -> None:
        """Sorts by the column that was clicked."""
        super().click_header(x, y)
        at = 1 - self.column
        for column, cells in self._widths if y == 1 else []:
            if at <= x < at + cells and column.order is not None:
                self.sort_by(column.key)
                return
            at += cells + 1

    def action_sort_next(self, step: int) -> None:
        """Sorts by the next column, or the one before."""
        keys = [column.key for column in self.columns if column.order is not None]
        if keys:
            at = keys.index(self.sort_key) if self.sort_key in keys else 0
            self.sort_by(keys[(at + step) % len(keys)], descending=True)

    def action_reverse(self) -> None:
        """Turns the order around."""
        if self.sort_key is not None:
            self.sort_by(self.sort_key)

    def action_filter(self) -> None:
        """Asks what to filter by."""
        self.ask_for("filter")


class _Arranged(Message):
    """Rows sorted and filtered in a thread."""

    def __init__(self, rows: Sequence[Any], order: list[int], wanted: tuple[str | None, bool, str]):
        super().__init__()
        self.rows, self.order, self.wanted = rows, order, wanted


def arrange(
    rows: Sequence[Any],
    columns: Sequence[Column],
    sort: str | None,
    descending: bool,
    needle: str,
    ascii_only: bool = False,
    filter_rows: str = "",
) -> list[int]:
    """Positions of the rows to show, in order: stable, rows without a value last in either direction."""
    kept = list(range(len(rows)))
    test = _expression(needle, filter_rows) if needle and filter_rows else None
    if test is not None:
        kept = [index for index in kept if test(rows[index])]
    elif needle:
        fold = needle == needle.lower()
        texts = [column.text for column in columns]

        def contains(index: int) -> bool:
            words = "\n".join(text(rows[index]) for text in texts)
            return needle in (words.lower() if fold else words)

        kept = [index for index in kept if contains(index)]
    order = next((column.order for column in columns if column.key == sort), None)
    if order is None:
        return kept
    keys = {index: order(rows[index]) for index in kept}
    known = [index for index in kept if keys[index] is not None]
    known.sort(key=keys.__getitem__, reverse=descending)
    return known + [index for index in kept if keys[index] is None]


def _expression(needle: str, filter_rows: str) -> Callable[[Any], bool] | None:
    """The test of a filter that is an expression, None for words."""
    from xlascope.views.filtering import FIELDS, is_expression, parse

    fields = FIELDS[filter_rows]
    return parse(needle, fields) if is_expression(needle, fields) else None


def fit(text: str, cells: int, right: bool, glyphs: Glyphs, keep_end: bool = False) -> str:
    """`text` in exactly `cells` cells, with an ellipsis where it was cut: at its end, or else at its beginning."""
    length = cell_len(text)
    if length > cells and keep_end and cells:
        kept = text
        while cell_len(kept) > cells - 1:
            kept = kept[1:]
        return " " * (cells - 1 - cell_len(kept)) + glyphs.ellipsis + kept
    if length > cells:
        return set_cell_size(text, max(cells - 1, 0)) + (glyphs.ellipsis if cells else "")
    return " " * (cells - length) + text if right else text + " " * (cells - length)


def _cropped(segments: list[Segment], start: int) -> list[Segment]:
    kept = []
    for segment in segments:
        if start >= len(segment.text):
            start -= len(segment.text)
        else:
            kept.append(Segment(segment.text[start:], segment.style))
            start = 0
    return kept
