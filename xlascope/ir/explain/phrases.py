"""Elementwise operations in plain words, the same for an equation, a StableHLO operation and an instruction.

``{0}``, ``{1}``, ``{2}`` are the operands, ``{logical}`` is "logical" or "bitwise"; a phrase without ``{0}`` is one
of a single operand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from xlascope.ir.shapes import Shape, parse_shape

PHRASES = {
    "abs": "absolute value",
    "acos": "arc cosine",
    "acosh": "inverse cosh",
    "add": "adds {0} and {1}",
    "and": "{logical} and of {0} and {1}",
    "asin": "arc sine",
    "asinh": "inverse sinh",
    "atan2": "angle of the points x = {1}, y = {0}",
    "atanh": "inverse tanh",
    "cbrt": "cube root",
    "ceil": "rounds {0} up",
    "clamp": "keeps {1} between {0} and {2}",
    "complex": "makes complex numbers {0} + i {1}",
    "cosh": "cosh",
    "cosine": "cosine",
    "count-leading-zeros": "number of leading zero bits",
    "divide": "divides {0} by {1}",
    "erf": "error function",
    "exponential": "e^x",
    "exponential-minus-one": "e^x - 1",
    "floor": "rounds {0} down",
    "imag": "imaginary part",
    "is-finite": "whether {0} is neither infinite nor NaN",
    "log": "natural logarithm",
    "log-plus-one": "ln(1 + x)",
    "logistic": "sigmoid 1 / (1 + e^-x)",
    "maximum": "the larger of {0} and {1}",
    "minimum": "the smaller of {0} and {1}",
    "multiply": "multiplies {0} by {1}",
    "negate": "negates {0}",
    "not": "{logical} not of {0}",
    "or": "{logical} or of {0} and {1}",
    "popcnt": "number of set bits",
    "power": "raises {0} to the power {1}",
    "real": "real part",
    "remainder": "remainder of {0} divided by {1}",
    "round-nearest-afz": "rounds {0}, halves away from zero",
    "round-nearest-even": "rounds {0}, halves to even",
    "rsqrt": "1 / sqrt(x)",
    "select": "{1} where {0} holds, else {2}",
    "shift-left": "shifts the bits of {0} left by {1}",
    "shift-right-arithmetic": "shifts the bits of {0} right by {1}, sign kept",
    "shift-right-logical": "shifts the bits of {0} right by {1}, zeros in front",
    "sign": "sign",
    "sine": "sine",
    "sinh": "sinh",
    "sqrt": "square root",
    "subtract": "subtracts {1} from {0}",
    "tan": "tangent",
    "tanh": "tanh",
    "xor": "{logical} exclusive or of {0} and {1}",
}
"""By HLO's opcode."""
COMPARISONS = {"EQ": "=", "NE": "≠", "LT": "<", "LE": "≤", "GT": ">", "GE": "≥"}
_TRUTHS = ("pred", "bool")
_PLACE = re.compile(r"\{(?:[012]|logical)\}")

Operand = tuple[str, str | None]
"""Name (or literal) and type, ``f32[8,64]``; the type is None where it need not be told or nobody knows it."""


def compared(direction: str) -> str:
    """The phrase of a comparison, by HLO's ``LT`` and the like."""
    return f"whether {{0}} {COMPARISONS.get(direction, '?')} {{1}}"


def told(phrase: str, operands: Sequence[Operand], result: str) -> str:
    """A phrase with its operands, their types and the number of elements; a type that all have is said once.

    ``result`` is the type of the result; said where no operand has it.
    """
    shape = parse_shape(result)
    typed = [kind for _, kind in _bare_conditions(operands, shape) if kind]
    shared = len(typed) > 1 and len(set(typed)) == 1
    names = [f"{name} {kind}" if kind and not shared else name for name, kind in _bare_conditions(operands, shape)]
    if "{0}" in phrase:
        words = dict(zip(("{0}", "{1}", "{2}"), [*names, *["nothing"] * 3], strict=False))
        words["{logical}"] = "logical" if shape is not None and shape.dtype in _TRUTHS else "bitwise"
        text = _PLACE.sub(lambda found: words[found.group()], phrase)
    else:
        text = f"elementwise {phrase} of {names[0] if names else 'nothing'}"
    parts = [text]
    if shared:
        parts.append(f"{'both' if len(typed) == 2 else 'all'} {typed[0]}")
    if result not in typed:
        parts.append(f"giving {result}")
    return ", ".join([*parts, *counted(shape)])


def counted(shape: Shape | None) -> list[str]:
    """How many elements an array has; empty for one value, and where it is not known."""
    if shape is None or shape.size is None or shape.is_scalar:
        return []
    return [f"{shape.size:,} element{'' if shape.size == 1 else 's'}"]


def _bare_conditions(operands: Sequence[Operand], result: Shape | None) -> list[Operand]:
    """The operands, a condition that has the result's dimensions without its type: each element is chosen."""
    if result is None or result.dtype in _TRUTHS:
        return list(operands)
    conditions = [Shape(truth, result.dims).text for truth in _TRUTHS]
    return [(name, None if kind in conditions else kind) for name, kind in operands]
