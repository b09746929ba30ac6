"""What has no equation and is no addition of XLA's: what it was handed, and what merely carries values."""

from __future__ import annotations

from xlascope.graphs.model import CARRIERS
from xlascope.ir import HloInstruction, HloModule
from xlascope.ir.shapes import short_shape

_UNMARKED = CARRIERS - {"get-tuple-element"}


def handed_over(module: HloModule, before: HloModule | None) -> frozenset[str]:
    """Names of the instructions of ``module`` that do not count as added by XLA, whatever their equations.

    Tuples, parameters, constants and bitcasts; and broadcasts of literals, with the fusions that hold nothing else,
    where the module ``before`` optimization (None: not held) broadcasts a literal to the same shape.
    """
    found = {name for name, opcode in zip(module.names, module.opcodes, strict=True) if opcode in _UNMARKED}
    if before is None:
        return frozenset(found)
    shapes = {short_shape(each.shape) for each in before.of_opcode("broadcast") if _of_literal(each, before)}
    for each in module.of_opcode("broadcast"):
        if short_shape(each.shape) in shapes and _of_literal(each, module):
            found.add(each.name)
            found.update(caller.name for caller in module.callers(each.computation.name) if each.is_root)
    return frozenset(found)


def _of_literal(broadcast: HloInstruction, module: HloModule) -> bool:
    """Is its operand a constant, or the parameter of a fusion that is given one?"""
    operand = broadcast.computation.get(broadcast.operands[0]) if broadcast.operands else None
    if operand is not None and operand.opcode == "parameter" and operand.parameter_number is not None:
        number, callers = operand.parameter_number, module.callers(broadcast.computation.name)
        given = [each.computation.get(each.operands[number]) for each in callers if number < len(each.operands)]
        return bool(given) and all(each is not None and each.opcode == "constant" for each in given)
    return operand is not None and operand.opcode == "constant"
