"""Drawn segments made as wide as the row they are drawn in: what a frame spends most of its time on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip


def fitted(segments: Iterable[Segment], width: int, base: Style) -> Strip:
    """A strip of exactly ``width`` cells: cut off or filled up, the segments' styles over ``base``.

    The same as `Strip.adjust_cell_length` and `Style.__add__` give, without a strip in between.
    """
    segments = list(segments)
    over = _over(base)
    made, left = [], width
    for text, style, _ in segments:
        if not (text.isascii() or is_narrow(text)):
            pieces = Strip(segments).adjust_cell_length(width)
            return Strip([Segment(text, over(style)) for text, style, _ in pieces], width)
        if len(text) > left:
            text = text[:left]
        if text:
            made.append(Segment(text, over(style)))
            left -= len(text)
    if left:
        made.append(Segment(" " * left, base))
    return Strip(made, width)


@lru_cache(64)
def _over(base: Style) -> Callable[[Style | None], Style]:
    """How a style looks over another one, remembered."""

    @lru_cache(512)
    def over(style: Style | None) -> Style:
        return base + style if style else base

    return over


@lru_cache(4096)
def is_narrow(text: str) -> bool:
    """Does each character take one cell?"""
    return all(cell_len(each) == 1 for each in text)
