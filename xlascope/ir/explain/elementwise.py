"""Elementwise operations: one value of the result from one value of each operand."""

from __future__ import annotations

from xlascope.ir.cost import operand_shape
from xlascope.ir.explain.phrases import PHRASES, Operand, compared, counted, told
from xlascope.ir.explain.words import many, name_of, operand
from xlascope.ir.fusions import is_scalar_broadcast
from xlascope.ir.hlo import HloInstruction, HloModule
from xlascope.ir.shapes import parse_shape, short_shape

_LONGEST_LITERAL = 16


def operands(instruction: HloInstruction) -> list[Operand]:
    """The operands by name and type; what is a constant, or filled with one, has its value behind its name."""
    found: list[Operand] = []
    for position in range(len(instruction.operands)):
        shape = operand_shape(instruction, position)
        name, value = name_of(instruction, position), _value(instruction, position)
        kind = None if shape is None or (value and shape.is_scalar) else shape.text
        found.append((f"{name} ({value})" if value else name, kind))
    return found


def _value(instruction: HloInstruction, position: int) -> str:
    """The literal that each element of an operand is; empty where it is none, or a long one."""
    made = instruction.computation.get(instruction.operands[position])
    if made is not None and is_scalar_broadcast(made) and made.operands:
        made = made.computation.get(made.operands[0])
    if made is None or made.opcode != "constant":
        return ""
    literal = made.operand_text.strip()
    return literal if "{" not in literal and len(literal) <= _LONGEST_LITERAL else ""


def elementwise(instruction: HloInstruction, module: HloModule) -> str:
    """What is done to each element."""
    return told(PHRASES[instruction.opcode], operands(instruction), short_shape(instruction.shape))


def compare(instruction: HloInstruction, module: HloModule) -> str:
    """A comparison of each element."""
    phrase = compared(instruction.attributes.get("direction", ""))
    return told(phrase, operands(instruction), short_shape(instruction.shape))


def convert(instruction: HloInstruction, module: HloModule) -> str:
    """Another type of each element."""
    target = parse_shape(instruction.shape)
    text = f"converts {operand(instruction, 0)} to {target.dtype if target else '?'}"
    return ", ".join([text, *counted(target)])


def reduce_precision(instruction: HloInstruction, module: HloModule) -> str:
    """Each element rounded to fewer bits."""
    own = instruction.attributes
    bits = f"{own.get('exponent_bits', '?')} exponent and {own.get('mantissa_bits', '?')} mantissa bits"
    return f"rounds {operand(instruction, 0)} to {bits}, the type stays: {many(instruction)}"


def stochastic_convert(instruction: HloInstruction, module: HloModule) -> str:
    """Another type, rounded at random."""
    return f"{convert(instruction, module)}, rounded up or down at random by the bits of {operand(instruction, 1)}"


def map_(instruction: HloInstruction, module: HloModule) -> str:
    """A computation applied to each element."""
    names = ", ".join(name for found in instruction.called.values() for name in found)
    given = " and ".join(operand(instruction, position) for position in range(min(len(instruction.operands), 3)))
    return f"applies {names or '?'} to each element of {given or 'nothing'}, giving {many(instruction)}"


TELLERS = {
    **dict.fromkeys(PHRASES, elementwise),
    "compare": compare,
    "convert": convert,
    "reduce-precision": reduce_precision,
    "stochastic-convert": stochastic_convert,
    "map": map_,
}
