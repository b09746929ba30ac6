"""The groups of a module: what each computation is called by, found without reading all instructions in full."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from xlascope.graphs.model import Group
from xlascope.ir.fusions import members_of
from xlascope.ir.hlo import HloComputation, HloInstruction, HloModule

_KINDS = {"fusion": "fusion", "while": "loop", "conditional": "conditional", "call": "call", "async-start": "call"}


def grouping_of(module: HloModule) -> Grouping:
    """The groups of a module, found once for all graphs of it; node ids are those of `node_ids`."""
    found: Grouping | None = module.derived.get("grouping")
    if found is None:
        found = module.derived["grouping"] = Grouping(module, node_ids(module))
    return found


def node_ids(module: HloModule) -> list[str]:
    """Node id by instruction index."""
    counts = Counter(module.names)
    if len(counts) == len(module):
        return module.names
    ids: list[str] = []
    used: set[str] = set()
    for computation in module.computations:
        for name in computation.names:
            candidate = name if counts[name] == 1 else f"{computation.name}/{name}"
            number = 1
            while candidate in used:
                number += 1
                candidate = f"{computation.name}/{name}~{number}"
            used.add(candidate)
            ids.append(candidate)
    return ids


class Grouping:
    """``groups`` in depth-first order from the entry; ``place`` maps a computation to the group that shows it.

    A computation with several callers is shown inside of the first one. ``callers`` maps a group to the position in the
    module of the instruction that calls what it shows, ``ids`` are the node ids by position.
    """

    def __init__(self, module: HloModule, ids: list[str]) -> None:
        self.groups: list[Group] = []
        self.place: dict[str, str | None] = {}
        self.callers: dict[str, int] = {}
        self._module, self.ids = module, ids
        self._taken = set(ids)
        self._members: dict[str, int] = {}
        self._calling = module.calling()
        if module.entry is not None:
            self.place[module.entry.name] = None
            self._visit(module.entry)
        called = self._called_names()
        for only_uncalled in (True, False):  # what calls itself in a ring comes last
            for computation in module.computations:
                if computation.name not in self.place and not (only_uncalled and computation.name in called):
                    # Called by nobody that the entry reaches: a group of its own, so that no instruction is lost.
                    group_id = self._free(computation.name)
                    self._add(group_id, "computation", None, None, computation, "")
                    self.place[computation.name] = group_id
                    self._visit(computation)

    def _called_names(self) -> set[str]:
        if len(self.place) == len(self._module.computations):
            return set()
        calls = (self._module.at(index).called for index in self._calling)
        return {name for roles in calls for names in roles.values() for name in names}

    def _visit(self, computation: HloComputation) -> None:
        waiting = [computation]
        while waiting:
            current = waiting.pop()
            added: list[HloComputation] = []
            first, stop = (bisect_left(self._calling, end) for end in (current.start, current.stop))
            for index in self._calling[first:stop]:
                added += self._caller(self._module.at(index), self.place[current.name])
            waiting.extend(reversed(added))

    def _caller(self, instruction: HloInstruction, parent: str | None) -> list[HloComputation]:
        """The groups of an instruction that calls; gives the computations it is the first to call."""
        called = self._new(instruction)
        if not called:
            return []
        caller = self.ids[instruction.index]
        kind = _KINDS.get(instruction.opcode, "computation")
        body = called[0] if len(called) == 1 or kind == "loop" else None
        turns = instruction.trip_count if kind == "loop" else None
        self.callers[caller] = instruction.index
        self._add(caller, kind, parent, caller, body[1] if body else None, body[0] if body else "", turns)
        for role, inner in called:
            if body is not None and inner is body[1]:
                self.place[inner.name] = caller
            else:
                group_id = self._free(inner.name)
                self._add(group_id, "computation", caller, None, inner, role)
                self.place[inner.name] = group_id
        return [inner for _, inner in called]

    def _new(self, instruction: HloInstruction) -> list[tuple[str, HloComputation]]:
        """The computations an instruction is the first to call, a loop's body first."""
        called = instruction.called
        found: list[tuple[str, HloComputation]] = []
        for role in sorted(called, key=lambda role: role != "body"):
            for name in called[role]:
                computation = self._module.computation(name)
                if computation is None or computation.name in self.place:
                    continue
                if not any(computation is inner for _, inner in found):
                    found.append((role, computation))
        return found

    def _add(
        self,
        group_id: str,
        kind: str,
        parent: str | None,
        caller: str | None,
        computation: HloComputation | None,
        role: str,
        turns: int | None = None,
    ) -> None:
        members = members_of(computation) if computation else 0
        name = computation.name if computation else None
        self.groups.append(Group(group_id, kind, parent, None, caller, name, role, turns, members))

    def _free(self, name: str) -> str:
        while name in self._taken:
            name = f"{name} (computation)"
        self._taken.add(name)
        return name


def with_times(groups: Iterable[Group], times: Iterable[tuple[str, str | None, int]]) -> tuple[Group, ...]:
    """Groups with the summed self time of caller and members, inner groups included.

    ``times`` are (node id, its group, nanoseconds) of what was measured.
    """
    groups = tuple(groups)
    totals: dict[str, int] = {}
    parents = {group.id: group.parent for group in groups}
    callers = {group.caller: group.id for group in groups if group.caller is not None}
    for node, group, ns in times:
        around = callers.get(node, group)
        while around is not None:
            totals[around] = totals.get(around, 0) + ns
            around = parents[around]
    if not totals:
        return groups
    return tuple(replace(group, self_ns=totals[group.id]) if group.id in totals else group for group in groups)
