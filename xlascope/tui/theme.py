"""Colours by meaning: themes, and the palette of styles that the line widgets draw with."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.style import Style

if TYPE_CHECKING:
    from textual.app import App

ROLES = (
    "text", "dim", "keyword", "op", "define", "operand", "shape", "number", "string", "comment", "attribute",
    "source", "literal", "title", "title_focus", "cursor", "cursor_blurred", "linked", "match", "good", "bad",
    "warn", "added", "bar", "bar_hot", "key", "accent", "header", "header_sorted", "estimated",
    "op_move", "op_control", "op_exchange", "op_library", "fold",
)  # fmt: skip

_DARK = {
    "dim": "#8a8f98", "keyword": "#c792ea", "op": "#82aaff bold", "define": "#ffcb6b", "operand": "#d0d4dc",
    "shape": "#7fd1b9", "number": "#f78c6c", "string": "#a5d6a7", "comment": "#707783 italic",
    "attribute": "#8fa6c4", "source": "#5f6773", "literal": "#f78c6c", "title": "#9aa3ad bold",
    "title_focus": "#ffffff bold on #2b4a6f", "cursor": "on #2f4f75", "cursor_blurred": "on #2a323d",
    "linked": "on #23402f", "match": "#000000 on #ffd75f", "good": "#7ee787", "bad": "#ff7b72",
    "warn": "#ffb454", "added": "#7f8fa6 italic", "bar": "#5b9bd5", "bar_hot": "#ff8c42", "key": "#ffcb6b bold",
    "accent": "#ffb454 bold", "header": "#9aa3ad underline", "header_sorted": "#ffffff bold underline",
    "estimated": "#c9b27c", "op_move": "#6f93c9", "op_control": "#d68bd0 bold", "op_exchange": "#ff9e64 bold",
    "op_library": "#e5c07b bold", "fold": "#9aa3ad italic",
}  # fmt: skip
_LIGHT = {
    "dim": "#626a73", "keyword": "#7b2fa8", "op": "#0b4fae bold", "define": "#8a5a00", "operand": "#30343a",
    "shape": "#00695c", "number": "#b3420a", "string": "#2e7d32", "comment": "#767d86 italic",
    "attribute": "#44597a", "source": "#8a9099", "literal": "#b3420a", "title": "#4a5058 bold",
    "title_focus": "#ffffff bold on #1f5f9f", "cursor": "on #b7d3f2", "cursor_blurred": "on #d3dae2",
    "linked": "on #c9e7cf", "match": "#000000 on #ffd75f", "good": "#1a7f37", "bad": "#b3261e",
    "warn": "#9a5b00", "added": "#5a6b85 italic", "bar": "#2f6fb0", "bar_hot": "#c2500a", "key": "#8a5a00 bold",
    "accent": "#9a5b00 bold", "header": "#4a5058 underline", "header_sorted": "#000000 bold underline",
    "estimated": "#7a6420", "op_move": "#3f6aa8", "op_control": "#92298a bold", "op_exchange": "#b3420a bold",
    "op_library": "#7a5a00 bold", "fold": "#4a5058 italic",
}  # fmt: skip
_ANSI = {
    "dim": "bright_black", "keyword": "magenta", "op": "bright_blue bold", "define": "yellow", "shape": "cyan",
    "number": "red", "string": "green", "comment": "bright_black italic", "attribute": "blue",
    "source": "bright_black", "literal": "red", "title": "bold", "title_focus": "bold reverse",
    "cursor": "reverse", "cursor_blurred": "underline", "linked": "underline", "match": "black on yellow",
    "good": "green", "bad": "bright_red", "warn": "yellow", "added": "italic", "bar": "blue",
    "bar_hot": "bright_red", "key": "bold", "accent": "bold yellow", "header": "underline",
    "header_sorted": "bold underline", "estimated": "yellow", "op_move": "blue", "op_control": "magenta bold",
    "op_exchange": "bright_red bold", "op_library": "yellow bold", "fold": "italic",
}  # fmt: skip
_MONOCHROME = {
    "keyword": "bold", "op": "bold", "title": "bold", "title_focus": "bold reverse", "cursor": "reverse",
    "cursor_blurred": "underline", "linked": "underline", "match": "bold reverse", "bad": "bold", "warn": "bold",
    "key": "bold", "accent": "bold", "header": "underline", "header_sorted": "bold underline",
    "op_control": "bold italic", "op_exchange": "bold underline", "op_library": "bold italic", "fold": "italic",
}  # fmt: skip


class Palette:
    """Rich styles by role; a role without a style of its own is plain."""

    __slots__ = ("_styles", "name")

    def __init__(self, name: str, styles: dict[str, str]):
        self.name = name
        self._styles = {role: Style.parse(styles.get(role, "")) for role in ROLES}

    def __getitem__(self, role: str) -> Style:
        return self._styles[role]

    def over(self, role: str, under: str) -> Style:
        """`role`'s style on top of `under`'s: a token in the cursor's row."""
        return _combine(self, role, under)


@lru_cache(2048)
def _combine(palette: Palette, role: str, under: str) -> Style:
    return palette[under] + palette[role] if under != "match" else palette[role] + palette[under]


@lru_cache(8)
def palette(kind: str) -> Palette:
    """The palette of a kind: `dark`, `light`, `ansi` or `monochrome`."""
    styles = {"dark": _DARK, "light": _LIGHT, "ansi": _ANSI, "monochrome": _MONOCHROME}[kind]
    return Palette(kind, styles)


def palette_of(app: App) -> Palette:
    """The palette that fits an app's theme; without colours where `NO_COLOR` is set."""
    if app.no_color:
        return palette("monochrome")
    theme = app.current_theme
    if theme.ansi:
        return palette("ansi")
    return palette("dark" if theme.dark else "light")
