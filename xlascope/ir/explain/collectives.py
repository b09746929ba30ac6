"""Collectives and asynchronous pairs: what devices exchange, among whom, and what is waited for."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence

from xlascope.ir.collectives import KINDS, parse_groups
from xlascope.ir.cost import integers
from xlascope.ir.explain.words import applied, operand
from xlascope.ir.hlo import HloInstruction, HloModule

Mesh = Sequence[tuple[str, int]]
"""Axes and their sizes; the devices are numbered in order, the last axis fastest."""

_EXCHANGES = {
    "all-reduce": "every device gets the {what} of all devices' {operand}",
    "all-gather": "every device gets all devices' {operand}, joined{along}",
    "reduce-scatter": "every device gets its part{along} of the {what} of all devices' {operand}",
    "all-to-all": "every device sends a part{along} of its {operand} to every other",
    "ragged-all-to-all": "every device sends parts of unequal size of its {operand} to the others",
    "collective-permute": "every device sends its {operand} to one other",
    "collective-broadcast": "one device sends its {operand} to all",
}
_NAMED_AXES = re.compile(r"mesh\[[^\]]*\]\s*\{([^{}]*)\}")
_MOST_AXES = 6
_MOST_NAMED = 3


def collective(instruction: HloInstruction, module: HloModule, mesh: Mesh | None = None) -> str:
    """An exchange between devices, along which axes of the mesh where that is known."""
    kind = instruction.opcode.removesuffix("-start")
    own = instruction.attributes
    along = integers(own.get("dimensions"))
    text = _EXCHANGES[kind].format(
        what=applied(instruction, module),
        operand=_operands(instruction),
        along=f" along dim {along[0]}" if along else "",
    )
    text += _among(instruction, mesh)
    if own.get("channel_id"):
        text += f", channel {own['channel_id']}"
    return ("starts: " if instruction.opcode.endswith("-start") else "") + text


def _operands(instruction: HloInstruction) -> str:
    """The array that is exchanged; of a combined collective how many there are, and the first of them."""
    count = len(instruction.operands)
    if count < 2:
        return operand(instruction, 0)
    named = ", ".join(operand(instruction, position) for position in range(min(count, _MOST_NAMED)))
    return f"{count} arrays ({named}{', …' if count > _MOST_NAMED else ''})"


def _among(instruction: HloInstruction, mesh: Mesh | None) -> str:
    pairs = parse_groups(instruction.attributes.get("source_target_pairs", ""))
    if pairs is not None and all(pairs):  # a damaged text may have an empty one
        shown = ", ".join(f"{pair[0]} to {pair[-1]}" for pair in pairs[:4]) + (", …" if len(pairs) > 4 else "")
        return f": {shown}"
    text = instruction.attributes.get("replica_groups", "")
    groups = parse_groups(text)
    if groups is None:
        return ", all devices together" if text.strip() == "{}" else ""
    members = len(groups[0])
    named = _NAMED_AXES.search(text)
    axes = [part.strip(" '") for part in named.group(1).split(",")] if named else axes_of(groups, mesh)
    if axes:
        name = f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(axes)}"
        return f", over the {members} devices of {name}"
    return f", in {len(groups)} group{'s' if len(groups) > 1 else ''} of {members}"


def axes_of(groups: Sequence[Sequence[int]], mesh: Mesh | None) -> list[str]:
    """The axes of a mesh along which exactly these groups lie; empty when there are none."""
    if not mesh or len(mesh) > _MOST_AXES:
        return []
    wanted = {frozenset(group) for group in groups}
    real = [axis for axis, (_, size) in enumerate(mesh) if size > 1]
    for number in range(1, len(real) + 1):
        for along in itertools.combinations(real, number):
            lines: dict[tuple[int, ...], set[int]] = {}
            places = itertools.product(*(range(size) for _, size in mesh))
            for device, place in enumerate(itertools.islice(places, 1 << 16)):
                key = tuple(-1 if axis in along else at for axis, at in enumerate(place))
                lines.setdefault(key, set()).add(device)
            if {frozenset(line) for line in lines.values()} == wanted:
                return [mesh[axis][0] for axis in along]
    return []


def done(instruction: HloInstruction, module: HloModule) -> str:
    """The end of something asynchronous."""
    start = instruction.computation.get(instruction.operands[0]) if instruction.operands else None
    name = instruction.operands[0] if instruction.operands else "?"
    seen = set()
    while start is not None and start.opcode.endswith("-update") and start.operands and start.name not in seen:
        seen.add(start.name)
        start = start.computation.get(start.operands[0])
    what = ""
    if start is not None and start.opcode == "async-start":
        inner = _wrapped(start, module)
        what = f", the {inner.opcode} that it started" if inner is not None else ""
    elif start is not None and start.opcode.endswith("-start"):
        what = f", the {start.opcode.removesuffix('-start')} that it started"
        if start.operands:
            what += f" on {operand(start, 0)}"
    return f"waits for {name} to end{what}"


def _wrapped(start: HloInstruction, module: HloModule) -> HloInstruction | None:
    for name in start.called.get("calls", ()):
        computation = module.computation(name)
        if computation is not None and computation.root is not None:
            return computation.root
    return None


def async_start(instruction: HloInstruction, module: HloModule) -> str:
    """The start of something asynchronous."""
    inner = _wrapped(instruction, module)
    thread = instruction.attributes.get("async_execution_thread", "").strip('"')
    where = f" on the thread {thread}" if thread else ""
    names = ", ".join(instruction.called.get("calls", ("?",)))
    what = f"{inner.opcode} of {operand(inner, 0)}" if inner is not None else f"the computation {names}"
    return f"starts {what}{where}, without waiting"


def async_update(instruction: HloInstruction, module: HloModule) -> str:
    """A step of something asynchronous."""
    return f"lets {instruction.operands[0] if instruction.operands else '?'} go on, without waiting for its end"


def identity(instruction: HloInstruction, module: HloModule) -> str:
    """`partition-id` and `replica-id`."""
    return f"the number of this device among the {instruction.opcode.removesuffix('-id')}s"


_TELL: Callable[..., str] = collective
TELLERS: dict[str, Callable[..., str]] = {
    **{kind: _TELL for kind in KINDS},
    **{f"{kind}-start": _TELL for kind in KINDS},
    **{f"{kind}-done": done for kind in [*KINDS, "async", "copy", "send", "recv"]},
    "async-start": async_start,
    "async-update": async_update,
    "partition-id": identity,
    "replica-id": identity,
}
