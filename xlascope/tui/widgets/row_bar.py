"""The scrollbar of a pane of rows: it moves with every scrolled frame, so its few kinds of cells are drawn once."""

from __future__ import annotations

from typing import cast

from rich.segment import Segment
from rich.style import Style
from textual.filter import LineFilter
from textual.geometry import Region
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip


class RowBar(ScrollBar):
    """A vertical scrollbar one cell wide whose lines are taken from strips that are kept."""

    def __init__(self, *, name: str | None = None):
        super().__init__(vertical=True, name=name, thickness=1)
        self._cells: dict[tuple[str, Style | None], Strip] = {}
        self._drawn_for: tuple[Style, tuple[LineFilter, ...]] | None = None

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of the bar, as Textual's own renderer cuts it."""
        bar = cast(ScrollBarRender, self.render())
        look = cast(Style, bar.style)
        base = self.visual_style.rich_style
        filters = tuple(self.get_line_filters())
        if (base, filters) != self._drawn_for or len(self._cells) > 256:
            self._cells.clear()
            self._drawn_for = base, filters
        assert look.bgcolor is not None and look.color is not None
        segments = bar.render_bar(
            size=self.size.height, virtual_size=bar.virtual_size, window_size=bar.window_size, position=bar.position,
            back_color=look.bgcolor, bar_color=look.color,
        ).segments  # fmt: skip
        strips = [self._cell(segment, base, filters) for segment in segments]
        left, right = crop.column_span
        return [strip.crop(left, right) for strip in strips[crop.y : crop.bottom]]

    def _cell(self, segment: Segment, base: Style, filters: tuple[LineFilter, ...]) -> Strip:
        key = segment.text, segment.style
        strip = self._cells.get(key)
        if strip is None:
            background = self.background_colors[1]
            made = [Segment(segment.text, base + segment.style if segment.style else base)]
            for each in filters:
                made = each.apply(made, background)
            strip = self._cells[key] = Strip(made, 1)
        return strip
