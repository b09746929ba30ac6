"""A graph from its bodies: the indexes and times that every graph has, whatever language it is of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from xlascope.graphs.bodies import (
    Bodies,
    Edges,
    Nodes,
    edges_of,
    groups_of_group,
    inputs_of_group,
    node_by_id,
    nodes_of_group,
)
from xlascope.graphs.groups import with_times
from xlascope.graphs.model import Graph, Group, Node, Outline


def assemble(
    name: str,
    bodies: Bodies,
    groups: Iterable[Group],
    measured: Sequence[tuple[str, str | None, int]],
    place_of: Callable[[str], tuple[str, int] | None],
    *,
    language: str = "hlo",
    holding: Callable[[Sequence[str]], Iterable[Node]] | None = None,
    outlined: Callable[[], Iterable[Outline]] | None = None,
) -> Graph:
    """The graph of some bodies; ``measured`` are (node id, its group, self time in ns), the rest as in `Graph`."""
    timed = with_times(groups, measured)
    return Graph(
        name=name,
        nodes=Nodes(bodies),
        edges=Edges(bodies),
        groups=timed,
        node_by_id=node_by_id(bodies),
        group_by_id={group.id: group for group in timed},
        nodes_of_group=nodes_of_group(bodies),
        groups_of_group=groups_of_group(timed),
        inputs=edges_of(bodies, "inputs"),
        outputs=edges_of(bodies, "outputs"),
        inputs_of_group=inputs_of_group(bodies),
        total_self_ns=sum(ns for _, _, ns in measured) if measured else None,
        language=language,
        place_of=place_of,
        holding=holding,
        outlined=outlined,
    )
