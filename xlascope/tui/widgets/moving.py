"""Moving in a pane of rows: the cursor, scrolling to it, columns; places count only the rows that are seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from xlascope.tui.widgets.line_view import LineView


class Moving:
    """The part of a `LineView` that moves; `column` is the first column that is seen."""

    column = 0
    _top_pressed = False

    @property
    def _moved(self) -> LineView:
        return cast("LineView", self)

    def scroll_rows(self, top: int) -> None:
        """Makes what is at place `top` the first visible row, as far as there are rows."""
        view = self._moved
        if view.is_attached:
            # Forced: before the first layout a scrollbar is not there yet, and without one Textual would not scroll.
            view.scroll_to(y=top, animate=False, immediate=True, force=True)

    def go_to(self, row: int, *, centre: bool = False) -> None:
        """Puts the cursor on a row and scrolls until it is seen; into the middle if `centre` and it was not."""
        view = self._moved
        if 0 <= row < view.row_count():
            view.reveal(row)
        view.cursor = row
        self.show_row(view.cursor, centre=centre)

    def show_row(self, row: int, *, centre: bool = False) -> None:
        """Opens what hides a row, and scrolls as little as needed to see it."""
        view = self._moved
        height = view.body_height
        top = view.first_visible
        if row < 0 or height <= 0:
            return
        view.reveal(row)
        place = view.place_of(row)
        if top <= place < top + height:
            return
        if centre:
            target = place - height // 2
        else:
            target = place if place < top else place - height + 1
        self.scroll_rows(max(target, 0))

    def set_column(self, column: int) -> None:
        """Scrolls sideways to a column."""
        view = self._moved
        limit = max(view.content_columns() - view.view_width // 2, 0)
        column = min(max(column, 0), limit)
        if column != self.column:
            self.column = column
            view.redraw()

    def action_row(self, step: int) -> None:
        """By so many rows."""
        self.step_places(step)

    def step_places(self, step: int) -> None:
        """Moves the cursor by some of the rows that are seen, as far as there are any."""
        view = self._moved
        last = view.place_count() - 1
        if last >= 0:
            self.go_to(view.row_of(min(max(view.place_of(view.cursor) + step, 0), last)))

    def action_sideways(self, step: int) -> None:
        """By so many columns."""
        self.set_column(self.column + step)

    def action_line_start(self) -> None:
        """To the first column."""
        self.set_column(0)

    def action_top(self) -> None:
        """To the first row, when it is pressed twice."""
        if self._top_pressed:
            self._top_pressed = False
            self.go_to(0)
        else:
            self._top_pressed = True

    def action_first(self) -> None:
        """To the first row."""
        self.go_to(0)

    def action_last(self) -> None:
        """To the last row that is seen."""
        view = self._moved
        self.go_to(view.row_of(view.place_count() - 1))

    def action_page(self, pages: float) -> None:
        """By so many pages, the cursor with them."""
        view = self._moved
        step = round(pages * max(view.body_height - (abs(pages) == 1), 1))
        before = view.first_visible
        self.scroll_rows(before + step)
        self.step_places(step)
