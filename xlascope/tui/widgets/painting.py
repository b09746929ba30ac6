"""From drawn rows to the strips of a frame: each row's styles, width and colours settled once, then kept.

Textual's own way from a line to the terminal makes four to eight strips of each line of each frame: for its length,
its borders, its filters. That is more work than to colour the line; rows without a border need none of it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.filter import LineFilter
from textual.geometry import Region
from textual.strip import Strip

if TYPE_CHECKING:
    from xlascope.tui.widgets.line_view import LineView

_CACHED_ROWS = 256


@dataclass(frozen=True, slots=True)
class Shown:
    """What all rows of a frame have in common."""

    first: int
    places: int
    width: int
    cursor: int
    focused: bool


class Painting:
    """The part of a `LineView` that makes the strips of a frame; what it returns has passed the app's filters."""

    def __init__(self) -> None:
        self._cache: dict[Hashable, Strip] = {}
        self._final: dict[Style | None, dict[Style | None, Style]] = {}
        self._filters: tuple[LineFilter, ...] = ()
        self._base: Style | None = None
        self._frame: Shown | None = None

    @property
    def _painted(self) -> LineView:
        return cast("LineView", self)

    @property
    def base_style(self) -> Style:
        """The theme's foreground on its background: a drawn line has no other background than what it brings."""
        if self._base is None:
            self._base = self._painted.rich_style
        return self._base

    def forget_rows(self) -> None:
        """Rows are drawn again."""
        self._cache.clear()

    def forget_styles(self) -> None:
        """Rows are drawn again, in other colours."""
        self._cache.clear()
        self._final.clear()
        self._base = None

    def render_lines(self, crop: Region) -> list[Strip]:
        """The strips of some lines: by Textual's own way where the widget has borders or effects, else as drawn."""
        view = self._painted
        filters = tuple(view.get_line_filters())
        if filters != self._filters:
            self._filters = filters
            self.forget_styles()
        self._frame = self._now()
        try:
            if not self._is_bare():
                return super().render_lines(crop)  # type: ignore[misc,no-any-return]
            strips = [view.render_line(y) for y in crop.line_range]
        finally:
            self._frame = None
        left, right = crop.column_span
        return [strip.crop(left, right) for strip in strips]

    def _is_bare(self) -> bool:
        styles = self._painted.styles
        return not (
            any(styles.gutter) or styles.outline_top[0] or styles.outline_left[0] or styles.tint.a
            or styles.text_opacity != 1.0 or styles.has_rule("hatch") or self._painted.opacity != 1.0
        )  # fmt: skip

    def _now(self) -> Shown:
        view = self._painted
        return Shown(view.first_visible, view.place_count(), view.view_width, view.cursor, view.has_focus)

    def render_line(self, y: int) -> Strip:
        """A header line or a row, as drawn before if nothing of it has changed."""
        view = self._painted
        shown = self._frame or self._now()
        if y < view.HEADER_ROWS:
            return self.fitted(view.draw_header(y, shown.width), shown.width)
        place = shown.first + y - view.HEADER_ROWS
        if place >= shown.places:
            return self.fitted((), shown.width)
        row = view.row_of(place)
        is_cursor = row == shown.cursor
        key = (row, is_cursor, is_cursor and shown.focused, row in view.linked, row in view.guessed, shown.width)
        strip = self._cache.get(key)
        if strip is None:
            while len(self._cache) >= _CACHED_ROWS:
                del self._cache[next(iter(self._cache))]
            under = view.row_style(row, is_cursor)
            strip = self._cache[key] = self.fitted(view.draw_row(row, shown.width), shown.width, under)
        return strip

    def fitted(self, drawn: Iterable[Segment], width: int, under: Style | None = None) -> Strip:
        """A strip of exactly `width` cells, each segment in its style on `under` on the theme's."""
        styles = self._final.setdefault(under, {})
        made: list[Segment] = []
        left = width
        for text, style, _ in drawn:
            # Of ASCII each character is a cell, which spares measuring it.
            cells = len(text) if text.isascii() else cell_len(text)
            if cells > left:
                text, cells = set_cell_size(text, left), left
            if cells:
                final = styles.get(style)
                made.append(Segment(text, final if final is not None else self._settled(styles, style, under)))
                left -= cells
            if not left:
                break
        if left:
            final = styles.get(None)
            made.append(Segment(" " * left, final if final is not None else self._settled(styles, None, under)))
        return Strip(made, width)

    def _settled(self, styles: dict[Style | None, Style], style: Style | None, under: Style | None) -> Style:
        """The style on those below it, as the app's filters leave it; found once for each."""
        base = self.base_style if under is None else self.base_style + under
        segments: Sequence[Segment] = [Segment("x", base + style if style else base)]
        background = self._painted.background_colors[1]
        for each in self._filters:
            segments = each.apply(list(segments), background)
        final = styles[style] = segments[0].style or Style.null()
        return final
