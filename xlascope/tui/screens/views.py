"""The screen of views: their names, and the page of the one that is chosen, for one program or for all."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message

from xlascope.tui.actions import bindings
from xlascope.tui.feeding.live import Measuring
from xlascope.tui.feeding.loader import Pace
from xlascope.tui.glyphs import UNICODE
from xlascope.tui.screens.over import Failed, OverScreen
from xlascope.tui.screens.passes_model import Subject
from xlascope.tui.screens.view_pages import ELSEWHERE, OF_ALL_FIRST, Page, Request, account, page
from xlascope.tui.widgets.dialogs import PromptLine, TextOverlay
from xlascope.tui.widgets.line_view import LineView
from xlascope.tui.widgets.page_pane import PagePane
from xlascope.tui.widgets.part_line import Part, PartLine
from xlascope.tui.widgets.row_below import RowBelow, closed_up
from xlascope.tui.widgets.views_list import ViewsList

if TYPE_CHECKING:
    from xlascope.tui.screens.main import MainScreen

_TICK = 0.25


class _Loaded(Message):
    """A page was read; `generation` of the file it is of."""

    def __init__(self, page: Page, generation: int):
        super().__init__()
        self.page, self.generation = page, generation


class ViewsScreen(OverScreen[str]):
    """Over the main screen, whose file it reads. Its result is an action of the main screen, for views that have a
    place of their own there."""

    BINDINGS = bindings("views")
    SUBJECT = "views"
    KEYS_OF = (("This screen", "views"), ("Moving and searching", "list"))
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-normal"), (180, "-wide")]  # noqa: RUF012
    DEFAULT_CSS = """
    ViewsScreen { layout: vertical; background: $background; }
    ViewsScreen #view-body { height: 1fr; }
    ViewsScreen ViewsList { width: 15; }
    ViewsScreen PagePane { width: 1fr; border-left: vkey $panel-lighten-1; }
    ViewsScreen.-wide ViewsList { width: 76; }
    ViewsScreen.-narrow ViewsList { width: 1fr; }
    ViewsScreen.-narrow PagePane { display: none; border: none; }
    ViewsScreen.-narrow #view-head { display: none; }
    ViewsScreen.-narrow.-open #view-head { display: block; }
    ViewsScreen.-narrow.-open ViewsList { display: none; }
    ViewsScreen.-narrow.-open PagePane { display: block; }
    .-ascii ViewsScreen PagePane { border-left: ascii $panel-lighten-1; }
    .-ascii ViewsScreen.-narrow PagePane { border: none; }
    """

    def __init__(self, main: MainScreen, subject: Subject | None, view: str | None = None, variant: str | None = None,
                 seek: str = ""):  # fmt: skip
        """Begins with the page of `view`, at a line that has `seek`; without one with the list."""
        super().__init__(main.glyphs)
        self._over, self._subject, self._seek = main, subject, seek
        self._direct = view is not None
        self._view = view or ""
        self._variant = variant if variant is not None else main.desk.variant
        self._all = view is None or view in OF_ALL_FIRST or main.desk.program is None
        self._views: dict[str, str] = {}
        self._shown: Page | None = None
        self._generation = -1
        self._busy = self._whole = False
        self._pace = Pace(least=0.8)
        self._asked: set[tuple[str, str, str]] = set()
        self._ticket: int | None = None

    def compose(self) -> ComposeResult:
        """Its widgets, from the top down."""
        glyphs = self.glyphs
        yield PartLine(id="view-head", glyphs=glyphs)
        with Horizontal(id="view-body"):
            yield ViewsList(id="views", glyphs=glyphs)
            yield PagePane(id="page", glyphs=glyphs)
        yield RowBelow(id="view-row", glyphs=glyphs)
        yield PromptLine(id="view-prompt")
        yield PartLine(id="view-footer", glyphs=glyphs)

    def on_mount(self) -> None:
        """The list, or at once the page that was asked for."""
        self._list.set_title([Part("views", "title")])
        self._views = {name: view.help for name, view in self._over.feed.views().items()}
        self._list.set_views(list(self._views.items()))
        if self._direct:
            self._list.put_on(self._view)
            self._open()
        else:
            self._view = self._list.current or ""
            self.set_focus(self._list)
        self._draw()
        self.set_interval(_TICK, self._tick)
        self.call_after_refresh(self._load)

    @property
    def _list(self) -> ViewsList:
        return self.query_one(ViewsList)

    @property
    def _page(self) -> PagePane:
        return self.query_one(PagePane)

    def _open(self) -> None:
        self.add_class("-open")
        self.set_focus(self._page)

    # reading

    @property
    def _request(self) -> Request:
        program = None if self._all else self._over.desk.program
        width = self._page.view_width if self._page.display else self.size.width
        variant = None if self._all else self._variant
        width = max(width - 2, 40)
        return Request(self._view, program, variant, width, self._subject, self.glyphs is not UNICODE, self._whole)

    def _load(self) -> None:
        """Reads the page now, whatever is being read."""
        if self._view in ELSEWHERE:
            said = f"{self._view}: {self._views[self._view]}. It has a place of its own: enter goes there."
            self._page.set_page([said], False)
            self._draw()
        elif self._view:
            self._busy = True
            self.run_worker(partial(self._read, self._request), thread=True, group="page", exclusive=True)

    def _read(self, request: Request) -> None:
        start, feed = time.monotonic(), self._over.feed
        try:
            generation = feed.generation
            message: Message = _Loaded(page(feed, request), generation)
        except Exception as error:
            # A view that fails must not take the screen down: it is told.
            message = Failed(f"{type(error).__name__}: {error}")
        self._pace.took(time.monotonic() - start)
        self.post_from_worker(message)

    def _tick(self) -> None:
        """Reads the page again when the file has grown; tells how far what is being collected is."""
        if self._ticket is not None:
            now = self._over.live.now
            entry = next((each for each in now.measuring if each.ticket == self._ticket), None)
            if entry is None:
                why = next((why for name, why in reversed(now.failures) if name.endswith(f"for {self._view}")), "")
                undone, self._ticket = self._ticket in now.undone, None
                self._draw(f"not collected: {why or 'cancelled'}" if undone else "")
            else:
                self._draw(_progress(entry))
        if self._busy or not self._view or self._view in ELSEWHERE or not self._pace.ready():
            return
        if self._over.feed.generation != self._generation or self._is_of_other_width:
            self._load()

    @property
    def _is_of_other_width(self) -> bool:
        """Whether the page was read for another width than it has: as it opened, say."""
        if self._shown is None:
            return False
        shown, wanted = self._shown.request, self._request
        return (shown.width, shown.whole) != (wanted.width, wanted.whole)

    def on_resize(self) -> None:
        """Reads the page anew for another width."""
        if self._is_of_other_width:
            self.call_after_refresh(self._load)

    def on_failed(self, message: Failed) -> None:
        """Says why in the place of the page."""
        self._busy = False
        self._generation = self._over.feed.generation
        self._page.set_page(["This view could not be read:", message.text], False)

    def on__loaded(self, message: _Loaded) -> None:
        """Shows the page, if it is still the one that is wanted."""
        self._busy = False
        before, made = self._shown, message.page
        if made.request.view != self._view:
            return
        self._shown, self._generation = made, message.generation
        same = before is not None and _alike(before.request, made.request)
        self._page.set_page(made.styled, same)
        if self._seek and not same:
            row = self._page.find_row(self._seek, 0, False)
            if row is not None:
                self._page.go_to(row, centre=True)
            self._seek = ""
        self._draw()
        self._tell_row()
        if self.focused is self._page:
            self._collect()

    def _tell_row(self) -> None:
        """The whole of the row under the cursor, where the page cuts it."""
        row, uncut = self._page.cursor, self._shown.uncut if self._shown is not None else ()
        if self.focused is self._list:
            # On wide screens its sentence stands beside its name, on middle ones above.
            self.query_one(RowBelow).show(self._list.cut_row(), bool(self._page.display and uncut))
            return
        seen = self._page.display and self._shown is not None and self._shown.request.view == self._view
        whole = closed_up(uncut[row]) if seen and 0 <= row < len(uncut) else ""
        cut = bool(whole) and whole != closed_up(self._page.row_text(row))
        self.query_one(RowBelow).show(whole if cut else "", bool(seen and uncut))

    def _collect(self) -> None:
        """Has a lab make what the page lacks, once it is opened."""
        shown, keeper = self._shown, self._over.run_at_hand.keeper
        if shown is None or shown.request.program is None or not shown.lacking or self._ticket is not None:
            return
        what, switches = shown.lacking[0]
        key = (shown.request.program, what, repr(dict(switches)))
        if key in self._asked:
            return
        self._asked.add(key)
        if keeper is None:
            self._draw("open for reading only: a copy of the file that you may write collects what is not here")
            return
        name = f"{what} of {shown.request.program} for {self._view}"
        try:
            self._ticket = keeper.collect(shown.request.program, what, switches)
        except (OSError, RuntimeError, ValueError) as error:
            self._draw(f"cannot be collected: {error}")
        else:
            self._over.live.measuring(self._ticket, shown.request.program, name)

    def on_descendant_focus(self) -> None:
        """The row below is that of the list or of the page, whichever has the keys."""
        self._tell_row()

    # lines around

    def _draw(self, about: str = "") -> None:
        program = self._over.desk.program
        takes = self._view not in ("run", "output") and self._view in self._views
        which = "all programs" if self._all else (program or "") + (f", {self._variant}" if self._variant else "")
        other = (program or "") if self._all else "all programs"
        parts = [Part(" VIEWS ", "title_focus", rank=9), Part(f" {self._view} ", "define", rank=9)]
        if takes:
            parts.append(Part(f" {which} ", "accent", rank=8))
            if program is not None:
                parts.append(Part(f" a {other} ", "dim", "scope", "one program, or all", 6))
        parts.append(Part(f" {about}", "warn", rank=7) if about else Part(f" {self._views.get(self._view, '')}", "dim"))
        self.query_one("#view-head", PartLine).set_parts(parts)
        title = [Part(self._view, "title", rank=9), Part(f"  {which}" if takes else "", "dim", rank=7)]
        self._page.set_title(title, [Part(" esc ", "dim", "back", "back one layer")])
        self.query_one("#view-footer", PartLine).set_parts(list(self.key_parts("views")))

    # keys

    def on_line_view_cursor_moved(self, message: LineView.CursorMoved) -> None:
        """Another view is chosen; where there is room its page is shown."""
        self._tell_row()
        if message.view is self._list and self._list.current not in (None, self._view):
            self._view = self._list.current or ""
            self._all = self._view in OF_ALL_FIRST or self._over.desk.program is None
            self._draw()
            if self._page.display:
                self._load()

    def on_line_view_activated(self, message: LineView.Activated) -> None:
        """Enter: to the page, or to the view's own place on the main screen."""
        if message.view is not self._list:
            return
        if self._view in ELSEWHERE:
            self.dismiss(ELSEWHERE[self._view])
            return
        self._all = self._view in OF_ALL_FIRST or self._over.desk.program is None
        self._open()
        self.call_after_refresh(self._load)

    def action_pane(self) -> None:
        """To the list or to the page."""
        if self.focused is self._list:
            self._open()
            self.call_after_refresh(self._load)
        else:
            self.remove_class("-open")
            self.set_focus(self._list)

    def action_scope(self) -> None:
        """One program, or all."""
        if self._over.desk.program is None or self._view in ("run", "output"):
            self.notify("there is no program to choose here", timeout=2)
            return
        self._all = not self._all
        self._draw()
        self._load()

    def action_whole(self) -> None:
        """Columns as wide as they need, to be scrolled sideways; and fitted to the pane again."""
        self._whole = not self._whole
        self._page.set_column(0)
        self._load()

    def action_step(self, step: int) -> None:
        """The next view, or the one before."""
        names = list(self._views)
        self._list.put_on(names[(names.index(self._view) + step) % len(names)])
        self._view = self._list.current or ""
        self._all = self._view in OF_ALL_FIRST or self._over.desk.program is None
        self._draw()
        self._load()

    def action_back(self) -> None:
        """A prompt, a search, the page, the screen: one layer at a time."""
        view, keeper = self.focused, self._over.run_at_hand.keeper
        if self.back_in_view():
            return
        if self._ticket is not None and keeper is not None:
            keeper.cancel(self._ticket)
        elif view is self._page and not self._direct:
            self.action_pane()
        else:
            self.dismiss()

    def action_explain(self) -> None:
        """How the numbers of this page were obtained."""
        if self._view:
            said = account(self._request, self._views[self._view], str(self._over.run_at_hand.path))
            self.app.push_screen(TextOverlay("How these numbers were obtained", said))

    def action_copy(self) -> None:
        """The line under the cursor, and the whole page."""
        self.copy_view(self._page, f"{self._request.program or 'all'}-{self._view}")


def _alike(one: Request, other: Request) -> bool:
    return (one.view, one.program, one.variant) == (other.view, other.program, other.variant)


def _progress(entry: Measuring) -> str:
    return f"collecting: {' '.join(filter(None, (entry.activity, entry.detail)))}, esc cancels"
