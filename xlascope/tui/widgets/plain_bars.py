"""Scrollbars for terminals without Unicode."""

from __future__ import annotations

from textual.scrollbar import ScrollBarRender


class AsciiScrollBar(ScrollBarRender):
    """Ends of the bar are whole cells."""

    VERTICAL_BARS = [" "] * 8
    HORIZONTAL_BARS = [" "] * 8
