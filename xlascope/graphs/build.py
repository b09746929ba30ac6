"""From a parsed module to its graph: groups from calls, equations and time from outside.

Only the groups are found at once. Nodes and edges are made computation by computation, when they are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set

from xlascope.graphs.assemble import assemble
from xlascope.graphs.bodies import Bodies, Body
from xlascope.graphs.equations import Paths
from xlascope.graphs.groups import Grouping, grouping_of
from xlascope.graphs.labels import detail
from xlascope.graphs.model import Edge, Graph, Node, Outline
from xlascope.graphs.owners import Owners, Ref, references
from xlascope.graphs.scopes import scope_of
from xlascope.ir.fusions import is_scalar_broadcast
from xlascope.ir.hlo import HloComputation, HloInstruction, HloModule
from xlascope.ir.shapes import parse_shape, shape_bytes, short_shape

_PATH = re.compile(r"[\d.b]+|.*[()×…,].*|\w+\[.*")  # equations and shapes, which the text may write otherwise
_FOLDING = frozenset({"constant", "broadcast", "bitcast", "get-tuple-element"})


def build_graph(
    module: HloModule,
    self_ns: Mapping[str, int] | None = None,
    equations: Mapping[str, Sequence[str]] | None = None,
    *,
    exact: bool = True,
    handed: Set[str] = frozenset(),
) -> Graph:
    """The graph of all instructions of a module.

    ``self_ns`` maps instruction names to measured self time in ns; ``equations`` maps them to equation paths. Without
    ``equations``, or when they are not ``exact`` (guessed, so that some are missing), an instruction counts as added
    by XLA when its text has no ``op_name``; in a text without any ``op_name`` nothing does. ``handed``: names of those
    that never do, but keep the owner they would have.
    """
    grouping = grouping_of(module)
    ids = grouping.ids
    maker = _Maker(module, grouping, self_ns, equations, exact, handed)
    places = [grouping.place[computation.name] for computation in module.computations]
    bodies = Bodies(ids, [computation.start for computation in module.computations], places, maker.body)
    maker.bodies = bodies
    measured = _measured(module, ids, grouping, self_ns)
    return assemble(
        module.name, bodies, grouping.groups, measured, maker.place_of, holding=maker.holding, outlined=maker.outlines
    )


def _measured(
    module: HloModule, ids: list[str], grouping: Grouping, self_ns: Mapping[str, int] | None
) -> list[tuple[str, str | None, int]]:
    """(node, its group, nanoseconds) of the measured instructions."""
    if not self_ns:
        return []
    return [
        (ids[index], grouping.place[computation.name], self_ns[name])
        for computation in module.computations
        for index, name in enumerate(computation.names, computation.start)
        if name in self_ns
    ]


class _Maker:
    """Makes the nodes and edges of one computation at a time."""

    def __init__(
        self,
        module: HloModule,
        grouping: Grouping,
        self_ns: Mapping[str, int] | None,
        equations: Mapping[str, Sequence[str]] | None,
        exact: bool,
        handed: Set[str],
    ) -> None:
        self._handed = handed
        self._module, self._ids, self._place = module, grouping.ids, grouping.place
        self._self_ns = self_ns
        self._tagged = equations is not None and exact
        self._named = 'op_name="' in module.text
        self._owners = Owners(module, grouping, self._of_program, handed)
        self._paths = Paths(module, grouping, equations or {})
        self.bodies: Bodies | None = None

    def body(self, number: int) -> Body:
        computation = self._module.computations[number]
        refs = references(computation)
        # Where a computation holds nothing of the program, the caller's owner counts.
        owners = self._owners.of_body(number, refs)
        nodes = [self._node(instruction, owners) for instruction in computation.instructions]
        return Body(tuple(nodes), tuple(_edges(computation, nodes, refs)))

    def outlines(self) -> Iterator[Outline]:
        ids, lines, paths = self._ids, self._module.lines, self._paths
        for number, computation in enumerate(self._module.computations):
            group, owners = self._place[computation.name], self._owners.of_body(number)
            for index in range(computation.start, computation.stop):
                owner = owners.get(index)
                yield Outline(
                    ids[index], group, lines[index], paths.of(index), ids[owner] if owner is not None else None
                )

    def place_of(self, node_id: str) -> tuple[str, int] | None:
        """The innermost source line of an instruction."""
        node = self._of_id(node_id)
        instruction = self._module.at(node) if node is not None else None
        if instruction is None or instruction.source_file is None or instruction.source_line is None:
            return None
        return instruction.source_file, instruction.source_line

    def _of_id(self, node_id: str) -> int | None:
        return self.bodies.position_of(node_id) if self.bodies is not None else None

    def holding(self, words: Sequence[str]) -> Iterator[Node]:
        """The nodes of the computations whose text, or whose equations' paths, may hold all words."""
        assert self.bodies is not None
        textual = [word for word in words if not _PATH.fullmatch(word)]
        computations = self._module.computations
        for number, computation in enumerate(computations):
            if textual:
                stop = computations[number + 1].start if number + 1 < len(computations) else len(self._module)
                text = self._module.text_between(computation.start, stop).lower()
                if not all(word in text or word in computation.name.lower() for word in textual):
                    continue
            yield from self.bodies.body(number).nodes

    def _of_program(self, index: int) -> bool:
        if self._tagged:
            return bool(self._paths.of(index))
        return not self._named or self._module.at(index).op_name is not None

    def _node(self, instruction: HloInstruction, owners: Mapping[int, int | None]) -> Node:
        shape, index = instruction.shape, instruction.index
        measured = self._self_ns.get(instruction.name) if self._self_ns is not None else None
        op_name = instruction.op_name if self._named else None
        owner = owners.get(index)
        return Node(
            id=self._ids[index],
            opcode=instruction.opcode,
            shape=short_shape(shape),
            computation=instruction.computation.name,
            group=self._place[instruction.computation.name],
            equations=self._paths.of(index),
            added_by_xla=index in owners and instruction.name not in self._handed,
            owner=self._ids[owner] if owner is not None else None,
            self_ns=measured,
            name=instruction.name,
            bytes=shape_bytes(shape),
            is_root=instruction.is_root,
            parameter_number=instruction.parameter_number,
            folded=instruction.opcode in _FOLDING and _folds(instruction, measured),
            detail=detail(instruction),
            line=instruction.line,
            scope=scope_of(op_name) if op_name is not None else (),
        )


def _edges(computation: HloComputation, nodes: list[Node], refs: Sequence[Ref]) -> Iterator[Edge]:
    start = computation.start
    for producer, consumer, position, index in refs:
        made = nodes[producer - start]
        text = made.shape
        if index is not None:
            shape = parse_shape(computation.instructions[producer - start].shape)
            element = shape.element(index) if shape is not None else None
            text = element.text if element is not None else text
        yield Edge(made.id, nodes[consumer - start].id, position, text, index)


def _folds(instruction: HloInstruction, measured: int | None) -> bool:
    """Is it drawn inside of its consumers' labels? Never a root, nor what nobody uses, nor what took time."""
    if instruction.is_root or measured or not instruction.computation.is_used(instruction.name):
        return False
    if instruction.opcode == "constant":
        shape = parse_shape(instruction.shape)
        return shape is not None and shape.is_scalar
    if instruction.opcode == "broadcast":
        return is_scalar_broadcast(instruction)
    return bool(instruction.operands) and instruction.computation.get(instruction.operands[0]) is not None
