"""Short texts for boxes and edges."""

from __future__ import annotations

import re

from xlascope.ir.hlo import HloInstruction

_SHOWN = {
    "compare": "direction",
    "custom-call": "custom_call_target",
    "get-tuple-element": "index",
}
_DIMENSIONS = frozenset({"reduce", "transpose", "concatenate", "sort", "reverse", "all-gather", "reduce-scatter"})
_LONGEST = 24
_NOT_ONE_CELL = re.compile(r"[^\x20-\x7e…×·⇠⇢⇣]")


def detail(instruction: HloInstruction) -> str:
    """What a box adds to the opcode: the literal, the dimensions, the direction, the library's name."""
    if instruction.opcode == "constant":
        return shorten(instruction.operand_text.strip(), _LONGEST)
    shown = _SHOWN.get(instruction.opcode)
    if shown is not None:
        return shorten(instruction.attributes.get(shown, "").strip('"'), _LONGEST)
    if instruction.opcode in _DIMENSIONS:
        return instruction.attributes.get("dimensions", "")
    if instruction.opcode == "while" and instruction.trip_count is not None:
        return f"×{instruction.trip_count}"
    return ""


def shorten(text: str, longest: int) -> str:
    """At most ``longest`` characters, each one cell wide, the end replaced by …"""
    text = _NOT_ONE_CELL.sub("?", text)
    return text if len(text) <= longest else text[: max(longest - 1, 0)] + "…"


def bytes_text(size: int | None) -> str:
    """``32 KiB``; '?' for unknown."""
    if size is None:
        return "?"
    if size.bit_length() > 100:
        return f"2^{size.bit_length() - 1} B"
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if value >= 10 or value == int(value) else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.0f} TiB" if value >= 10 else f"{value:.1f} TiB"
