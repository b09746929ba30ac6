"""The equations of instructions, and of what has none the instruction that it is there for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from xlascope.graphs.bodies import Asked
from xlascope.graphs.groups import Grouping, grouping_of
from xlascope.graphs.owners import SOURCES, Owners
from xlascope.ir.hlo import HloModule


class Paths:
    """Equation paths by position in a module, from those by name."""

    def __init__(self, module: HloModule, grouping: Grouping, equations: Mapping[str, Sequence[str]]) -> None:
        self._module, self._grouping, self._equations = module, grouping, equations
        self._known: dict[int, tuple[str, ...]] = {}

    def of(self, index: int) -> tuple[str, ...]:
        """Those of an instruction; a fusion without any has those of its members. Fusions may nest to any depth."""
        known, waiting, entered = self._known, [index], set()
        while waiting:
            at = waiting[-1]
            if at not in known:
                own = tuple(self._equations.get(self._module.names_at(at), ()))
                members = [] if own or at not in self._fusions else self._members(self._fusions[at])
                inner = [] if at in entered else [each for each in members if each not in known]
                if inner:
                    entered.add(at)
                    waiting += inner
                    continue
                known[at] = own or tuple(dict.fromkeys(path for each in members for path in known.get(each, ())))
            waiting.pop()
        return known[index]

    def _members(self, computation: str | None) -> list[int]:
        body = self._module.computation(computation or "")
        # A literal's equations are not the fusion's: what is done with it is.
        opcodes = enumerate(body.opcodes, body.start) if body is not None else ()
        return [index for index, opcode in opcodes if opcode not in SOURCES]

    @cached_property
    def _fusions(self) -> dict[int, str | None]:
        """The fused computations by the positions of the fusions that show them."""
        callers = self._grouping.callers
        return {callers[group.id]: group.computation for group in self._grouping.groups if group.kind == "fusion"}


def owners_of(module: HloModule, equations: Mapping[str, Sequence[str]]) -> Mapping[str, str]:
    """By name, the instruction that each one without ``equations`` is there for; worked out when it is asked for."""
    grouping = grouping_of(module)
    paths = Paths(module, grouping, equations)
    owners = Owners(module, grouping, lambda index: bool(paths.of(index)))
    names = module.names
    places = {name: index for index, name in enumerate(names) if name not in equations}

    def find(name: str) -> str:
        owner = owners.owner(places[name])
        if owner is None:
            raise KeyError(name)
        return names[owner]

    return Asked(find, lambda: [name for name, index in places.items() if owners.owner(index) is not None])
