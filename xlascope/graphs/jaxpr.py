"""From a jaxpr to its graph: a node for each equation, a group for each jaxpr inside of one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from xlascope.graphs.assemble import assemble
from xlascope.graphs.bodies import Bodies, Body
from xlascope.graphs.model import Edge, Graph, Group, Node
from xlascope.ir.jaxpr import Equation, JaxprIndex
from xlascope.ir.jaxpr_text import BodyText, Lines, Statement, body_text, is_variable, statements
from xlascope.ir.shapes import shape_bytes

_KINDS = {"scan": "loop", "while": "loop", "cond": "conditional"}
_BRANCH = re.compile(r"(.*)\.(b\d+)\Z")
_SCALARS = 3


@dataclass(frozen=True, slots=True)
class Time:
    """Self time of an equation; ``estimated`` when a part of it was split by a rule."""

    ns: int
    estimated: bool


@dataclass(slots=True)
class _Body:
    """The equations of one jaxpr: ``key`` is its path (`4`, `4.b1`; empty at the top), ``group`` what shows it."""

    key: str
    group: str | None
    equations: list[Equation] = field(default_factory=list)


def build_jaxpr_graph(index: JaxprIndex, times: Mapping[str, Time] | None = None, name: str = "jaxpr") -> Graph:
    """The graph of a jaxpr. Node ids are equation paths; a jaxpr's inputs are nodes of opcode ``parameter``.

    ``shape`` is the equation's result as JAX writes it, ``detail`` the name of what it calls or the literals it takes.
    Edges are read from the printed text; where that is not understood, an equation has none.
    """
    bodies = _bodies(index)
    written, lines = statements(index), Lines(index.text)
    groups = _groups(bodies, index, written)
    nodes: list[Node] = []
    made = []
    starts = []
    for body in bodies:
        starts.append(len(nodes))
        text = body_text(lines, body.equations[0], body.equations[-1])
        own = [
            *_inputs(body, text),
            *(_node(each, body, written.get(each.path), times, text) for each in body.equations),
        ]
        made.append(Body(tuple(own), tuple(_edges(body, own, text, written))))
        nodes += own
    held = Bodies([node.id for node in nodes], starts, [body.group for body in bodies], made.__getitem__)
    measured = [(node.id, node.group, node.self_ns) for node in nodes if node.self_ns is not None]
    places = {equation.path: (equation.file, equation.line) for equation in index.equations}

    def place_of(path: str) -> tuple[str, int] | None:
        file, line = places.get(path, (None, None))
        return (file, line) if file is not None and line is not None else None

    return assemble(name, held, groups, measured, place_of, language="jaxpr")


def _bodies(index: JaxprIndex) -> list[_Body]:
    """The jaxprs in the order of their first equations, the outermost first."""
    found: dict[str, _Body] = {}
    branched = {match.group(1) for each in index.equations if (match := _BRANCH.match(_body_key(each.path)))}
    for equation in index.equations:
        key = _body_key(equation.path)
        if key not in found:
            match = _BRANCH.match(key)
            group = key if match or key not in branched else f"{key}.b0"
            found[key] = _Body(key, group or None)
        found[key].equations.append(equation)
    return sorted(found.values(), key=lambda body: body.key.count("."))


def _body_key(path: str) -> str:
    return path.rpartition(".")[0]


def _groups(bodies: list[_Body], index: JaxprIndex, written: Mapping[str, Statement]) -> list[Group]:
    groups: dict[str, Group] = {}
    place = {equation.path: body.group for body in bodies for equation in body.equations}
    for body in bodies:
        if body.group is None:
            continue
        match = _BRANCH.match(body.key)
        caller = match.group(1) if match else body.key
        equation = index.by_path.get(caller)
        kind = _KINDS.get(equation.primitive, "call") if equation is not None else "computation"
        statement = written.get(caller)
        if caller not in groups:
            members = 0 if match else len(body.equations)
            turns = statement.length if statement is not None and kind == "loop" else None
            groups[caller] = Group(
                caller,
                kind,
                place.get(caller),
                None,
                caller if equation is not None else None,
                None,
                "",
                turns,
                members,
            )
        if match:
            role = _role(equation.primitive if equation is not None else "", match.group(2))
            groups[body.group] = Group(
                body.group, "computation", caller, None, None, body.key, role, None, len(body.equations), role
            )
    return list(groups.values())


def _role(primitive: str, branch: str) -> str:
    number = branch.removeprefix("b")
    if primitive == "while":
        return {"0": "condition", "1": "body"}.get(number, branch)
    return f"branch {number}" if primitive == "cond" else f"jaxpr {number}"


def _inputs(body: _Body, text: BodyText) -> list[Node]:
    return [
        Node(
            id=f"{body.key}:{name}" if body.key else f":{name}",
            opcode="parameter",
            shape=kind,
            computation=body.key,
            group=body.group,
            equations=(),
            added_by_xla=False,
            owner=None,
            self_ns=None,
            name=name,
            bytes=_bytes(kind),
            parameter_number=number,
        )
        for number, (name, kind) in enumerate(text.inputs)
    ]


def _node(
    equation: Equation, body: _Body, statement: Statement | None, times: Mapping[str, Time] | None, text: BodyText
) -> Node:
    time = times.get(equation.path) if times is not None else None
    one = len(equation.outputs) == 1
    outputs = statement.outputs if statement is not None else ()
    called = statement.name if statement is not None else None
    literals = [each for each in statement.inputs if not is_variable(each)] if statement is not None else []
    return Node(
        id=equation.path,
        opcode=equation.primitive,
        shape=equation.outputs[0] if one else f"({', '.join(equation.outputs)})",
        computation=body.key,
        group=body.group,
        equations=(equation.path,),
        added_by_xla=False,
        owner=None,
        self_ns=time.ns if time is not None else None,
        name=" ".join(outputs[:3]) + (" …" if len(outputs) > 3 else "") if outputs else equation.path,
        bytes=_bytes_of(equation.outputs),
        is_root=any(own in text.results for own in outputs if is_variable(own)),
        detail=called or " ".join(each.partition(":")[0] for each in literals[:_SCALARS]),
        line=equation.text_line or 0,
        scope=(equation.function,) if equation.function else (),
        estimated=time is not None and time.estimated,
        root_word="OUT",
    )


def _edges(body: _Body, nodes: list[Node], text: BodyText, written: Mapping[str, Statement]) -> list[Edge]:
    """From variable to variable: each is given once in a jaxpr."""
    givers: dict[str, tuple[str, int, str]] = {}
    for node, (name, kind) in zip(nodes, text.inputs, strict=False):
        givers[name] = (node.id, 0, kind)
    for equation in body.equations:
        statement = written.get(equation.path)
        for number, name in enumerate(statement.outputs if statement is not None else ()):
            if name not in ("_", "*") and number < len(equation.outputs):
                givers[name] = (equation.path, number, equation.outputs[number])
    edges = []
    for equation in body.equations:
        statement = written.get(equation.path)
        for position, name in enumerate(statement.inputs if statement is not None else ()):
            if name in givers and givers[name][0] != equation.path:
                source, number, shape = givers[name]
                several = source in written and len(written[source].outputs) > 1
                edges.append(Edge(source, equation.path, position, shape, number if several else None))
    return edges


def _bytes_of(kinds: tuple[str, ...]) -> int | None:
    """Of all results together; None when the size of one is unknown."""
    sizes = [_bytes(kind) for kind in kinds]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def _bytes(kind: str) -> int | None:
    """Bytes of a type as JAX writes it: ``i32[4]`` is XLA's ``s32[4]``, ``bool`` its ``pred``."""
    if kind.startswith("bool["):
        kind = "pred" + kind[4:]
    elif kind.startswith("i") and kind[1:2].isdigit():
        kind = "s" + kind[1:]
    return shape_bytes(kind)
