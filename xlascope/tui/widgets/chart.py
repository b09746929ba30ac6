"""Charts in text, drawn by plotext: one widget for lines, points, marks and intervals over two axes."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType

from rich.ansi import AnsiDecoder
from rich.cells import set_cell_size
from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.text.breaking import wrapped
from xlascope.tui.text.safe import safe
from xlascope.tui.theme import palette_of
from xlascope.tui.widgets.part_line import Part

_PLOTEXT = threading.Lock()
"""plotext has one figure for the whole process."""
_ASCII_BOX = str.maketrans("─│┌┐└┘├┤┬┴┼╷╵╴╶", "-|+++++++++||--")
Colour = tuple[int, int, int]
_BACKGROUND = re.compile(r"\x1b\[48;[\d;]*m")
"""Lines are drawn on a background of plotext's own, which would not be the theme's."""
_LEAST_WIDTH, _LEAST_HEIGHT = 24, 6


@dataclass(frozen=True, slots=True)
class Series:
    """Points in order; `lines` joins them. `role` gives the colour, `sign` an ASCII character for each series.

    `named` writes the label at its last point: two series are told apart without colours.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    role: str = "bar"
    lines: bool = True
    sign: str = "*"
    named: bool = False


@dataclass(frozen=True, slots=True)
class Interval:
    """A span of y around a level, drawn over a stretch of x: a median with its interval of confidence."""

    x: tuple[float, float]
    low: float
    middle: float
    high: float
    role: str = "accent"


@dataclass(frozen=True, slots=True)
class ChartSpec:
    """What a chart shows; `marks` are vertical lines with what each means, such as a compile."""

    title: str
    series: tuple[Series, ...] = ()
    intervals: tuple[Interval, ...] = ()
    marks: tuple[float, ...] = ()
    x_label: str = ""
    y_label: str = ""
    empty: str = "nothing measured yet"


def draw_chart(
    spec: ChartSpec, width: int, height: int, colours: Mapping[str, Colour], ascii_only: bool = False
) -> list[str]:
    """The chart as `height` lines of `width` cells with ANSI colours; a role without a colour is drawn plain.

    Raises ValueError where a chart cannot fit (24 by 6 cells at the least).
    """
    if width < _LEAST_WIDTH or height < _LEAST_HEIGHT:
        raise ValueError(f"a chart needs {_LEAST_WIDTH} by {_LEAST_HEIGHT} cells")
    import plotext

    with _PLOTEXT:
        figure = plotext.figure
        plotext.terminal.limit(False, False)
        figure.clear.all()
        figure.plot_size(width, height)
        figure.theme("colorless")
        figure.canvas("default")
        for series in spec.series:
            points = [(x, y) for x, y in zip(series.x, series.y, strict=True) if x == x and y == y]
            if points:
                marker = _marker(plotext, series.sign if ascii_only else "hd", colours.get(series.role))
                drawn = figure.signal([x for x, _ in points], [y for _, y in points], marker=marker)
                figure.draw(drawn.lines(series.lines))
        for interval in spec.intervals:
            for level in (interval.low, interval.middle, interval.high):
                marker = _marker(plotext, "=" if level == interval.middle else "-", colours.get(interval.role))
                figure.draw(figure.segment(interval.x, (level, level), marker=marker))
        for series in spec.series:
            if series.named and len(series.x):
                named = plotext.colorize(series.label, pixel=_pixel(plotext, colours.get(series.role)))
                figure.draw(figure.text(series.x[-1], series.y[-1], named, alignment="right"))
        for mark in spec.marks:
            figure.line(mark, "vertical", pixel=_pixel(plotext, colours.get("warn")))
        if spec.x_label:
            figure.label(spec.x_label, "x")
        if spec.y_label:
            figure.label(spec.y_label, "y")
        text = _BACKGROUND.sub("", figure.build().string(colorless=not colours))
    if ascii_only:
        text = text.translate(_ASCII_BOX)
    return text.split("\n")[:height]


def _marker(plotext: ModuleType, sign: str, colour: Colour | None) -> object:
    return plotext.marker(sign, pixel=_pixel(plotext, colour))


def _pixel(plotext: ModuleType, colour: Colour | None) -> object:
    return plotext.pixel(foreground=colour or "default", background="default")


class Chart(Widget, can_focus=True):
    """One chart under a title line, drawn again when its data or its size changes."""

    ALLOW_SELECT = False
    HELP = "What the program did. Vertical lines are compiles; `=` is a median, `-` the ends of its interval."
    DEFAULT_CSS = """
    Chart { height: 1fr; background: $background; color: $foreground; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None, glyphs: Glyphs = UNICODE):
        super().__init__(id=id, classes=classes)
        self.glyphs = glyphs
        self.spec: ChartSpec | None = None
        self._drawn: tuple[object, list[Strip]] | None = None
        self._parts: Sequence[Part] = ()

    def set_chart(self, spec: ChartSpec | None) -> None:
        """Shows a chart; None shows nothing."""
        if spec != self.spec:
            self.spec, self._drawn = spec, None
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The title, or a line of the picture."""
        width, height = self.size
        head = self._head(width)
        if y < len(head):
            return head[y]
        strips = self._strips(width, height - len(head))
        at = y - len(head)
        strip = strips[at].adjust_cell_length(width) if at < len(strips) else Strip.blank(width)
        return strip.apply_style(self.rich_style)

    def set_title(self, parts: Sequence[Part]) -> None:
        """The title line, before the chart's own title."""
        self._parts = parts
        self.refresh()

    def _head(self, width: int) -> list[Strip]:
        """The title; what is too long for one line goes on below it."""
        colours = palette_of(self.app)
        style = colours["title_focus" if self.has_focus else "title"]
        words = "".join(part.text for part in self._parts) + (f"  {self.spec.title}" if self.spec is not None else "")
        mark = self.glyphs.focus if self.has_focus else " "
        first, *rest = wrapped(safe(words, ascii_only=self.glyphs is not UNICODE), max(width - 1, 1))
        drawn = [(mark + first, style), *((f" {line}", colours["dim"]) for line in rest)]
        return [Strip([Segment(set_cell_size(text, width), self.rich_style + look)], width) for text, look in drawn]

    def on_focus(self) -> None:
        """Its title shows that it has the keys."""
        self.refresh()

    def on_blur(self) -> None:
        """Its title shows that it has the keys no more."""
        self.refresh()

    def _strips(self, width: int, height: int) -> list[Strip]:
        key = (width, height, palette_of(self.app).name)
        if self._drawn is None or self._drawn[0] != key:
            self._drawn = (key, self._draw(width, height))
        return self._drawn[1]

    def _draw(self, width: int, height: int) -> list[Strip]:
        spec = self.spec
        if spec is None:
            return []
        dim = palette_of(self.app)["dim"]
        if not any(len(series.x) for series in spec.series):
            return [Strip([Segment(f" {line}", dim)]) for line in wrapped(spec.empty, max(width - 2, 1))]
        if width < _LEAST_WIDTH or height < _LEAST_HEIGHT:
            return [Strip([Segment(" no room here: z maximizes", dim)])]
        decoder = AnsiDecoder()
        lines = draw_chart(spec, width, height, self._colours(), self.glyphs is not UNICODE)
        return [Strip(list(decoder.decode_line(line).render(self.app.console))) for line in lines]

    def _colours(self) -> Mapping[str, Colour]:
        if self.app.no_color:
            return {}
        palette = palette_of(self.app)
        roles = ("bar", "bar_hot", "accent", "warn", "good", "bad", "dim")
        found = {role: palette[role].color for role in roles}
        return {role: color.get_truecolor() for role, color in found.items() if color is not None}
