"""Values that instructions read: an instruction, or of one that gives a tuple an element of it."""

from __future__ import annotations

from xlascope.ir import HloInstruction
from xlascope.ir.scan import whole_number
from xlascope.ir.shapes import Shape, parse_shape
from xlascope.ir.sharding import split_tuple


def shape_of(instruction: HloInstruction, element: int | None = None) -> Shape:
    """The shape of a result, or of an element of it; one without a type where the text has none."""
    shape = parse_shape(instruction.shape)
    return (shape.element(element) if shape is not None else None) or Shape(None)


def sharding_of(instruction: HloInstruction, element: int | None = None) -> str | None:
    """What its text says, or of a tuple's what it says of an element."""
    text = instruction.attributes.get("sharding")
    if text is None or element is None:
        return text
    told = split_tuple(text)
    if len(told) == 1:
        return told[0]  # of all elements
    return told[element] if element < len(told) else None


def operands_of(instruction: HloInstruction) -> list[tuple[HloInstruction, int | None]]:
    """Each operand with the element of it that is read: newer XLA writes `%while.1#2`, older get-tuple-element."""
    index = None
    if instruction.opcode == "get-tuple-element":
        index = whole_number(instruction.attributes.get("index", ""))
    found = zip(instruction.operand_instructions(), instruction.operand_refs, strict=True)
    return [(each, index if element is None else element) for each, (_, element) in found if each is not None]


def contracted(instruction: HloInstruction, operand: int) -> set[int] | None:
    """The dimensions of an operand that a dot or a reduction sums over; None for another instruction."""
    if instruction.opcode == "dot":
        text = instruction.attributes.get(("lhs" if operand == 0 else "rhs") + "_contracting_dims", "")
    elif instruction.opcode == "reduce":
        text = instruction.attributes.get("dimensions", "")
    else:
        return None
    numbers = [whole_number(part.strip()) for part in text.strip("{}").split(",") if part.strip()]
    return {number for number in numbers if number is not None}
