"""The base of every pane of rows: a cursor, keys as in vi, search, and only the visible rows drawn and cached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar

from xlascope.tui.actions import bindings
from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.text.breaking import wrapped
from xlascope.tui.text.marking import mark_matches
from xlascope.tui.text.safe import safe
from xlascope.tui.theme import Palette, palette, palette_of
from xlascope.tui.widgets.moving import Moving
from xlascope.tui.widgets.painting import Painting
from xlascope.tui.widgets.part_line import Part
from xlascope.tui.widgets.pointing import Pointing
from xlascope.tui.widgets.row_bar import RowBar
from xlascope.tui.widgets.searching import Searching
from xlascope.tui.widgets.title import Placed, draw_title, place_title


class LineView(Moving, Searching, Pointing, Painting, ScrollView, can_focus=True, inherit_bindings=False):
    """Rows over an index. A subclass says how many there are and draws one; nothing is kept but drawn rows.

    The first content line is the pane's title. Horizontal scrolling is this widget's own (`column`), so that a row
    may be of any length.
    """

    ALLOW_SELECT = False
    BINDINGS = bindings("list")
    SCOPES: tuple[str, ...] = ("list",)
    """Scopes of the registry whose actions this widget has, for its help."""
    HELP = ""
    """What this pane shows, first lines of its help."""
    DEFAULT_CSS = """
    LineView {
        scrollbar-size: 0 1;
        overflow-x: hidden;
        overflow-y: auto;
        background: $background;
        color: $foreground;
    }
    """
    HEADER_ROWS = 1

    cursor: reactive[int] = reactive(0, repaint=False, init=False)
    """The row of the cursor; -1 while there are no rows."""

    class CursorMoved(Message):
        """The cursor is on another row."""

        def __init__(self, view: LineView, row: int):
            super().__init__()
            self.view, self.row = view, row

        @property
        def control(self) -> LineView:
            """The sender, for Textual's `on` decorator."""
            return self.view

    class Activated(CursorMoved):
        """Enter, or a click on the cursor's row."""

    class SearchRequested(Message):
        """The user wants to type something to search for (`purpose` is `search`) or to filter by (`filter`)."""

        def __init__(self, view: LineView, purpose: str = "search"):
            super().__init__()
            self.view, self.purpose = view, purpose

    class SearchDone(Message):
        """A search ended: `row` is where, None if nowhere; `wrapped` if it passed the end."""

        def __init__(self, view: LineView, needle: str, row: int | None, wrapped: bool):
            super().__init__()
            self.view, self.needle, self.row, self.wrapped = view, needle, row, wrapped

    class SearchCounted(Message):
        """All rows with a match, in order; there may be more of them than are told."""

        def __init__(self, view: LineView, needle: str, rows: Sequence[int]):
            super().__init__()
            self.view, self.needle, self.rows = view, needle, rows

    def __init__(self, *, id: str | None = None, classes: str | None = None, glyphs: Glyphs = UNICODE):
        Painting.__init__(self)
        ScrollView.__init__(self, id=id, classes=classes)
        self.glyphs = glyphs
        self.needle = ""
        self._title: list[Part] = []
        self._tabs: list[Part] = []
        self._note = ""
        self._linked: frozenset[int] = frozenset()
        self._height_before = 0
        self.guessed: frozenset[int] = frozenset()
        """Those of the linked rows whose link is no tag's."""
        self._palette: Palette | None = None

    # what a subclass answers

    def row_count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def place_count(self) -> int:
        """How many rows are seen; a subclass that folds rows away answers this and the next three."""
        return self.row_count()

    def place_of(self, row: int) -> int:
        """Where a row is among those that are seen; of a folded one, where what hides it is."""
        return row

    def row_of(self, place: int) -> int:
        """The row that is seen at a place."""
        return place

    def reveal(self, row: int) -> None:
        """Opens what hides a row."""

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """The row's segments from column `self.column` on, about `width` cells; styles without the row's background."""
        raise NotImplementedError

    def draw_header(self, line: int, width: int) -> list[Segment]:
        """Header line `line`; 0 is the title."""
        return self._title_segments(width)

    def row_text(self, row: int) -> str:
        """The whole row as text, for copying and the default search."""
        raise NotImplementedError

    def whole_text(self) -> Iterator[str]:
        """All rows as text with line ends, in pieces, for a copy."""
        for row in range(self.row_count()):
            yield self.row_text(row) + "\n"

    def content_columns(self) -> int:
        """Cells of the longest row, as far as known."""
        return 0

    def find_row(self, needle: str, start: int, backwards: bool) -> int | None:
        """The first row from `start` on that contains `needle`; runs in a thread, so it must only read."""
        fold = needle == needle.lower()
        rows = range(start, -1, -1) if backwards else range(start, self.row_count())
        for row in rows:
            text = self.row_text(row)
            if needle in (text.lower() if fold else text):
                return row
        return None

    # drawing

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """The scrollbar, made when it is asked for, as Textual does."""
        if self._vertical_scrollbar is None:
            self._vertical_scrollbar = RowBar(name="vertical")
            self._vertical_scrollbar.display = False
            self.app._start_widget(self, self._vertical_scrollbar)
        return self._vertical_scrollbar

    @property
    def palette(self) -> Palette:
        """The theme's styles, looked up once a theme: it is asked for with every row."""
        if self._palette is None and self.is_attached:
            self._palette = palette_of(self.app)
        return self._palette or palette("dark")

    def notify_style_update(self) -> None:
        """Forgets what was drawn in other colours."""
        super().notify_style_update()
        self.forget_styles()

    def _theme_changed(self, _: object) -> None:
        self._palette = None
        self.forget_styles()
        self.redraw()

    @property
    def ascii_only(self) -> bool:
        """Whether only ASCII may be drawn."""
        return self.glyphs is not UNICODE

    def set_title(self, parts: Iterable[Part | tuple[str, str]], tabs: Iterable[Part] = ()) -> None:
        """The title line: parts from the left, and tabs at its right end as long as both have room."""
        title = [part if isinstance(part, Part) else Part(*part) for part in parts]
        if (title, list(tabs)) != (self._title, self._tabs):
            self._title, self._tabs = title, list(tabs)
            self._refresh_header()

    def set_note(self, text: str) -> None:
        """A few words about where the cursor is, after the title; empty for none."""
        if text != self._note:
            self._note = text
            self._refresh_header()

    @property
    def linked(self) -> frozenset[int]:
        """The rows that are linked to the cursor of another pane."""
        return self._linked

    def set_linked(self, rows: Iterable[int], guessed: Iterable[int] = ()) -> None:
        """The rows linked to the cursor of another pane; `guessed` are those of them that no tag links."""
        linked, doubtful = frozenset(rows), frozenset(guessed)
        if (linked, doubtful) != (self._linked, self.guessed):
            changed = (linked ^ self._linked) | (doubtful ^ self.guessed)
            self._linked, self.guessed = linked, doubtful
            for row in changed:
                self._refresh_row(row)

    def rows_changed(self, keep_scroll: bool = True) -> None:
        """To be called when the rows are other ones: forgets what was drawn."""
        self.forget_rows()
        count = self.row_count()
        if self.is_attached:
            self._take_height(self.place_count())
        if not keep_scroll:
            self.column = 0
            self.scroll_rows(0)
        wanted = min(max(self.cursor, 0), count - 1)
        if wanted != self.cursor:
            self.set_reactive(LineView.cursor, wanted)
        self.refresh()

    def _take_height(self, rows: int) -> None:
        """Tells Textual how high the content is: without a new layout of the whole screen where none is needed.

        A layout paints every scrollbar again: at two lines of output a second that is most of what a slow line carries.
        """
        height = rows + self.HEADER_ROWS
        wanted = Size(self.size.width, height)
        if wanted == self.virtual_size:
            return
        if self.show_vertical_scrollbar and height > self.size.height:
            self.set_reactive(LineView.virtual_size, wanted)
            self.vertical_scrollbar.window_virtual_size = height
        else:
            self.virtual_size = wanted

    def redraw(self) -> None:
        """Draws all visible rows again."""
        self.forget_rows()
        self.refresh()

    @property
    def body_height(self) -> int:
        """Visible rows below the header."""
        return max(self.size.height - self.HEADER_ROWS, 0)

    @property
    def first_visible(self) -> int:
        """The place of the first row that is seen."""
        return round(self.scroll_y)

    @property
    def view_width(self) -> int:
        """Cells of a row: the width without the scrollbar."""
        return self.scrollable_content_region.width

    def sentence_rows(self, text: str) -> list[str]:
        """A sentence in rows of this pane, for what stands in the place of the content."""
        return wrapped(text, max(self.scrollable_content_region.width - 2, 20))

    def sentence_row(self, text: str, row: int) -> str:
        """One row of such a sentence."""
        rows = self.sentence_rows(text)
        return rows[row] if row < len(rows) else ""

    def row_style(self, row: int, is_cursor: bool) -> Style | None:
        """What lies under a whole row."""
        if is_cursor:
            return self.palette["cursor" if self.has_focus else "cursor_blurred"]
        return self.palette["linked"] if row in self._linked else None

    def _title_segments(self, width: int) -> list[Segment]:
        return draw_title(self.placed_title(width), self.palette, self.glyphs, self.has_focus)

    def placed_title(self, width: int | None = None) -> list[Placed]:
        """The parts of the title and where each stands, in `width` cells or in those that there are."""
        width = self.view_width if width is None else width
        note = [Part("  " + safe(self._note, ascii_only=self.ascii_only), "accent", rank=9)] if self._note else []
        return place_title([*self._title, *note], self._tabs, width, self.glyphs)

    def marked(self, tokens: Iterable[tuple[str, str]], start: int = 0) -> list[Segment]:
        """Tokens as segments, with the search's matches in the match style; cut off before column `start`."""
        colours = self.palette
        tokens = list(tokens)
        needle = self.marked_needle
        if needle:
            tokens = mark_matches(tokens, needle)
        segments = []
        for text, role in tokens:
            if start >= len(text):
                start -= len(text)
                continue
            if start:
                text, start = text[start:], 0
            segments.append(Segment(text, colours[role]))
        return segments

    @property
    def marked_needle(self) -> str:
        """What is marked in the rows while something is searched for."""
        return self.needle

    def _refresh_row(self, row: int) -> None:
        line = self.place_of(row) - self.first_visible + self.HEADER_ROWS
        if self.HEADER_ROWS <= line < self.size.height:
            self.refresh_lines(line + self.scroll_offset.y)

    def _refresh_header(self) -> None:
        self.refresh_lines(self.scroll_offset.y, self.HEADER_ROWS)

    # moving

    def watch_cursor(self, old: int, new: int) -> None:
        """Draws both rows and tells where the cursor is."""
        self._refresh_row(old)
        self._refresh_row(new)
        self.tell_search()
        self.post_message(self.CursorMoved(self, new))

    def validate_cursor(self, row: int) -> int:
        """Keeps the cursor on a row; -1 where there is none."""
        return min(max(row, 0), self.row_count() - 1)

    def watch_show_vertical_scrollbar(self, shown: bool) -> None:
        """A bar that appears after its pane was scrolled would stand at the top."""
        if shown:
            self.vertical_scrollbar.position = self.scroll_y

    def action_activate(self) -> None:
        """Tells that the row under the cursor was chosen."""
        if self.cursor >= 0:
            self.screen.post_message(self.Activated(self, self.cursor))

    # keys, size

    async def _on_key(self, event: events.Key) -> None:
        if event.key != "g":
            self._top_pressed = False

    def on_mount(self) -> None:
        """Follows the theme."""
        self.app.theme_changed_signal.subscribe(self, self._theme_changed)
        self.rows_changed()

    def on_resize(self) -> None:
        """Draws anew. What was in sight stays so: the cursor, or what is linked to that of another pane."""
        self.forget_rows()
        self._take_height(self.place_count())
        height, before = self.body_height, self._height_before
        if height > 0:
            self._height_before = height
        seen = range(self.first_visible, self.first_visible + before)
        if self.has_focus or not before or self.place_of(self.cursor) in seen:
            self.show_row(self.cursor)
        else:
            linked = (row for row in sorted(self._linked) if self.place_of(row) in seen)
            self.show_row(next(linked, self.row_of(seen.start)))

    def on_focus(self) -> None:
        """The title and the cursor show that it has the keys."""
        self._refresh_header()
        self._refresh_row(self.cursor)

    def on_blur(self) -> None:
        """The title and the cursor show that it has the keys no more."""
        self._refresh_header()
        self._refresh_row(self.cursor)
