"""The title line of a pane: parts from the left, tabs at the right end."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.text.safe import safe
from xlascope.tui.theme import Palette
from xlascope.tui.widgets.part_line import Part

Placed = tuple[int, str, Part | None]
"""Column, text and part of a piece of the line; gaps have no part."""


def place_title(title: Sequence[Part], tabs: Sequence[Part], width: int, glyphs: Glyphs) -> list[Placed]:
    """Where each piece stands; the end of the title gives way to the tabs, which tell how to get elsewhere."""
    placed: list[Placed] = []
    at = 1
    for part in title:
        text = safe(part.text, ascii_only=glyphs is not UNICODE)
        placed.append((at, text, part))
        at += cell_len(text)
    right = sum(cell_len(part.text) for part in tabs)
    room = width - right - (1 if tabs else 0)
    placed, at = _without_least(placed, at, room)
    if at > room and (tabs or at > width):
        placed, at = _shortened(placed, max(room, 0), glyphs.ellipsis)
    gap = max(width - right - at, 0)
    placed.append((at, " " * gap, None))
    at += gap
    for part in tabs:
        placed.append((at, part.text, part))
        at += cell_len(part.text)
    return placed


def draw_title(placed: Sequence[Placed], palette: Palette, glyphs: Glyphs, focused: bool) -> list[Segment]:
    """The pieces as segments, all on one background where the pane has the keys."""
    under = palette["title_focus" if focused else "title"]
    segments = [Segment(glyphs.focus if focused else " ", under)]
    for _, text, part in placed:
        if part is None:
            segments.append(Segment(text, under if focused else None))
        elif part.role == "title" or (focused and part.role == "dim"):
            segments.append(Segment(text, under))
        else:
            segments.append(Segment(text, (under if focused else Style()) + palette[part.role]))
    return segments


def _without_least(placed: list[Placed], end: int, room: int) -> tuple[list[Placed], int]:
    """Whole parts go first, those of the lowest rank from the right, but never those of the highest."""
    parts = [(text, part) for _, text, part in placed if part is not None]
    for rank in sorted({part.rank for _, part in parts})[:-1]:
        for index in range(len(parts) - 1, -1, -1):
            if end > room and parts[index][1].rank == rank and len(parts) > 2:
                end -= cell_len(parts.pop(index)[0])
    kept: list[Placed] = []
    at = 1
    for text, part in parts:
        kept.append((at, text, part))
        at += cell_len(text)
    return kept, at


def _shortened(placed: Sequence[Placed], width: int, ellipsis: str) -> tuple[list[Placed], int]:
    kept: list[Placed] = []
    end = 0
    for at, text, part in placed:
        room = width - at
        if room <= 0:
            break
        shown = text if cell_len(text) <= room else set_cell_size(text, room - 1) + ellipsis
        kept.append((at, shown, part))
        end = at + cell_len(shown)
    return kept, max(end, 1)
