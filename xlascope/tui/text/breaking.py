"""Sentences over several lines."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size


def broken(text: str, width: int) -> tuple[str, str]:
    """A text in two at the last space that fits `width` cells."""
    if cell_len(text) <= width:
        return text, ""
    cut = set_cell_size(text, width).rstrip()
    at = cut.rfind(" ")
    return (text[:at], text[at + 1 :]) if at > width // 2 else (cut, text[len(cut) :].lstrip())


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines of at most `width` cells, broken at spaces where they are near enough; one line of nothing.

    A character that is wider than a line has one of its own all the same.
    """
    head, rest = _taken(text, width)
    lines = [head]
    while rest:
        head, rest = _taken(rest, width)
        lines.append(head)
    return lines


def _taken(text: str, width: int) -> tuple[str, str]:
    """As `broken`, with one character at the least."""
    head, rest = broken(text, width)
    return (text[:1], text[1:].lstrip()) if rest == text and text else (head, rest)
