"""Searching the rows of a pane: in a thread, around the end, to the next match and the one before."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from xlascope.tui.widgets.line_view import LineView


class Searching:
    """The part of a `LineView` that searches; `needle` is what was last searched for."""

    needle = ""

    @property
    def _view(self) -> LineView:
        return cast("LineView", self)

    def action_search(self) -> None:
        # Straight to the screen: what is typed next should find the prompt open.
        view = self._view
        view.screen.post_message(view.SearchRequested(view))

    def action_search_next(self, step: int) -> None:
        if self.needle:
            self.start_search(self.needle, backwards=step < 0, skip_current=True)

    def clear_search(self) -> None:
        """Forgets the needle and its marks."""
        if self.needle:
            self.needle = ""
            self._view.workers.cancel_group(self._view, "search")
            self._view.redraw()

    def start_search(self, needle: str, *, backwards: bool = False, skip_current: bool = False) -> None:
        """Looks for `needle` from the cursor on in a thread, around the end if need be; `SearchDone` tells."""
        view = self._view
        if needle != self.needle:
            self.needle = needle
            view.redraw()
        if needle and view.row_count():
            start = view.cursor + ((-1 if backwards else 1) if skip_current else 0)
            job = partial(self._search, needle, start, backwards)
            view.run_worker(job, group="search", exclusive=True, thread=True, exit_on_error=False)

    def _search(self, needle: str, start: int, backwards: bool) -> None:
        view = self._view
        count = view.row_count()
        row = view.find_row(needle, start, backwards) if 0 <= start < count else None
        wrapped = row is None
        if wrapped:
            row = view.find_row(needle, count - 1 if backwards else 0, backwards)
        view.post_message(view.SearchDone(view, needle, row, wrapped))

    def on_line_view_search_done(self, message: LineView.SearchDone) -> None:
        """To the match, if it is still the one that is looked for."""
        if message.view is self and message.row is not None and message.needle == self.needle:
            message.view.go_to(message.row, centre=True)
