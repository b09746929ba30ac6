"""What flows between the boxes of a computation: edges gone through what is folded into labels."""

from __future__ import annotations

from dataclasses import dataclass, field

from xlascope.graphs.model import Graph, Node

_DEEPEST = 10_000


@dataclass(frozen=True, slots=True)
class Flow:
    """A value from the node that makes it to one that uses it; ``path`` are tuple elements taken on the way."""

    source: str
    target: str
    path: tuple[int, ...]
    shape: str
    bytes: int | None


@dataclass(slots=True)
class Wiring:
    """The flows of one computation in the order of the text, and the label texts of what is folded into each node."""

    flows: list[Flow] = field(default_factory=list)
    folded: dict[str, list[str]] = field(default_factory=dict)


def wire(graph: Graph, group: str | None) -> Wiring:
    """The wiring of the nodes shown in a group (None: the entry computation)."""
    wiring = Wiring()
    nodes = graph.nodes_of_group.get(group, ())
    by_id = {node.id: node for node in nodes}
    for node in nodes:
        if node.folded:
            continue
        for edge in graph.inputs.get(node.id, ()):
            start = (edge.element,) if edge.element is not None else ()
            source, path, texts = _resolve(graph, by_id, edge.source, start)
            if texts:
                wiring.folded.setdefault(node.id, []).extend(texts)
            if source is None:
                continue
            size = by_id[edge.source].bytes if not path or edge.source != source.id else None
            wiring.flows.append(Flow(source.id, node.id, path, edge.shape, size))
    return wiring


def _resolve(
    graph: Graph, by_id: dict[str, Node], node_id: str, path: tuple[int, ...]
) -> tuple[Node | None, tuple[int, ...], list[str]]:
    """Go through folded nodes to the one a value comes from; None when it is a scalar told by the label."""
    texts: list[str] = []
    node = by_id[node_id]
    for _ in range(_DEEPEST):
        if not node.folded:
            return node, path, texts
        edges = graph.inputs.get(node.id, ())
        if node.opcode == "constant" or not edges:
            return None, path, [node.detail or node.name]
        if node.opcode == "get-tuple-element":
            if node.detail.isascii() and node.detail.isdigit():
                path = (int(node.detail), *path)
        else:
            texts.append(node.opcode)
        if edges[0].element is not None:
            path = (edges[0].element, *path)
        node = by_id[edges[0].source]
    return None, path, texts  # only a text whose instructions use each other in a ring comes here
