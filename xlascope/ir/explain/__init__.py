"""What an instruction, an operation or an equation does: a sentence in plain words, with its own shapes and attributes.

Explanations are kept by kind, one module each. What is not known is not explained.
"""

from __future__ import annotations

from collections.abc import Callable

from xlascope.ir.explain import calls, collectives, control, data, elementwise, reductions
from xlascope.ir.explain.collectives import Mesh, collective
from xlascope.ir.fusions import is_real_member
from xlascope.ir.hlo import HloComputation, HloInstruction, HloModule

_TELLERS: dict[str, Callable[..., str]] = {
    **elementwise.TELLERS,
    **data.TELLERS,
    **reductions.TELLERS,
    **control.TELLERS,
    **collectives.TELLERS,
    **calls.TELLERS,
}
_CALLERS = 3
EXPLAINED = frozenset(_TELLERS)
"""The opcodes that have an explanation."""


def explain(instruction: HloInstruction, module: HloModule, mesh: Mesh | None = None) -> str | None:
    """What the instruction does, and into which fusion it went; None for an opcode without an explanation.

    With the program's ``mesh``, groups of devices are told as its axes.
    """
    tell = _TELLERS.get(instruction.opcode)
    if tell is None:
        return _asynchronous(instruction, module)
    text = tell(instruction, module, mesh) if tell is collective else tell(instruction, module)
    if not is_real_member(instruction):
        return text
    fused = [own.name for own in module.callers(instruction.computation.name) if own.opcode == "fusion"]
    return f"{text}; fused into {', '.join(fused)}" if fused else text


def _asynchronous(instruction: HloInstruction, module: HloModule) -> str | None:
    """A part of what is written as if it had an opcode of its own: `fusion-start`, `fusion-done`."""
    opcode, _, part = instruction.opcode.rpartition("-")
    tell = _TELLERS.get(opcode)
    if tell is None or tell is collective:
        return None
    if part == "start":
        return f"starts, without waiting: {tell(instruction, module)}"
    if part == "done":
        return collectives.done(instruction, module)
    return collectives.async_update(instruction, module) if part == "update" else None


def explain_computation(computation: HloComputation, module: HloModule) -> str:
    """How large a computation is, and what runs it."""
    count = len(computation.instructions)
    size = f"{count:,} instruction{'' if count == 1 else 's'}"
    if computation.is_entry:
        return f"the program itself: {size}"
    callers = [f"{each.opcode} {each.name}" for each in module.callers(computation.name)]
    more = f" and {len(callers) - _CALLERS:,} more" if len(callers) > _CALLERS else ""
    return f"a computation of {size}, run by {', '.join(callers[:_CALLERS]) or 'nothing'}{more}"
