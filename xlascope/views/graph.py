"""View ``graph``: the instructions of a program's HLO, what flows between them, and how they nest."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import ClassVar

from xlascope.graphs import Graph, Group, Node, build_graph
from xlascope.views.choice import choose
from xlascope.views.errors import ViewError
from xlascope.views.observations import observation
from xlascope.views.provenance import provenance
from xlascope.views.source import RunSource, Source
from xlascope.views.stages import available, hlo_module, is_stage_name, required, stage_key
from xlascope.views.variant_names import variant_name


@dataclass(frozen=True, slots=True)
class Edge:
    """A value that goes from ``source`` to operand number ``operand`` of ``target``."""

    JSON_KEYS: ClassVar[dict[str, str]] = {"source": "from", "target": "to"}

    source: str
    target: str
    operand: int
    shape: str


@dataclass(frozen=True, slots=True)
class GraphAnswer:
    """``self_ns`` are sums over all executions and devices in the windows. ``graph`` has the indexes for drawing."""

    stage: str
    program: str
    variant: str | None
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    groups: tuple[Group, ...]
    equations_exact: bool
    graph: Graph = field(metadata={"json": False})


def query(
    source: Source, program: str | None = None, variant: str | None = None, stage: str | None = None
) -> GraphAnswer:
    """The graph of an HLO stage (``optimized``) of a program (the hottest) or of a variant of it."""
    name = choose(source, program)
    which = variant_name(source, name, variant)
    wanted = stage or _default(available(source, name, which))
    if is_stage_name(wanted) and wanted not in ("hlo", "optimized") and not wanted.startswith("pass:"):
        raise ViewError(f"{wanted}: no graph is drawn of this stage", "Stages with a graph: hlo, optimized, pass:N.")
    module = hlo_module(source, name, wanted, which)
    if module is None:
        required(source, name, wanted, which)
        raise ViewError(f"{wanted} of {name} cannot be read", "", 3)
    if isinstance(source, RunSource) and wanted == "optimized":
        origin, times = provenance(source, name, which), _self_ns(source, name, which)
        exact = origin.exact
        # Built again only when there are new times: of a live run other facts come all the time.
        graph = source.large.get_or(
            ("graph", stage_key(source, name, wanted, which), origin.key, frozenset((times or {}).items())),
            lambda: build_graph(module, times, origin.equations, exact=exact),
        )
    else:
        graph, exact = build_graph(module), False
    return GraphAnswer(
        stage=wanted,
        program=name,
        variant=which,
        nodes=graph.nodes,
        edges=tuple(Edge(edge.source, edge.target, edge.operand, edge.shape) for edge in graph.edges),
        groups=graph.groups,
        equations_exact=exact,
        graph=graph,
    )


def _default(held: tuple[str, ...]) -> str:
    for name in ("optimized", "hlo", *reversed(held)):
        if name in held:
            return name
    return "optimized"


def _self_ns(source: RunSource, program: str, variant: str | None) -> dict[str, int] | None:
    """Self time by instruction, None when nothing of the program was profiled."""
    try:
        seen = observation(source, program, variant)
    except ViewError:
        return None  # a variant that was measured without a profile
    found: dict[str, int] = defaultdict(int)
    for row in seen.times.rows:
        found[row.op] += row.self_ns
    return dict(found) or None
