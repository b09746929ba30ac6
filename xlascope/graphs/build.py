"""From a parsed module to its graph: groups from calls, equations and time from outside.

Only the groups are found at once. Nodes and edges are made computation by computation, when they are asked for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import cached_property

from xlascope.graphs.assemble import assemble
from xlascope.graphs.bodies import Bodies, Body
from xlascope.graphs.groups import Grouping
from xlascope.graphs.labels import detail
from xlascope.graphs.model import Edge, Graph, Group, Node
from xlascope.graphs.owners import SOURCES, find_owners
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
    ids = _node_ids(module)
    grouping = Grouping(module, ids)
    maker = _Maker(module, ids, grouping, self_ns, equations, exact, handed)
    places = [grouping.place[computation.name] for computation in module.computations]
    bodies = Bodies(ids, [computation.start for computation in module.computations], places, maker.body)
    maker.bodies = bodies
    measured = _measured(module, ids, grouping, self_ns)
    return assemble(module.name, bodies, grouping.groups, measured, maker.place_of, holding=maker.holding)


def _node_ids(module: HloModule) -> list[str]:
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
        ids: list[str],
        grouping: Grouping,
        self_ns: Mapping[str, int] | None,
        equations: Mapping[str, Sequence[str]] | None,
        exact: bool,
        handed: Set[str],
    ) -> None:
        self._handed = handed
        self._module, self._ids, self._place = module, ids, grouping.place
        self._self_ns, self._equations = self_ns, equations
        self._tagged = equations is not None and exact
        self._named = 'op_name="' in module.text
        self._by_caller = {group.caller: group for group in grouping.groups if group.caller is not None}
        self._by_id = {group.id: group for group in grouping.groups}
        self._paths: dict[int, tuple[str, ...]] = {}
        self.bodies: Bodies | None = None

    def body(self, number: int) -> Body:
        computation = self._module.computations[number]
        instructions = list(computation.instructions)
        nodes = [self._node(instruction) for instruction in instructions]
        edges = self._edges(computation, instructions, nodes)
        # Owners are found among the body's own; where it holds nothing of the program, the caller's counts.
        nodes = find_owners(nodes, edges, {})
        nodes = [self._with_callers_owner(node) if node.added_by_xla and node.owner is None else node for node in nodes]
        handed = self._handed
        nodes = [node._replace(added_by_xla=False) if node.name in handed else node for node in nodes]
        return Body(tuple(nodes), tuple(edges))

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

    def _with_callers_owner(self, node: Node) -> Node:
        """Owner from outside of the body: the caller's, else the result of the whole, if anything is the program's."""
        caller = self._caller_of(node.group)
        owner = None if caller is None else caller.owner if caller.added_by_xla else caller.id
        if owner is None and self._has_program:
            entry = self._module.entry
            root = entry.root if entry is not None else None
            if root is not None and self._ids[root.index] != node.id:
                owner = self._ids[root.index]
            elif root is not None and root.operands:
                feeding = root.computation.get(root.operands[0])
                owner = self._ids[feeding.index] if feeding is not None else None
        return node if owner is None else node._replace(owner=owner)

    @cached_property
    def _has_program(self) -> bool:
        """Is there an instruction that does not count as added by XLA?"""
        return any(
            instruction.opcode not in SOURCES and self._of_program(instruction)
            for instruction in self._module.instructions()
        )

    def _of_program(self, instruction: HloInstruction) -> bool:
        if self._tagged:
            return bool(self._paths_of(instruction.index))
        return not self._named or instruction.op_name is not None

    def _caller_of(self, group_id: str | None) -> Node | None:
        group: Group | None = self._by_id.get(group_id) if group_id is not None else None
        while group is not None and group.caller is None:
            group = self._by_id.get(group.parent) if group.parent is not None else None
        if group is None or group.caller is None or self.bodies is None:
            return None
        body = self.bodies.of(group.caller)
        return body.by_id[group.caller] if body is not None else None

    def _paths_of(self, index: int) -> tuple[str, ...]:
        """Equation paths of an instruction; a fusion without any has those of its members."""
        if self._equations is None:
            return ()
        known = self._paths.get(index)
        if known is None:
            known = tuple(self._equations.get(self._module.names_at(index), ()))
            self._paths[index] = known
            group = self._by_caller.get(self._ids[index])
            if not known and group is not None and group.kind == "fusion":
                computation = self._module.computation(group.computation or "")
                # A literal's equations are not the fusion's: what is done with it is.
                members = [
                    member.index
                    for member in (computation.instructions if computation else ())
                    if member.opcode not in SOURCES
                ]
                known = tuple(dict.fromkeys(path for member in members for path in self._paths_of(member)))
                self._paths[index] = known
        return known

    def _node(self, instruction: HloInstruction) -> Node:
        shape, index = instruction.shape, instruction.index
        measured = self._self_ns.get(instruction.name) if self._self_ns is not None else None
        equations = self._paths_of(index)
        op_name = instruction.op_name if self._named else None
        of_program = bool(equations) if self._tagged else not self._named or op_name is not None
        return Node(
            id=self._ids[index],
            opcode=instruction.opcode,
            shape=short_shape(shape),
            computation=instruction.computation.name,
            group=self._place[instruction.computation.name],
            equations=equations,
            added_by_xla=instruction.opcode not in SOURCES and not of_program,
            owner=None,
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

    def _edges(self, computation: HloComputation, instructions: list[HloInstruction], nodes: list[Node]) -> list[Edge]:
        edges: list[Edge] = []
        by_name = dict(zip(computation.names, nodes, strict=True))
        for instruction, node in zip(instructions, nodes, strict=True):
            own = node.id
            for position, (name, index) in enumerate(instruction.operand_refs):
                producer = by_name.get(name)
                if producer is None:
                    continue
                text = producer.shape
                if index is not None and (made := computation.get(name)) is not None:
                    shape = parse_shape(made.shape)
                    element = shape.element(index) if shape is not None else None
                    text = element.text if element is not None else text
                edges.append(Edge(producer.id, own, position, text, index))
        return edges


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
