"""View ``graph``: instructions of a program's HLO or equations of its jaxpr, what flows between them, how they nest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from xlascope.graphs import Graph, Group, Node, build_graph
from xlascope.graphs.jaxpr import Time, build_jaxpr_graph
from xlascope.graphs.scopes import scope_groups
from xlascope.views import equations
from xlascope.views.equations import Row
from xlascope.views.errors import ViewError
from xlascope.views.names.program_choice import choose
from xlascope.views.names.variant_names import variant_name
from xlascope.views.provenance.guesses import Guesses
from xlascope.views.provenance.origins import provenance
from xlascope.views.sources.profile_source import ProfileSource
from xlascope.views.sources.source import RunSource, Source
from xlascope.views.sources.stages import (
    available,
    hlo_module,
    is_stage_name,
    jaxpr_index,
    jaxpr_key,
    required,
    stage_key,
)
from xlascope.views.times.observations import observation


@dataclass(frozen=True, slots=True)
class Edge:
    """A value that goes from ``source`` to operand number ``operand`` of ``target``."""

    JSON_KEYS: ClassVar[dict[str, str]] = {"source": "from", "target": "to"}

    source: str
    target: str
    operand: int
    shape: str


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node as JSON. ``text_line``: its line (from 1) in the stage's text. ``file`` and ``line``: what XLA's own
    metadata names, the innermost frame; of an equation, where it was traced. ``inferred``: of its equations at least
    one is told by the flow of data, not by a tag: those are ``inferred_equations``. ``equations_left_off``: how many
    more are guessed, which cannot be told apart (`provenance/guesses.py`). Others as in `graphs.model.Node`.
    """

    id: str
    opcode: str
    shape: str
    computation: str
    group: str | None
    equations: tuple[str, ...]
    added_by_xla: bool
    owner: str | None
    self_ns: int | None
    name: str
    bytes: int | None
    is_root: bool
    parameter_number: int | None
    folded: bool
    detail: str
    text_line: int
    scope: tuple[str, ...]
    estimated: bool
    file: str | None
    line: int | None
    inferred: bool
    inferred_equations: tuple[str, ...]
    equations_left_off: int


@dataclass(frozen=True)
class GraphAnswer:
    """``self_ns`` are sums over all executions and devices in the windows. ``graph`` has the indexes for drawing.

    Nodes, edges and groups are made when they are read: the screen draws from ``graph`` and needs few of them.
    """

    JSON_KEYS: ClassVar[dict[str, str]] = {"rows": "nodes"}

    stage: str
    program: str
    variant: str | None
    equations_exact: bool
    graph: Graph = field(metadata={"json": False})
    inferred: Mapping[str, frozenset[str]] = field(default_factory=dict, metadata={"json": False})
    guesses: Guesses | None = field(default=None, metadata={"json": False})

    JSON_PROPERTIES: ClassVar[tuple[str, ...]] = ("rows", "edges", "groups")

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Instructions or equations; a jaxpr's inputs are none."""
        if self.graph.language == "hlo":
            return tuple(self.graph.nodes)
        return tuple(node for node in self.graph.nodes if node.opcode != "parameter" or node.equations)

    @property
    def rows(self) -> Iterator[NodeRow]:
        """The nodes for JSON."""
        for node in self.nodes:
            place = self.graph.place_of(node.id) if self.graph.place_of is not None else None
            file, line = place or (None, None)
            told, left_off = node.equations, 0
            if self.guesses is not None:
                told, left_off = self.guesses.of_instruction(node.equations)
            yield NodeRow(
                node.id, node.opcode, node.shape, node.computation, node.group, told, node.added_by_xla,
                node.owner, node.self_ns, node.name, node.bytes, node.is_root, node.parameter_number, node.folded,
                node.detail, node.line, node.scope, node.estimated, file, line,
                node.name in self.inferred, tuple(path for path in told if path in self.inferred.get(node.name, ())),
                left_off,
            )  # fmt: skip

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Values that go from one node to another."""
        own = {node.id for node in self.nodes}
        edges = (edge for edge in self.graph.edges if edge.source in own)
        return tuple(Edge(edge.source, edge.target, edge.operand, edge.shape) for edge in edges)

    @property
    def groups(self) -> tuple[Group, ...]:
        """Groups of the program, then the name scopes of the user's, each with the time of all nodes under it."""
        return (*self.graph.groups, *scope_groups(self.nodes))


def query(
    source: Source, program: str | None = None, variant: str | None = None, stage: str | None = None
) -> GraphAnswer:
    """The graph of an HLO stage (``optimized``) of a program (the hottest) or of a variant of it, or of its jaxpr."""
    name = choose(source, program)
    which = variant_name(source, name, variant)
    wanted = stage or _default(available(source, name, which))
    if wanted == "jaxpr" and isinstance(source, RunSource):
        return _of_jaxpr(source, name, variant)
    if is_stage_name(wanted) and wanted not in ("hlo", "optimized") and not wanted.startswith("pass:"):
        drawn = ("jaxpr, " if isinstance(source, RunSource) else "") + "hlo, optimized, pass:N"
        raise ViewError(f"{wanted}: no graph is drawn of this stage", f"Stages with a graph: {drawn}.")
    module = hlo_module(source, name, wanted, which)
    if module is None and which is not None and which.startswith("jit="):
        raise ViewError(
            "with jit off each equation is a program of its own: there is no HLO of the whole",
            "`--stage jaxpr` shows the equations with their times.",
        )
    if module is None:
        required(source, name, wanted, which)
        raise ViewError(f"{wanted} of {name} cannot be read", "", 3)
    if isinstance(source, RunSource):
        origin = provenance(source, name, which, wanted)
        times = _self_ns(source, name, which) if wanted == "optimized" else None
        exact, inferred, guesses = origin.exact, origin.inferred, Guesses(origin, jaxpr_index(source, name))
        # Built again only when there are new times: of a live run other facts come all the time.
        graph = source.large.get_or(
            ("graph", stage_key(source, name, wanted, which), origin.key, frozenset((times or {}).items())),
            lambda: build_graph(module, times, origin.equations, exact=exact, handed=origin.handed),
        )
    else:
        times = _self_ns(source, name, None) if wanted == "optimized" else None
        graph, exact, inferred, guesses = build_graph(module, times), False, {}, None
    return GraphAnswer(
        stage=wanted, program=name, variant=which, equations_exact=exact, graph=graph, inferred=inferred,
        guesses=guesses,
    )  # fmt: skip


def of_text(source: Source, program: str, variant: str | None = None) -> Graph | None:
    """The optimized graph of a program, or of a variant, by its text alone: without times and equations, but at once.

    None where the text is not held. Raises ViewError for a program that is not there.
    """
    name = choose(source, program)
    module = hlo_module(source, name, "optimized", variant_name(source, name, variant))
    return build_graph(module) if module is not None else None


def _of_jaxpr(source: RunSource, program: str, variant: str | None) -> GraphAnswer:
    index = jaxpr_index(source, program)
    if index is None:
        required(source, program, "jaxpr")
        raise ViewError(f"the equations of {program} were not recorded", "", 3)
    rows = _equation_rows(source, program, variant)
    times = {row.path: Time(row.self_ns, bool(row.estimated_ns)) for row in rows if row.self_ns is not None}
    key = ("jaxpr graph", jaxpr_key(source, program), frozenset(times.items()))
    graph = source.large.get_or(key, lambda: build_jaxpr_graph(index, times or None, program))
    exact = not any(time.estimated for time in times.values())
    return GraphAnswer(stage="jaxpr", program=program, variant=variant, equations_exact=exact, graph=graph)


def _equation_rows(source: RunSource, program: str, variant: str | None) -> tuple[Row, ...]:
    try:
        return equations.query(source, program=program, variant=variant).rows
    except ViewError:
        return ()  # nothing of the program was profiled


def _default(held: tuple[str, ...]) -> str:
    for name in ("optimized", "hlo", *reversed(held)):
        if name in held:
            return name
    return "optimized"


def _self_ns(source: Source, program: str, variant: str | None) -> dict[str, int] | None:
    """Self time by instruction, None when nothing of the program was profiled."""
    if not isinstance(source, (RunSource, ProfileSource)):
        return None
    try:
        seen = observation(source, program, variant)
    except ViewError:
        return None  # a variant that was measured without a profile
    found: dict[str, int] = defaultdict(int)
    for row in seen.times.rows:
        found[row.op] += row.self_ns
    return dict(found) or None
