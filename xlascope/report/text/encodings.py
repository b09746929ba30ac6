"""Text for terminals and files that cannot write every character."""

from __future__ import annotations

# What we draw ourselves, for encodings without it; `?` would read as "unknown".
_PLAIN = {
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯", "+"),
    **dict.fromkeys("─╌–", "-"),
    **dict.fromkeys("┏┓┗┛━┃┷┯", "#"),
    **dict.fromkeys("╔╗╚╝═║╧╤", "*"),
    **dict.fromkeys("█▉▊▋▌▍", "#"),
    **dict.fromkeys("▎▏", "."),
    "│": "|",
    "µ": "u",
    "…": "...",
    "×": "x",
    "÷": "/",
    "→": "->",
    "∅": "none",
    "▸": ">",
    "▾": "v",
    "►": ">",
    "⇢": ">",
    "⇠": "<",
    "·": ".",
}
_TABLE = str.maketrans(_PLAIN)


def writable(text: str, encoding: str) -> str:
    """``text`` so that ``encoding`` can write it: our own signs in plain letters, other characters as ``?``."""
    try:
        text.encode(encoding)
        return text
    except UnicodeEncodeError:
        if _knows_signs(encoding):
            plain = text
        else:
            plain = text.translate(_TABLE)
        return plain.encode(encoding, "replace").decode(encoding)


def _knows_signs(encoding: str) -> bool:
    try:
        "│█µ…".encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
