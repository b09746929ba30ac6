"""The collectives of a module: what is exchanged, how much, among whom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xlascope.ir.cost import operand_shape
from xlascope.ir.hlo import HloInstruction, HloModule
from xlascope.ir.scan import whole_number
from xlascope.ir.shapes import Shape, parse_shape

KINDS = (
    "all-reduce",
    "all-gather",
    "reduce-scatter",
    "all-to-all",
    "ragged-all-to-all",
    "collective-permute",
    "collective-broadcast",
)
_OPCODES = frozenset(KINDS) | frozenset(f"{kind}-start" for kind in KINDS)
# What TPU compilers put at the root of the fusions that begin and end a collective, between which others carry it on.
_FUSED_START, _FUSED_DONE = "AsyncCollectiveStart", "AsyncCollectiveDone"
_IOTA_GROUPS = re.compile(r"\[([\d,]+)\]<=\[([\d,]+)\](?:T\(([\d,]+)\))?")
_MESH_GROUPS = re.compile(r"mesh\[([^\]]*)\]\s*\{([^{}]*)\}\s*\Z")
_MESH_AXIS = re.compile(r"'([^']*)'\s*=\s*(\d{1,18})")
_GROUP = re.compile(r"\{([\d,\s]*)\}")
_LARGEST_IOTA = 1 << 20


@dataclass(frozen=True, slots=True)
class Collective:
    """``bytes`` is what one device holds of it: the larger of operands and result, None when unknown.

    ``groups`` are the device ids that exchange (pairs source, target for a permute); None when the text names none,
    which means all devices together. ``done`` is the instruction that waits for an asynchronous one. ``inner`` holds
    what is exchanged: the instruction itself, or the one in the computation that it runs.
    """

    kind: str
    instruction: str
    computation: str
    is_async: bool
    done: str | None
    bytes: int | None
    operand_bytes: int | None
    result_bytes: int | None
    groups: tuple[tuple[int, ...], ...] | None
    groups_text: str | None
    channel_id: int | None
    op_name: str | None
    source_file: str | None
    source_line: int | None
    inner: str


def collectives(module: HloModule) -> list[Collective]:
    """All collectives, in the order of the text; the start of an asynchronous one stands for the pair.

    Of one that a TPU compiler spreads over fusions (each holds the collective anew, on the same channel) the fusion
    that starts it stands for all.
    """
    starts = module.of_opcode(*_OPCODES, "async-start")
    wrapped = {
        name
        for instruction in starts
        if instruction.opcode == "async-start"
        for name in instruction.called.get("calls", ())
    }
    spread = _spread(starts, module)
    found = []
    for instruction in starts:
        if instruction.computation.name in wrapped:
            continue  # told by the async-start that runs it
        if _key(instruction) in spread and _fusion_of(instruction, module) is not None:
            start, done = spread[_key(instruction)]
            if instruction.computation.name in start.called.get("calls", ()):
                found.append(_describe(start, instruction, done))
            continue  # told by the fusion that starts it
        inner = _wrapped(instruction, module) if instruction.opcode == "async-start" else instruction
        if inner is not None:
            found.append(_describe(instruction, inner))
    return found


def _spread(
    starts: Sequence[HloInstruction], module: HloModule
) -> dict[tuple[str, str | None], tuple[HloInstruction, HloInstruction | None]]:
    """By kind and channel the fusions that start and end a collective which a TPU compiler spread over several."""
    ends: dict[tuple[str, str | None], dict[str, HloInstruction]] = {}
    for instruction in starts:
        root = instruction.computation.root
        target = root.attributes.get("custom_call_target", "").strip('"') if root is not None else ""
        if target in (_FUSED_START, _FUSED_DONE) and "channel_id" in instruction.attributes:
            fusion = _fusion_of(instruction, module)
            if fusion is not None:
                ends.setdefault(_key(instruction), {}).setdefault(target, fusion)
    return {key: (found[_FUSED_START], found.get(_FUSED_DONE)) for key, found in ends.items() if _FUSED_START in found}


def _key(instruction: HloInstruction) -> tuple[str, str | None]:
    return instruction.opcode, instruction.attributes.get("channel_id")


def _fusion_of(instruction: HloInstruction, module: HloModule) -> HloInstruction | None:
    """The fusion that an instruction is in."""
    callers = module.callers(instruction.computation.name)
    return callers[0] if callers and callers[0].opcode == "fusion" else None


def _wrapped(start: HloInstruction, module: HloModule) -> HloInstruction | None:
    """The collective inside the computation that an ``async-start`` runs."""
    for name in start.called.get("calls", ()):
        computation = module.computation(name)
        for member in computation.instructions if computation else ():
            if member.opcode in KINDS:
                return member
    return None


def _describe(start: HloInstruction, inner: HloInstruction, fused_done: HloInstruction | None = None) -> Collective:
    is_async = start is not inner or start.opcode.endswith("-start")
    done = fused_done if fused_done is not None or start.opcode == "fusion" else _done(start) if is_async else None
    result = done if done is not None else inner
    operand_bytes = _operand_bytes(inner)
    result_bytes = _bytes(parse_shape(result.shape)) if not is_async or done is not None or inner is not start else None
    known = [value for value in (operand_bytes, result_bytes) if value is not None]
    attributes = inner.attributes
    text = attributes.get("source_target_pairs") or attributes.get("replica_groups")
    channel = attributes.get("channel_id", "")
    named = start if start.op_name else inner
    return Collective(
        kind=inner.opcode.removesuffix("-start"),
        instruction=start.name,
        computation=start.computation.name,
        is_async=is_async,
        done=done.name if done is not None else None,
        bytes=max(known, default=None),
        operand_bytes=operand_bytes,
        result_bytes=result_bytes,
        groups=parse_groups(text) if text else None,
        groups_text=text,
        channel_id=whole_number(channel),
        op_name=named.op_name,
        source_file=named.source_file,
        source_line=named.source_line,
        inner=inner.name,
    )


def _done(start: HloInstruction) -> HloInstruction | None:
    """The ``-done`` that ends an asynchronous start, through ``async-update``."""
    waiting, seen = [start], {start.name}
    while waiting:
        for user in start.computation.users(waiting.pop().name):
            if user.opcode.endswith("-done"):
                return user
            if user.opcode.endswith("-update") and user.name not in seen:
                seen.add(user.name)
                waiting.append(user)
    return None


def _operand_bytes(instruction: HloInstruction) -> int | None:
    parts = [_bytes(operand_shape(instruction, position)) for position in range(len(instruction.operand_refs))]
    return sum(part for part in parts if part is not None) if parts and None not in parts else None


def _bytes(shape: Shape | None) -> int | None:
    return None if shape is None else shape.bytes


def parse_groups(text: str) -> tuple[tuple[int, ...], ...] | None:
    """Groups of device ids, from any of the forms HLO writes; None for another text.

    ``{{0,1},{2,3}}``, ``[2,2]<=[4]``, ``[2,2]<=[2,2]T(1,0)``, ``mesh['x'=4,'y'=2] {'y'}``.
    """
    mesh = _MESH_GROUPS.match(text)
    if mesh:
        return _mesh_groups(mesh.group(1), mesh.group(2))
    iota = _IOTA_GROUPS.search(text)
    if iota:
        return _iota_groups(*iota.groups())
    groups = [_numbers(group) for group in _GROUP.findall(text)]
    return tuple(group for group in groups if group is not None) if any(groups) and None not in groups else None


def _numbers(text: str) -> tuple[int, ...] | None:
    """Numbers between commas; None when one is too long to be a device or a size."""
    found = [whole_number(part.strip()) for part in text.split(",") if part.strip()]
    return None if None in found else tuple(number for number in found if number is not None)


def _iota_groups(shape: str, dims: str, permutation: str | None) -> tuple[tuple[int, ...], ...] | None:
    sizes, target = _numbers(dims), _numbers(shape)
    order = _numbers(permutation) if permutation else tuple(range(len(sizes or ())))
    if not sizes or not target or order is None:
        return None
    total = int(np.prod(sizes, dtype=object))
    if total > _LARGEST_IOTA or sorted(order) != list(range(len(sizes))) or np.prod(target, dtype=object) != total:
        return None
    ids = np.arange(total).reshape(sizes).transpose(order).reshape(target)
    return tuple(tuple(int(member) for member in group) for group in ids.reshape(target[0], -1))


def _mesh_groups(mesh: str, along: str) -> tuple[tuple[int, ...], ...] | None:
    """Groups along some axes of a mesh whose devices are numbered in order."""
    axes = [(name, int(size)) for name, size in _MESH_AXIS.findall(mesh)]
    names = [name for name, _ in axes]
    wanted = [part.strip().strip("'") for part in along.split(",") if part.strip()]
    if not axes or not wanted or any(name not in names for name in wanted):
        return None
    sizes = ",".join(str(size) for _, size in axes)
    inside = [names.index(name) for name in wanted]
    order = [position for position in range(len(axes)) if position not in inside] + inside
    members = int(np.prod([axes[position][1] for position in inside], dtype=object))
    total = int(np.prod([size for _, size in axes], dtype=object))
    if not members:
        return None
    return _iota_groups(f"{total // members},{members}", sizes, ",".join(map(str, order)))
