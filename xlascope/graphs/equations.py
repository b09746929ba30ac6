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
        """Those of an instruction; a fusion without any has those of its members."""
        known = self._known.get(index)
        if known is None:
            known = self._known[index] = tuple(self._equations.get(self._module.names_at(index), ()))
            if not known and index in self._fusions:
                known = self._known[index] = self._of_members(self._fusions[index])
        return known

    def _of_members(self, computation: str | None) -> tuple[str, ...]:
        body = self._module.computation(computation or "")
        # A literal's equations are not the fusion's: what is done with it is.
        opcodes = enumerate(body.opcodes, body.start) if body is not None else ()
        members = [index for index, opcode in opcodes if opcode not in SOURCES]
        return tuple(dict.fromkeys(path for member in members for path in self.of(member)))

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
