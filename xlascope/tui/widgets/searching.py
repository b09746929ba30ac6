"""Searching the rows of a pane: in a thread, around the end, to the next match and the one before, and how many."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from xlascope.tui.widgets.line_view import LineView

MOST_COUNTED = 20_000
"""Of more rows with a match only so many are counted, and it says so."""


class Searching:
    """The part of a `LineView` that searches; `needle` is what was last searched for."""

    needle = ""
    _matches: Sequence[int] | None = None
    _revealed = ""
    _sought = ""
    """What a thread looks for; steps asked for meanwhile wait."""
    _steps: tuple[int, ...] = ()

    @property
    def _view(self) -> LineView:
        return cast("LineView", self)

    def action_search(self) -> None:
        """Asks what to search for."""
        self.ask_for("search")

    def ask_for(self, purpose: str) -> None:
        """Opens the prompt at once: what is typed next is to find it open."""
        view = self._view
        request = view.SearchRequested(view, purpose)
        handler = getattr(view.screen, "on_line_view_search_requested", None)
        if handler is None:
            view.screen.post_message(request)
        else:
            handler(request)

    def action_search_next(self, step: int) -> None:
        """To the next match, or the one before."""
        if self.needle and self._sought == self.needle:
            self._steps = (*self._steps, step)
        elif self.needle:
            self.start_search(self.needle, backwards=step < 0, skip_current=True)

    def clear_search(self) -> None:
        """Forgets the needle and its marks."""
        if self.needle:
            self.needle = self._sought = ""
            self._matches, self._steps = None, ()
            self._view.workers.cancel_group(self._view, "search")
            self._view.redraw()
            self.tell_search()

    def start_search(self, needle: str, *, backwards: bool = False, skip_current: bool = False) -> None:
        """Looks for `needle` from the cursor on in a thread, around the end if need be; `SearchDone` tells."""
        view = self._view
        if needle != self.needle:
            self.needle = needle
            self._matches, self._steps, self._sought = None, (), ""
            self.tell_search()
            view.redraw()
        if needle and view.row_count():
            start = view.cursor + ((-1 if backwards else 1) if skip_current else 0)
            job = partial(self._search, needle, start, backwards, self._matches is None)
            self._sought = needle
            view.run_worker(job, group="search", exclusive=True, thread=True, exit_on_error=False)

    def count_again(self) -> None:
        """Of another text the matches are other ones; the cursor stays where it is."""
        view, needle = self._view, self.needle
        self._matches, self._steps, self._sought, self._revealed = None, (), "", ""
        if needle:
            view.set_note("")
            job = partial(self._count, needle)
            view.run_worker(job, group="search", exclusive=True, thread=True, exit_on_error=False)

    def _count(self, needle: str) -> None:
        self._view.post_message(self._view.SearchCounted(self._view, needle, self.find_rows(needle, MOST_COUNTED + 1)))

    def _search(self, needle: str, start: int, backwards: bool, count: bool) -> None:
        view = self._view
        rows = view.row_count()
        row = view.find_row(needle, start, backwards) if 0 <= start < rows else None
        wrapped = row is None
        if wrapped:
            row = view.find_row(needle, rows - 1 if backwards else 0, backwards)
        view.post_message(view.SearchDone(view, needle, row, wrapped))
        if count:
            if row is not None:
                self._count(needle)
            else:
                view.post_message(view.SearchCounted(view, needle, array("l")))

    def find_rows(self, needle: str, limit: int) -> Sequence[int]:
        """The first rows that contain `needle`, at most `limit`; runs in a thread, so it must only read."""
        fold = needle == needle.lower()
        found = array("l")
        for row in range(self._view.row_count()):
            text = self._view.row_text(row)
            if needle in (text.lower() if fold else text):
                found.append(row)
                if len(found) >= limit:
                    break
        return found

    def arrived(self, row: int) -> str:
        """Called at a match, before it is told; what there is to say about where it is."""
        return ""

    def on_line_view_search_done(self, message: LineView.SearchDone) -> None:
        """To the match, if it is still the one that is looked for."""
        if message.view is not self or message.needle != self.needle:
            return
        steps, self._sought, self._steps = self._steps, "", ()
        if message.row is not None:
            message.view.go_to(message.row, centre=True)
            self._revealed = self.arrived(message.row)
            self.tell_search()
            if steps:
                self.start_search(self.needle, backwards=steps[0] < 0, skip_current=True)
                self._steps = steps[1:]

    def on_line_view_search_counted(self, message: LineView.SearchCounted) -> None:
        """Takes the rows with a match, if it is still the needle that is looked for."""
        if message.view is self and message.needle == self.needle:
            self._matches = message.rows
            self.tell_search()

    def tell_search(self) -> None:
        """`3 of 17` in the title, as long as something is searched for."""
        view, rows = self._view, self._matches
        if not self.needle:
            view.set_note("")
        elif rows is not None:
            more = len(rows) > MOST_COUNTED
            total = f"{min(len(rows), MOST_COUNTED):,}{'+' if more else ''}"
            at = bisect_left(rows, view.cursor)
            on_one = at < len(rows) and rows[at] == view.cursor
            counted = f"{at + 1:,} of {total}" if on_one else f"{total} match{'' if len(rows) == 1 else 'es'}"
            view.set_note(f"/{self.needle}  {counted}{self._revealed if on_one else ''}")
