"""Lines made of parts, some of which can be clicked: the header, the switches, the effect and the explanation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.text.safe import safe
from xlascope.tui.theme import palette_of


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a line: text, role, what a click on it does (an action of the screen), and what hovering tells.

    When the line is too narrow, parts of the lowest `rank` go first, whole; the rest is cut at the edge.
    """

    text: str
    role: str = "text"
    click: str | None = None
    tooltip: str | None = None
    rank: int = 5


class PartLine(Widget):
    """A line, or a few, of parts; repaints only the lines that changed."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    PartLine { height: 1; background: $background; color: $foreground; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None, glyphs: Glyphs = UNICODE, lines: int = 1):
        super().__init__(id=id, classes=classes)
        self.glyphs = glyphs
        self._lines: list[tuple[Part, ...]] = [()] * lines
        self.styles.height = lines

    def set_parts(self, parts: Iterable[Part | tuple[str, str]], line: int = 0) -> None:
        """The parts of one line."""
        made = tuple(part if isinstance(part, Part) else Part(*part) for part in parts)
        if made != self._lines[line]:
            self._lines[line] = made
            self.refresh(self._line_region(line))

    def _line_region(self, line: int) -> Region:
        return Region(0, line, max(self.size.width, 1), 1)

    def text(self, line: int = 0) -> str:
        """What a line says, whole."""
        return "".join(part.text for part in self._lines[line])

    def render_line(self, y: int) -> Strip:
        """A line of parts, those of low rank left out where there is no room."""
        width = self.size.width
        if y >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        colours = palette_of(self.app)
        segments = [Segment(text, colours[part.role]) for part, text in self._fitted(y, width)]
        return Strip(segments).adjust_cell_length(width).apply_style(self.rich_style)

    def _fitted(self, line: int, width: int) -> list[tuple[Part, str]]:
        ascii_only = self.glyphs is not UNICODE
        parts = [(part, safe(part.text, ascii_only=ascii_only)) for part in self._lines[line]]
        total = sum(cell_len(text) for _, text in parts)
        first = parts[0][0] if parts else None
        for rank in sorted({part.rank for part, _ in parts})[:-1]:
            for index in range(len(parts) - 1, -1, -1):
                if total <= width:
                    break
                if parts[index][0].rank == rank:
                    total -= cell_len(parts[index][1])
                    del parts[index]
        if parts and parts[0][0] is not first:
            # What separated it from the parts that are gone goes with them.
            part, text = parts[0]
            lead = f" {self.glyphs.separator}"
            parts[0] = part, text.removeprefix(lead)
            total -= cell_len(text) - cell_len(parts[0][1])
        if total > width:
            return _cut(parts, width, self.glyphs)
        return parts

    def part_at(self, x: int, y: int) -> Part | None:
        """The part under a cell of this widget."""
        at = 0
        if not 0 <= y < len(self._lines):
            return None
        for part, text in self._fitted(y, self.size.width):
            length = cell_len(text)
            if at <= x < at + length:
                return part
            at += length
        return None

    async def on_click(self, event: events.Click) -> None:
        """Does what the part under the mouse is for."""
        part = self.part_at(event.x, event.y)
        if part is not None and part.click is not None:
            await self.app.run_action(part.click, default_namespace=self.screen)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Shows what the part under the mouse is for."""
        part = self.part_at(event.x, event.y)
        tooltip = part.tooltip if part is not None else None
        if tooltip != self.tooltip:
            self.tooltip = tooltip


def _cut(parts: Sequence[tuple[Part, str]], width: int, glyphs: Glyphs) -> list[tuple[Part, str]]:
    kept, left = [], width
    for part, text in parts:
        length = cell_len(text)
        if length <= left:
            kept.append((part, text))
            left -= length
        else:
            if left > 0:
                kept.append((part, set_cell_size(text, left - 1) + glyphs.ellipsis))
            break
    return kept
