"""Which equations an instruction comes from: exactly by its tags, else by source position and primitive."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from xlascope.ir import Equation, HloInstruction, HloModule, JaxprIndex
from xlascope.views.source import RunSource
from xlascope.views.stages import hlo_module, jaxpr_index, jaxpr_key, stage_key

_TAG = re.compile(r"xs(b\d+\.)?(\d+)_")
# XLA made these of nothing that the program says: they name values, and are there in every module.
SOURCES = frozenset({"parameter", "constant"})


@dataclass(frozen=True, slots=True)
class Provenance:
    """Equation paths by instruction name. ``exact``: from tags, and no guess."""

    equations: Mapping[str, tuple[str, ...]]
    added: frozenset[str]
    exact: bool


NOTHING = Provenance({}, frozenset(), False)


def tagged_paths(op_name: str) -> tuple[str, ...]:
    """The paths that the tags in an ``op_name`` spell, each once; XLA joins the names of what it merged by ``;``."""
    paths = (
        ".".join((branch or "") + number for branch, number in _TAG.findall(part)) for part in op_name.split(";")
    )
    return tuple(dict.fromkeys(path for path in paths if path))


def provenance(source: RunSource, program: str, variant: str | None) -> Provenance:
    """Of the optimized HLO of a program or of a variant of it."""
    key = ("provenance", stage_key(source, program, "optimized", variant), jaxpr_key(source, program))

    def read() -> Provenance:
        module = hlo_module(source, program, "optimized", variant)
        return NOTHING if module is None else of_module(module, jaxpr_index(source, program))

    return source.large.get_or(key, read)


def of_module(module: HloModule, jaxpr: JaxprIndex | None) -> Provenance:
    """Equations of each instruction; a fusion has those of its members, which come after its own."""
    own: dict[str, tuple[str, ...]] = {}
    added: set[str] = set()
    exact = False
    index = _Positions(jaxpr) if jaxpr is not None else None
    for instruction in module.instructions():
        op_name = instruction.op_name
        if op_name is None:
            if instruction.opcode not in SOURCES:
                added.add(instruction.name)
            continue
        paths = tagged_paths(op_name)
        if paths:
            exact = True
        elif index is not None:
            paths = index.find(instruction, op_name)
        if paths:
            own[instruction.name] = paths
    if exact:
        added = {each.name for each in module.instructions() if each.name not in own and each.opcode not in SOURCES}
    equations = _with_members(module, own)
    return Provenance(equations, frozenset(added - equations.keys()), exact)


def _with_members(module: HloModule, own: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    found = dict(own)
    # A fusion inside of a fusion is written before the one that holds it, so that its members are complete.
    for fusion in module.of_opcode("fusion"):
        bodies = [module.computation(name) for name in fusion.called.get("calls", ())]
        members = [name for body in bodies if body is not None for name in body.names]
        inner = [path for member in members for path in found.get(member, ())]
        if inner:
            found[fusion.name] = tuple(sorted({*own.get(fusion.name, ()), *inner}, key=path_order))
    return found


def path_order(path: str) -> tuple[int, ...]:
    """Sorts equation paths in the order of the jaxpr's text."""
    numbers = (part.removeprefix("b") for part in path.split("."))
    return tuple(int(number) if number.isascii() and number.isdigit() else 0 for number in numbers)


class _Positions:
    """Equations by primitive and source line. Several equations of one line and primitive cannot be told apart."""

    def __init__(self, jaxpr: JaxprIndex) -> None:
        self._exact: dict[tuple[str, str | None, int | None], list[Equation]] = {}
        for equation in jaxpr.equations:
            self._exact.setdefault((equation.primitive, equation.file, equation.line), []).append(equation)

    def find(self, instruction: HloInstruction, op_name: str) -> tuple[str, ...]:
        paths: list[str] = []
        places = [(frame.file, frame.line) for frame in instruction.stack]
        for name in op_name.split(";"):
            primitive = name.rpartition("/")[2].partition("[")[0]
            for file, line in places:
                found = self._exact.get((primitive, file, line))
                if found:
                    paths.extend(equation.path for equation in found)
                    break
        return tuple(dict.fromkeys(paths))
