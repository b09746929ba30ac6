"""Whom an instruction that XLA added is there for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import cached_property

from xlascope.graphs.groups import Grouping
from xlascope.graphs.model import Group
from xlascope.ir.hlo import HloComputation, HloModule

SOURCES = frozenset({"parameter", "constant"})


Ref = tuple[int, int, int, int | None]
"""An operand: the positions in the module of what makes the value and of what takes it, and which operand it is; then
the element of a tuple where the text names one directly (``%fusion#1``)."""


def references(computation: HloComputation) -> list[Ref]:
    """The operands of a computation's instructions that are instructions of it, in the order of the text."""
    places = {name: index for index, name in enumerate(computation.names, computation.start)}
    return [
        (producer, index, position, element)
        for index, instruction in enumerate(computation.instructions, computation.start)
        for position, (name, element) in enumerate(instruction.operand_refs)
        if (producer := places.get(name)) is not None
    ]


class Owners:
    """The owners of what XLA added, computation by computation, when they are asked for.

    An instruction counts as added unless ``of_program`` says of its position that it is the program's, or it is a
    source. Its owner is the nearest instruction of the program that uses its value, else that feeds it. Distances count
    operands; of several at the same distance the first of the text wins. Where a computation holds nothing of the
    program, its instructions are there for whom it is called; ``handed`` are names of callers that stand for
    themselves. Where there is neither, for the result of the whole: the entry's root (that itself for what it is made
    of). None in a module without anything of the program: nothing is there that its instructions could be there for.
    """

    def __init__(
        self, module: HloModule, grouping: Grouping, of_program: Callable[[int], bool], handed: Set[str] = frozenset()
    ) -> None:
        self._module, self._grouping, self._of_program, self._handed = module, grouping, of_program, handed
        self._groups = {group.id: group for group in grouping.groups}
        self._found: dict[int, dict[int, int | None]] = {}

    def of_body(self, number: int, refs: Sequence[Ref] | None = None) -> Mapping[int, int | None]:
        """The owner of each added instruction of a computation, both by their positions in the module.

        ``refs``: the computation's `references`, where they are known already.
        """
        found = self._found.get(number)
        if found is None:
            found = self._found[number] = self._find(self._module.computations[number], refs)
        return found

    def owner(self, index: int) -> int | None:
        """The owner of one instruction; None for one that has none, as the program's own do."""
        return self.of_body(self._module.number_at(index)).get(index)

    def _find(self, computation: HloComputation, refs: Sequence[Ref] | None) -> dict[int, int | None]:
        opcodes, start = computation.opcodes, computation.start
        working = [index for index, opcode in enumerate(opcodes, start) if opcode not in SOURCES]
        own = [index for index in working if self._of_program(index)]
        if len(own) == len(working):
            return {}
        added = set(working) - set(own)
        refs = references(computation) if refs is None else refs
        users = _spread(own, ((consumer, producer) for producer, consumer, *_ in refs if producer in added))
        feeding = _spread(own, ((producer, consumer) for producer, consumer, *_ in refs if consumer in added))
        group = self._grouping.place[computation.name]
        root = computation.root_index if own and group is None else None
        found = {index: users.get(index, feeding.get(index, root)) for index in working if index in added}
        if root is not None and found.get(root) == root:
            found[root] = next((producer for producer, consumer, *_ in refs if consumer == root), None)
        if None not in found.values():
            return found
        caller = self._of_caller(group)
        lonely = (index for index, owner in found.items() if owner is None)
        return found | {index: self._of_whole(index) if caller is None else caller for index in lonely}

    def _of_caller(self, group_id: str | None) -> int | None:
        """The instruction of the program that the group around some instructions is called for."""
        group: Group | None = self._groups.get(group_id) if group_id is not None else None
        while group is not None and group.caller is None:
            group = self._groups.get(group.parent) if group.parent is not None else None
        if group is None:
            return None
        caller = self._grouping.callers[group.id]
        body = self.of_body(self._module.number_at(caller))
        return body[caller] if caller in body and self._module.names_at(caller) not in self._handed else caller

    def _of_whole(self, index: int) -> int | None:
        """The result of the whole, if anything is the program's; of that itself what it is made of."""
        entry = self._module.entry
        root = entry.root if entry is not None and self._has_program else None
        if root is not None and root.index == index:
            root = root.computation.get(root.operands[0]) if root.operands else None
        return root.index if root is not None else None

    @cached_property
    def _has_program(self) -> bool:
        """Is there an instruction that does not count as added by XLA?"""
        opcodes = enumerate(self._module.opcodes)
        return any(opcode not in SOURCES and self._of_program(index) for index, opcode in opcodes)


def _spread(own: Iterable[int], links: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Owner by position, spread breadth first from the program's ``own`` along ``links``, which lead to added ones."""
    onward: dict[int, list[int]] = {}
    for start, end in links:
        onward.setdefault(start, []).append(end)
    owner: dict[int, int] = {}
    queue = deque((source, source) for source in own if source in onward)
    while queue:
        current, source = queue.popleft()
        for neighbour in onward.get(current, ()):
            if neighbour not in owner:
                owner[neighbour] = source
                queue.append((neighbour, source))
    return owner
