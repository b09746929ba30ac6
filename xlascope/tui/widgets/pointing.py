"""The mouse in a pane of rows: clicks on rows and on the title, and the wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.cells import cell_len
from textual import events

if TYPE_CHECKING:
    from xlascope.tui.widgets.line_view import LineView

_SIDEWAYS = 8
_ROWS = 3


class Pointing:
    """The part of a `LineView` that the mouse moves. Places on the screen are in cells."""

    @property
    def _pointed(self) -> LineView:
        return cast("LineView", self)

    def on_click(self, event: events.Click) -> None:
        """Puts the cursor on the row that was clicked."""
        view = self._pointed
        x, y = event.x - view.gutter.left, event.y - view.gutter.top
        row = self.row_at(y)
        if row is not None:
            again = row == view.cursor
            view.cursor = row
            self.click_row(x, row, again)
        elif y < view.HEADER_ROWS:
            self.click_header(x, y)

    def row_at(self, y: int) -> int | None:
        """The row under a line of this widget's content, or None."""
        view = self._pointed
        place = view.first_visible + y - view.HEADER_ROWS
        return view.row_of(place) if y >= view.HEADER_ROWS and place < view.place_count() else None

    def click_header(self, x: int, y: int) -> None:
        """A click on a header line: on the title, the part's own action."""
        view = self._pointed
        for at, text, part in view.placed_title() if y == 0 else ():
            if part is not None and part.click is not None and at <= x < at + cell_len(text):
                view.call_later(view.app.run_action, part.click, view.screen)

    def click_row(self, x: int, row: int, again: bool) -> None:
        """A click on a row; `again` when the cursor was there."""
        if again:
            self._pointed.action_activate()

    def _on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        event.stop()
        self._pointed.set_column(self._pointed.column - _SIDEWAYS)

    def _on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        event.stop()
        self._pointed.set_column(self._pointed.column + _SIDEWAYS)

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        event.prevent_default()
        self._wheel(event, 1)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        event.prevent_default()
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, step: int) -> None:
        view = self._pointed
        if event.shift or event.ctrl:
            view.set_column(view.column + _SIDEWAYS * step)
        else:
            view.scroll_rows(view.first_visible + _ROWS * step)
