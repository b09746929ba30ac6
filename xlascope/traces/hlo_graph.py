"""What a serialized HloProto says that times per op need: which op holds which, and each op's opcode.

XLA puts the protos into the profile (plane `/host:metadata`). Field numbers: HloProto.hlo_module 1;
HloModuleProto.name 1, computations 3, entry_computation_id 6; HloComputationProto.instructions 2, id 5;
HloInstructionProto.name 1, opcode 2, called_computation_ids 38.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from xlascope.traces.wire import BYTES, VARINT, ProfileError, fields, read_varint, text

# The computation of these is executed as part of their op: its instructions are no events of their own.
_EMBEDDED = frozenset(
    {
        "all-reduce",
        "fusion",
        "map",
        "reduce",
        "reduce-scatter",
        "reduce-window",
        "scatter",
        "select-and-scatter",
        "sort",
    }
)
COMMAND_BUFFER: Final = "command_buffer"
"""What the names of computations and ops begin with that a GPU launches as one graph."""
NO_KERNEL: Final = frozenset({"bitcast", "constant", "get-tuple-element", "parameter", "tuple"})
"""Opcodes that execute nothing: they have no event."""


@dataclass(frozen=True, slots=True)
class CallGraph:
    """`parents`: for each op inside a called computation, the ops that call it; `opcodes`: opcode of each op;
    `entry`: the ops of the entry computation, which one call executes once; `buffered`: the ops that a GPU's command
    buffers hold.
    """

    module: str
    parents: Mapping[str, tuple[str, ...]]
    opcodes: Mapping[str, str]
    entry: frozenset[str]
    buffered: frozenset[str] = frozenset()


def call_graph(hlo_proto: bytes) -> CallGraph:
    """Read a serialized HloProto. Raises ProfileError when it is broken."""
    data = memoryview(hlo_proto)
    module = next((f for f in fields(data, 0, len(data)) if f.number == 1 and f.wire == BYTES), None)
    if module is None:
        raise ProfileError("no HLO module", 0)
    name = ""
    entry = -1
    opcodes: dict[str, str] = {}
    members: dict[int, list[str]] = {}
    callers: dict[int, list[str]] = {}
    buffers: list[int] = []
    for part in fields(data, module.start, module.end):
        if part.number == 6 and part.wire == VARINT:
            entry = part.value
        if part.wire != BYTES:
            continue
        if part.number == 1:
            name = text(data, part.start, part.end)
        elif part.number == 3:
            title, identity = _read_computation(data, part.start, part.end, opcodes, members, callers)
            if title.startswith(COMMAND_BUFFER):
                buffers.append(identity)
    parents: dict[str, tuple[str, ...]] = {}
    for computation, names in callers.items():
        for op in members.get(computation, ()):
            parents[op] = tuple(names)
    held = (op for identity in buffers for op in members.get(identity, ()) if opcodes.get(op) not in NO_KERNEL)
    return CallGraph(name, parents, opcodes, frozenset(members.get(entry, ())), frozenset(held))


def _read_computation(
    data: memoryview,
    start: int,
    end: int,
    opcodes: dict[str, str],
    members: dict[int, list[str]],
    callers: dict[int, list[str]],
) -> tuple[str, int]:
    """Gives the computation's name and id."""
    title, identity, names = "", 0, []
    for part in fields(data, start, end):
        if part.number == 5 and part.wire == VARINT:
            identity = part.value
        elif part.number == 1 and part.wire == BYTES:
            title = text(data, part.start, part.end)
        elif part.number == 2 and part.wire == BYTES:
            op, opcode, called = _read_instruction(data, part.start, part.end)
            opcodes[op] = opcode
            names.append(op)
            if opcode not in _EMBEDDED:
                for computation in called:
                    callers.setdefault(computation, []).append(op)
    members[identity] = names
    return title, identity


def _read_instruction(data: memoryview, start: int, end: int) -> tuple[str, str, list[int]]:
    op = opcode = ""
    called: list[int] = []
    for part in fields(data, start, end):
        if part.number == 1 and part.wire == BYTES:
            op = text(data, part.start, part.end)
        elif part.number == 2 and part.wire == BYTES:
            opcode = text(data, part.start, part.end)
        elif part.number == 38 and part.wire == VARINT:
            called.append(part.value)
        elif part.number == 38 and part.wire == BYTES:  # packed
            at = part.start
            while at < part.end:
                value, at = read_varint(data, at, part.end)
                called.append(value)
    return op, opcode, called
