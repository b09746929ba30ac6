"""Which jaxpr equations an instruction comes from, read from a module compiled with tagged equations.

The engine tags each equation's name stack (`xlascope/engine/core/tags.py`); XLA carries the tags in ``op_name``. The
tagged module is the untagged one but for metadata, which `link` checks, so that its names are valid in both.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from xlascope.ir.hlo import HloInstruction, HloModule

_TAG = re.compile(r"xs(b\d+\.)?(\d+)_")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Links of one module: instruction name → equation paths.

    ``own`` has what the instruction's own metadata says; ``all`` adds, for an instruction that calls computations
    which belong to it alone (a fusion, a reducer), those of its members. ``exact`` is False when the tagged module is
    not the untagged one instruction for instruction: ``mismatch`` says where.
    """

    own: Mapping[str, tuple[str, ...]]
    all: Mapping[str, tuple[str, ...]]
    exact: bool
    mismatch: str | None


def paths_of(op_name: str, known: Collection[str] | None = None) -> tuple[str, ...]:
    """Paths that an ``op_name`` names; XLA joins the names of merged instructions with ``;``.

    With ``known`` paths, one that is not among them stands for its nearest enclosing equation: some lowerings trace
    jaxprs of their own inside an equation.
    """
    found: list[str] = []
    for name in op_name.split(";"):
        parts = [(branch or "") + number for branch, number in _TAG.findall(name)]
        while parts and known is not None and ".".join(parts) not in known:
            parts.pop()
        path = ".".join(parts)
        if path and path not in found:
            found.append(path)
    return tuple(found)


def link(tagged: HloModule, untagged: HloModule, known: Collection[str] | None = None) -> Provenance:
    """Provenance of ``untagged`` from the tagged compile of the same program."""
    names, mismatch = _same_names(tagged, untagged)
    own: dict[str, tuple[str, ...]] = {}
    everything: dict[str, tuple[str, ...]] = {}
    members = {computation.name: computation for computation in tagged.computations}
    for computation in tagged.computations:
        for instruction in computation.instructions:
            name = names.get(instruction.name)
            if name is None:
                continue
            mine = paths_of(instruction.op_name or "", known)
            own[name] = mine
            everything[name] = _with_members(instruction, mine, members, known)
    return Provenance(own, everything, mismatch is None, mismatch)


def _with_members(
    instruction: HloInstruction, mine: tuple[str, ...], members: Mapping[str, object], known: Collection[str] | None
) -> tuple[str, ...]:
    if instruction.opcode != "fusion":
        return mine
    found = list(mine)
    for called in instruction.called.get("calls", ()):
        computation = members.get(called)
        for member in getattr(computation, "instructions", ()):
            found += [path for path in paths_of(member.op_name or "", known) if path not in found]
    return tuple(found)


def _same_names(tagged: HloModule, untagged: HloModule) -> tuple[dict[str, str], str | None]:
    """Tagged name → untagged name: by name, else by place where the opcodes are the same in the same order."""
    a = [(i.name, i.opcode) for c in tagged.computations for i in c.instructions]
    b = [(i.name, i.opcode) for c in untagged.computations for i in c.instructions]
    if a == b:
        return {name: name for name, _ in a}, None
    if [opcode for _, opcode in a] == [opcode for _, opcode in b]:
        return {name: other for (name, _), (other, _) in zip(a, b, strict=True)}, None
    same = dict(b)
    first = next((x[0] for x, y in zip(a, b, strict=False) if x[1] != y[1]), "the end")
    mismatch = f"the tagged module has {len(a)} instructions, the script's {len(b)}; they part at {first}"
    return {name: name for name, opcode in a if same.get(name) == opcode}, mismatch
