"""From a parsed module to its graph: groups from calls, equations and time from outside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from xlascope.graphs.labels import detail
from xlascope.graphs.model import Edge, Graph, Group, Node
from xlascope.graphs.owners import find_owners
from xlascope.ir.fusions import is_real_member, is_scalar_broadcast
from xlascope.ir.hlo import HloComputation, HloInstruction, HloModule
from xlascope.ir.shapes import parse_shape, shape_bytes, short_shape

_KINDS = {"fusion": "fusion", "while": "loop", "conditional": "conditional", "call": "call", "async-start": "call"}
_SOURCES = frozenset({"parameter", "constant"})
_FOLDING = frozenset({"constant", "broadcast", "bitcast", "get-tuple-element"})


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the instructions of a computation lie: the group that shows them."""

    group: str | None


def build_graph(
    module: HloModule,
    self_ns: Mapping[str, int] | None = None,
    equations: Mapping[str, Sequence[str]] | None = None,
    *,
    exact: bool = True,
) -> Graph:
    """The graph of all instructions of a module.

    ``self_ns`` maps instruction names to measured self time in ns; ``equations`` maps them to equation paths. Without
    ``equations``, or when they are not ``exact`` (guessed, so that some are missing), an instruction counts as added
    by XLA when its text has no ``op_name``; in a text without any ``op_name`` nothing does.
    """
    ids = _node_ids(module)
    groups, places = _find_groups(module, ids)
    own_equations = _equations(module, equations, groups, places, ids)
    tagged = equations is not None and exact
    named = 'op_name="' in module.text
    nodes = [
        _node(
            instruction,
            ids,
            places,
            self_ns,
            own_equations.get(ids[instruction.index], ()),
            lambda own, paths: bool(paths) if tagged else not named or own.op_name is not None,
        )
        for computation in module.computations
        for instruction in computation.instructions
    ]
    edges = _edges(module, ids)
    nodes = find_owners(nodes, edges, {group.id: group.caller or group.parent for group in groups})
    return _index(module.name, nodes, edges, _with_times(groups, nodes, module, places))


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


def _find_groups(module: HloModule, ids: list[str]) -> tuple[list[Group], dict[str, _Place]]:
    """Groups in depth-first order from the entry, and the place of every computation.

    A computation with several callers is shown inside of the first one.
    """
    groups: list[Group] = []
    places: dict[str, _Place] = {}
    taken = set(ids)
    if module.entry is not None:
        places[module.entry.name] = _Place(None)
        _visit(module, module.entry, ids, groups, places, taken)
    for computation in module.computations:
        if computation.name not in places:
            # Called by nobody that the entry reaches: a group of its own, so that no instruction is lost.
            group_id = _free(computation.name, taken)
            groups.append(_group(group_id, "computation", None, None, computation, ""))
            places[computation.name] = _Place(group_id)
            _visit(module, computation, ids, groups, places, taken)
    return groups, places


def _visit(
    module: HloModule,
    computation: HloComputation,
    ids: list[str],
    groups: list[Group],
    places: dict[str, _Place],
    taken: set[str],
) -> None:
    waiting = [computation]
    while waiting:
        current = waiting.pop()
        parent = places[current.name].group
        added: list[HloComputation] = []
        for instruction in current.instructions:
            called = _new_computations(instruction, module, places)
            if not called:
                continue
            caller = ids[instruction.index]
            kind = _KINDS.get(instruction.opcode, "computation")
            body = called[0] if len(called) == 1 or kind == "loop" else None
            groups.append(
                _group(
                    caller,
                    kind,
                    parent,
                    caller,
                    body[1] if body else None,
                    body[0] if body else "",
                    instruction.trip_count if kind == "loop" else None,
                )
            )
            for role, inner in called:
                if body is not None and inner is body[1]:
                    places[inner.name] = _Place(caller)
                else:
                    group_id = _free(inner.name, taken)
                    groups.append(_group(group_id, "computation", caller, None, inner, role))
                    places[inner.name] = _Place(group_id)
                added.append(inner)
        waiting.extend(reversed(added))


def _group(
    group_id: str,
    kind: str,
    parent: str | None,
    caller: str | None,
    computation: HloComputation | None,
    role: str,
    trip_count: int | None = None,
) -> Group:
    members = sum(is_real_member(member) for member in computation.instructions) if computation else 0
    return Group(
        group_id, kind, parent, None, caller, computation.name if computation else None, role, trip_count, members
    )


def _new_computations(
    instruction: HloInstruction, module: HloModule, places: dict[str, _Place]
) -> list[tuple[str, HloComputation]]:
    """The computations an instruction is the first to call, a loop's body first."""
    if not instruction.may_call:
        return []
    called = instruction.called
    found: list[tuple[str, HloComputation]] = []
    for role in sorted(called, key=lambda role: role != "body"):
        for name in called[role]:
            computation = module.computation(name)
            if computation is None or computation.name in places or any(computation is inner for _, inner in found):
                continue
            found.append((role, computation))
    return found


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"{name} (computation)"
    taken.add(name)
    return name


def _equations(
    module: HloModule,
    equations: Mapping[str, Sequence[str]] | None,
    groups: list[Group],
    places: dict[str, _Place],
    ids: list[str],
) -> dict[str, tuple[str, ...]]:
    """Equation paths by node id; a fusion without any has those of its members."""
    if equations is None:
        return {}
    found = {ids[index]: tuple(equations.get(name, ())) for index, name in enumerate(module.names)}
    for group in reversed(groups):
        if group.kind == "fusion" and group.caller is not None and not found[group.caller]:
            computation = module.computation(group.computation or "")
            members = range(computation.start, computation.stop) if computation else ()
            found[group.caller] = tuple(dict.fromkeys(path for index in members for path in found[ids[index]]))
    return found


def _node(
    instruction: HloInstruction,
    ids: list[str],
    places: dict[str, _Place],
    self_ns: Mapping[str, int] | None,
    equations: tuple[str, ...],
    of_program: Callable[[HloInstruction, tuple[str, ...]], bool],
) -> Node:
    shape = instruction.shape
    measured = self_ns.get(instruction.name) if self_ns is not None else None
    return Node(
        id=ids[instruction.index],
        opcode=instruction.opcode,
        shape=short_shape(shape),
        computation=instruction.computation.name,
        group=places[instruction.computation.name].group,
        equations=equations,
        added_by_xla=instruction.opcode not in _SOURCES and not of_program(instruction, equations),
        owner=None,
        self_ns=measured,
        name=instruction.name,
        bytes=shape_bytes(shape),
        is_root=instruction.is_root,
        parameter_number=instruction.parameter_number,
        folded=_folds(instruction, measured),
        detail=detail(instruction),
        line=instruction.line,
    )


def _folds(instruction: HloInstruction, measured: int | None) -> bool:
    """Is it drawn inside of its consumers' labels? Never a root, nor what nobody uses, nor what took time."""
    if instruction.opcode not in _FOLDING or instruction.is_root or measured:
        return False
    if not instruction.computation.users(instruction.name):
        return False
    if instruction.opcode == "constant":
        shape = parse_shape(instruction.shape)
        return shape is not None and shape.is_scalar
    if instruction.opcode == "broadcast":
        return is_scalar_broadcast(instruction)
    return bool(instruction.operands) and instruction.computation.get(instruction.operands[0]) is not None


def _edges(module: HloModule, ids: list[str]) -> list[Edge]:
    edges: list[Edge] = []
    for computation in module.computations:
        for instruction in computation.instructions:
            for position, (name, index) in enumerate(instruction.operand_refs):
                producer = computation.get(name)
                if producer is None:
                    continue
                text = short_shape(producer.shape)
                if index is not None:
                    shape = parse_shape(producer.shape)
                    element = shape.element(index) if shape is not None else None
                    text = element.text if element is not None else text
                edges.append(Edge(ids[producer.index], ids[instruction.index], position, text, index))
    return edges


def _with_times(
    groups: list[Group], nodes: list[Node], module: HloModule, places: dict[str, _Place]
) -> tuple[Group, ...]:
    """Groups with the summed self time of caller and members, inner groups included."""
    totals: dict[str, int] = {}
    parents = {group.id: group.parent for group in groups}
    callers = {group.caller: group.id for group in groups if group.caller is not None}
    for node in nodes:
        if node.self_ns is None:
            continue
        around = callers.get(node.id, node.group)
        while around is not None:
            totals[around] = totals.get(around, 0) + node.self_ns
            around = parents[around]
    return tuple(replace(group, self_ns=totals.get(group.id)) for group in groups)


def _index(name: str, nodes: list[Node], edges: list[Edge], groups: tuple[Group, ...]) -> Graph:
    by_group: dict[str | None, list[Node]] = {}
    for node in nodes:
        by_group.setdefault(node.group, []).append(node)
    inner: dict[str | None, list[Group]] = {}
    for group in groups:
        inner.setdefault(group.parent, []).append(group)
    inputs: dict[str, list[Edge]] = {}
    outputs: dict[str, list[Edge]] = {}
    for edge in edges:
        inputs.setdefault(edge.target, []).append(edge)
        outputs.setdefault(edge.source, []).append(edge)
    measured = [node.self_ns for node in nodes if node.self_ns is not None]
    return Graph(
        name=name,
        nodes=tuple(nodes),
        edges=tuple(edges),
        groups=groups,
        node_by_id={node.id: node for node in nodes},
        group_by_id={group.id: group for group in groups},
        nodes_of_group={key: tuple(found) for key, found in by_group.items()},
        groups_of_group={key: tuple(found) for key, found in inner.items()},
        inputs={key: tuple(found) for key, found in inputs.items()},
        outputs={key: tuple(found) for key, found in outputs.items()},
        total_self_ns=sum(measured) if measured else None,
    )
