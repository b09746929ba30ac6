"""Makes text from scripts and files harmless for a terminal: what would steer it becomes visible."""

from __future__ import annotations

import unicodedata

_DANGEROUS = frozenset(["Cc", "Cf", "Zl", "Zp", "Cs", "Co"])
_ASCII_PICTURES = {code: "^" + chr(code ^ 0x40) for code in [*range(0x20), 0x7F]}
_UNICODE_PICTURES = {**{code: chr(0x2400 + code) for code in range(0x20)}, 0x7F: "␡"}


def safe(text: str, tab: int = 4, ascii_only: bool = False) -> str:
    """`text` on one line with control, direction and private characters shown instead of sent.

    Tabs become spaces up to the next multiple of `tab`; with `ascii_only` every character above 126 becomes `?`
    and control characters are written as `^[`.
    """
    if text.isprintable() and not ascii_only:
        return text
    if "\t" in text:
        text = text.expandtabs(tab)
    if text.isprintable() and (text.isascii() or not ascii_only):
        return text
    return "".join(map(_ascii_character if ascii_only else _character, text))


def _character(character: str) -> str:
    if character.isprintable():
        return character
    picture = _UNICODE_PICTURES.get(ord(character))
    if picture is not None:
        return picture
    if unicodedata.category(character) in _DANGEROUS:
        return f"<{ord(character):04X}>"
    return " " if character.isspace() else "\ufffd"


_ASCII_FORMS = dict(zip("·×–—µ…►▸▾∅’“”", ".x--u~>>v-'\"\"", strict=True)) | {
    "≥": ">=", "≤": "<=", "→": "->", "←": "<-", "±": "+-"}  # fmt: skip


def _ascii_character(character: str) -> str:
    picture = _ASCII_PICTURES.get(ord(character))
    if picture is not None:
        return picture
    return character if character.isascii() else _ASCII_FORMS.get(character, "?")
