"""The work of a scheduled module by instructions, loops by their turns: the compiler's cycles, a roofline."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from xlascope.ir.cost import cost
from xlascope.ir.hlo import HloComputation, HloInstruction, HloModule

_CYCLES = re.compile(r'"estimated_cycles"\s*:\s*"?(\d{1,18})')
# No instruction of the machine: names of values, and the ends of what was counted at its start.
_FREE = frozenset({
    "parameter", "constant", "tuple", "get-tuple-element", "bitcast", "after-all", "add-dependency", "copy-done",
    "async-done", "async-update", "all-gather-done", "all-reduce-done", "collective-permute-done", "send-done",
    "recv-done", "partition-id", "replica-id", "opt-barrier",
})  # fmt: skip
_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Step:
    """An instruction that is scheduled by itself, and how often it runs in one execution of the module."""

    instruction: HloInstruction
    times: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """``unknown_loops``: names of loops whose turns are not known; they are counted once."""

    steps: tuple[Step, ...]
    unknown_loops: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cycles:
    """The compiler's own estimate: the sum over ``counted`` instructions; ``without`` have none and add nothing."""

    total: int
    counted: int
    without: int


def schedule(module: HloModule) -> Schedule:
    """What one execution runs; of a conditional all branches."""
    loops: list[str] = []
    steps = tuple(_walk(module, module.entry, 1, loops, 0)) if module.entry is not None else ()
    return Schedule(steps, tuple(loops))


def _walk(
    module: HloModule, computation: HloComputation | None, times: int, loops: list[str], depth: int
) -> Iterator[Step]:
    if computation is None or depth > _DEEPEST:
        return
    for instruction in computation.instructions:
        opcode = instruction.opcode
        if opcode in _FREE:
            continue
        called = instruction.called if opcode in ("while", "call", "conditional", "async-start") else {}
        if not called:
            yield Step(instruction, times)
            continue
        turns = 1
        if opcode == "while":
            known = turn_count(instruction, module)
            if known is None:
                loops.append(instruction.name)
            turns = 1 if known is None else known
        for names in called.values():
            for name in names:
                yield from _walk(module, module.computation(name), times * turns, loops, depth + 1)


def turn_count(loop: HloInstruction, module: HloModule) -> int | None:
    """How often a loop runs: as XLA says, or from a counter that begins at a constant and goes up to one by ones."""
    if loop.trip_count is not None:
        return loop.trip_count
    condition, body = (_one(loop, role, module) for role in ("condition", "body"))
    root = condition.root if condition is not None else None
    if root is None or root.opcode != "compare" or root.attributes.get("direction") != "LT":
        return None
    left, right = (*root.operand_instructions(), None, None)[:2]
    limit = _constant(right)
    if left is None or left.opcode != "get-tuple-element" or limit is None:
        return None
    index = left.attributes.get("index", "")
    if not index.isdigit():
        return None
    start = _constant(_element(loop.operand_instructions()[0] if loop.operands else None, int(index)))
    last = _element(body.root if body is not None else None, int(index))
    if last is None or last.opcode != "add" or start is None:
        return None
    steps = [_constant(each) for each in last.operand_instructions()]
    return max(limit - start, 0) if 1 in steps else None


def _one(instruction: HloInstruction, role: str, module: HloModule) -> HloComputation | None:
    names = instruction.called.get(role, ())
    return module.computation(names[0]) if names else None


def _element(instruction: HloInstruction | None, index: int) -> HloInstruction | None:
    if instruction is None or instruction.opcode != "tuple":
        return None
    elements = instruction.operand_instructions()
    return elements[index] if index < len(elements) else None


def _constant(instruction: HloInstruction | None) -> int | None:
    for _ in range(4):
        if instruction is None or instruction.opcode not in ("copy", "bitcast", "convert", "reshape"):
            break
        instruction = (*instruction.operand_instructions(), None)[0]
    if instruction is None or instruction.opcode != "constant":
        return None
    text = instruction.operand_text.strip()
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else None


def cycles_of(instruction: HloInstruction) -> int | None:
    """The compiler's own estimate of one execution; None when it gave none."""
    match = _CYCLES.search(instruction.backend_config or "")
    return int(match[1]) if match else None


def estimated_cycles(found: Schedule) -> Cycles | None:
    """The compiler's cycles of a module; None when no instruction has any."""
    total = counted = without = 0
    for step in found.steps:
        cycles = cycles_of(step.instruction)
        if cycles is not None:
            total, counted = total + cycles * step.times, counted + 1
        else:
            without += 1
    return Cycles(total, counted, without) if counted else None


@dataclass(frozen=True, slots=True)
class Bound:
    """The time of one execution at a device's peak; ``by``: `compute` or `memory`, whichever takes longer; None: no
    work. ``known`` is false of a library's call: it moves its operands at least, and computes nobody knows what.
    """

    ns: float
    by: str | None
    known: bool


def bound(instruction: HloInstruction, module: HloModule, flops_per_s: float, bytes_per_s: float) -> Bound:
    """The roofline of one instruction."""
    work = cost(instruction, module)
    known = work.flops is not None or (work.bytes is not None and instruction.opcode != "custom-call")
    compute, memory = (work.flops or 0) / flops_per_s, (work.bytes or 0) / bytes_per_s
    by = None if compute == memory == 0 else "compute" if compute > memory else "memory"
    return Bound(max(compute, memory) * 1e9, by, known)


def roofline_ns(found: Schedule, module: HloModule, flops_per_s: float, bytes_per_s: float) -> tuple[float, int]:
    """The time if each instruction ran at the device's peak, one after the other; and how many have no known work."""
    bounds = [(bound(step.instruction, module, flops_per_s, bytes_per_s), step.times) for step in found.steps]
    return sum(each.ns * times for each, times in bounds), sum(not each.known for each, _ in bounds)
