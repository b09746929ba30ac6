"""Words that all explanations use: names, shapes, sizes, what a called computation does."""

from __future__ import annotations

from xlascope.ir.cost import operand_shape
from xlascope.ir.hlo import HloComputation, HloInstruction, HloModule
from xlascope.ir.shapes import Shape, parse_shape, short_shape

_DEEPEST = 6
CHOICE = "choice of one"
"""What a computation applies that gives back one of its arguments."""
_SUMS = {
    "add": "sum", "multiply": "product", "maximum": "maximum", "minimum": "minimum", "and": "logical and",
    "or": "logical or",
}  # fmt: skip


def many(instruction: HloInstruction) -> str:
    """Shape and number of elements of a result."""
    shape = parse_shape(instruction.shape)
    if shape is None or shape.size is None:
        return short_shape(instruction.shape)
    if shape.is_scalar:
        return f"a scalar {shape.dtype}"
    return f"{shape.text}, {shape.size:,} element{'' if shape.size == 1 else 's'}"


def giving(instruction: HloInstruction) -> str:
    """The result's shape, of a long tuple only how many parts it has."""
    shape = parse_shape(instruction.shape)
    if shape is not None and shape.elements is not None and len(shape.elements) > 4:
        return f"giving {len(shape.elements)} values"
    return f"giving {short_shape(instruction.shape)}"


def name_of(instruction: HloInstruction, position: int) -> str:
    """An operand's name; where it is an argument of the program, the name that the user gave it."""
    if position >= len(instruction.operands):
        return "nothing"
    name = instruction.operands[position]
    made = instruction.computation.get(name)
    return (made is not None and user_name(made)) or name


def user_name(parameter: HloInstruction, depth: int = 0) -> str | None:
    """The user's name of an argument, also where it comes into a fusion or call; None for anything else."""
    if parameter.opcode != "parameter" or depth > _DEEPEST:
        return None
    if parameter.computation.is_entry:
        return parameter.op_name or None
    module, number = parameter.module, parameter.parameter_number
    callers = module.callers(parameter.computation.name)
    if len(callers) != 1 or number is None or callers[0].opcode not in ("fusion", "call"):
        return None
    given = callers[0].operand_instructions()
    made = given[number] if number < len(given) else None
    return user_name(made, depth + 1) if made is not None else None


def operand(instruction: HloInstruction, position: int) -> str:
    """Name and shape of an operand."""
    if position >= len(instruction.operands):
        return "nothing"
    shape = operand_shape(instruction, position)
    return name_of(instruction, position) + (f" {shape.text}" if shape is not None else "")


def sizes(shape: Shape | None, dimensions: tuple[int, ...]) -> str:
    """``dim 1 (256)``, ``dims 0 (2), 1 (3)``."""
    known = [
        f"{dimension} ({shape.dims[dimension]})"
        if shape is not None and 0 <= dimension < len(shape.dims)
        else str(dimension)
        for dimension in dimensions
    ]
    return ("dim " if len(known) == 1 else "dims ") + ", ".join(known)


def dims(dimensions: tuple[int, ...]) -> str:
    """``dim 1``, ``dims 0, 1``."""
    return ("dim " if len(dimensions) == 1 else "dims ") + ", ".join(map(str, dimensions))


def applied(instruction: HloInstruction, module: HloModule, role: str | None = None) -> str:
    """The operation that a called computation applies: by the opcode of its root."""
    called = instruction.called
    for names in [called.get(role, ())] if role else called.values():
        for name in names:
            computation = module.computation(name)
            if computation is not None and computation.root is not None:
                if computation.root.opcode == "parameter":
                    return CHOICE
                if computation.root.opcode == "tuple":
                    return _of_several(computation)
                return _SUMS.get(computation.root.opcode, computation.root.opcode)
    return "combination"


_CHOSEN = {"GT": "maximum", "GE": "maximum", "LT": "minimum", "LE": "minimum"}


def _of_several(computation: HloComputation) -> str:
    """What a computation applies that gives several values: the larger one with its place (argmax), or each its own."""
    root, given = computation.root, [each.name for each in computation.parameters]
    made = root.operand_instructions() if root is not None else []
    kinds = [each.opcode if each is not None else "" for each in made]
    if kinds and all(kind in _SUMS for kind in kinds):
        return ", ".join(_SUMS[kind] for kind in kinds)
    if kinds == ["select", "select"] and len(given) == 4:
        values = {given[0], given[2]}
        ways = {
            _CHOSEN.get(each.attributes.get("direction", ""))
            for each in computation.instructions
            if each.opcode == "compare" and set(each.operands) == values
        } - {None}
        if len(ways) == 1:
            return f"{ways.pop()} with its place"
    return f"combination by {computation.name}"


def quoted(text: str | None, most: int = 60) -> str:
    """A text of the module's as it is, cut where it is long."""
    text = (text or "").strip()
    return text if len(text) <= most else text[: most - 1] + "…"
