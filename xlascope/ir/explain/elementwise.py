"""Elementwise operations: one value of the result from one value of each operand."""

from __future__ import annotations

from xlascope.ir.cost import operand_shape
from xlascope.ir.explain.words import many, operand
from xlascope.ir.hlo import HloInstruction, HloModule
from xlascope.ir.shapes import parse_shape

MEANINGS = {
    "acos": "the angle whose cosine is x",
    "acosh": "inverse of cosh",
    "abs": "absolute value |x|",
    "add": "a + b",
    "and": "bitwise or logical and",
    "atan2": "angle of the point (b, a)",
    "cbrt": "cube root",
    "ceil": "rounding up",
    "asin": "the angle whose sine is x",
    "asinh": "inverse of sinh",
    "atanh": "inverse of tanh",
    "clamp": "each value kept between a lower and an upper bound",
    "complex": "the complex number a + b i",
    "cosh": "cosh x",
    "count-leading-zeros": "number of zero bits in front",
    "cosine": "cos x",
    "divide": "a / b",
    "erf": "the error function",
    "exponential": "e^x",
    "exponential-minus-one": "e^x - 1",
    "floor": "rounding down",
    "imag": "the imaginary part",
    "is-finite": "whether x is neither infinite nor NaN",
    "log": "ln x",
    "log-plus-one": "ln(1 + x)",
    "logistic": "the sigmoid 1 / (1 + e^-x)",
    "maximum": "the larger of a and b",
    "minimum": "the smaller of a and b",
    "multiply": "a * b",
    "negate": "-x",
    "not": "bitwise or logical not",
    "or": "bitwise or logical or",
    "popcnt": "number of bits that are set",
    "power": "a to the power b",
    "real": "the real part",
    "remainder": "remainder of a / b",
    "round-nearest-afz": "rounding, halves away from zero",
    "round-nearest-even": "rounding, halves to even",
    "rsqrt": "1 / sqrt(x)",
    "select": "b where the condition holds, else c",
    "shift-left": "bits shifted left",
    "shift-right-arithmetic": "bits shifted right, sign kept",
    "shift-right-logical": "bits shifted right, zeros in front",
    "sign": "sign of x",
    "sine": "sin x",
    "sinh": "sinh x",
    "sqrt": "square root",
    "subtract": "a - b",
    "tan": "tan x",
    "tanh": "tanh x",
    "xor": "bitwise or logical exclusive or",
}
_DIRECTIONS = {"EQ": "=", "NE": "≠", "LT": "<", "LE": "≤", "GT": ">", "GE": "≥"}
_FUSION_KINDS = {
    "kLoop": "one loop over the output",
    "kInput": "built around a reduction of its input",
    "kOutput": "built around a dot or convolution, the rest applied to its output",
    "kCustom": "handed to a specialised kernel",
}
_PRECISION = "rounds to {exponent} exponent and {mantissa} mantissa bits, the type stays: {many}"


def elementwise(instruction: HloInstruction, module: HloModule) -> str:
    """What is done to each element."""
    return f"elementwise {MEANINGS[instruction.opcode]} on {many(instruction)}"


def compare(instruction: HloInstruction, module: HloModule) -> str:
    """A comparison of each element."""
    sign = _DIRECTIONS.get(instruction.attributes.get("direction", ""), "?")
    return f"elementwise comparison a {sign} b of {operand(instruction, 0)} and {operand(instruction, 1)}"


def convert(instruction: HloInstruction, module: HloModule) -> str:
    """Another type of each element."""
    source, target = operand_shape(instruction, 0), parse_shape(instruction.shape)
    return f"converts {source.dtype if source else '?'} to {target.dtype if target else '?'}, {many(instruction)}"


def reduce_precision(instruction: HloInstruction, module: HloModule) -> str:
    """Each element rounded to fewer bits."""
    own = instruction.attributes
    return _PRECISION.format(
        exponent=own.get("exponent_bits", "?"), mantissa=own.get("mantissa_bits", "?"), many=many(instruction)
    )


def stochastic_convert(instruction: HloInstruction, module: HloModule) -> str:
    """Another type, rounded at random."""
    return f"{convert(instruction, module)}, rounded up or down at random by the bits of {operand(instruction, 1)}"


def map_(instruction: HloInstruction, module: HloModule) -> str:
    """A computation applied to each element."""
    names = ", ".join(name for found in instruction.called.values() for name in found)
    return f"applies {names or '?'} to each element of {many(instruction)}"


TELLERS = {
    **dict.fromkeys(MEANINGS, elementwise),
    "compare": compare,
    "convert": convert,
    "reduce-precision": reduce_precision,
    "stochastic-convert": stochastic_convert,
    "map": map_,
}
