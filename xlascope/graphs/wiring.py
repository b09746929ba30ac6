"""What flows between the boxes of a computation: edges gone through what is folded into labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from xlascope.graphs.model import Edge, Graph, Node

_DEEPEST = 10_000


class Flow(NamedTuple):
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
    inputs = graph.inputs_of_group.get(group, {})
    for node in nodes:
        if node.folded:
            continue
        for edge in inputs.get(node.id, ()):
            start = (edge.element,) if edge.element is not None else ()
            maker = by_id[edge.source]
            if not maker.folded:
                wiring.flows.append(Flow(maker.id, node.id, start, edge.shape, None if start else maker.bytes))
                continue
            source, path, texts = _resolve(inputs, by_id, maker, start)
            if texts:
                wiring.folded.setdefault(node.id, []).extend(texts)
            if source is None:
                continue
            size = maker.bytes
            wiring.flows.append(Flow(source.id, node.id, path, edge.shape, size))
    return wiring


def _resolve(
    inputs: Mapping[str, tuple[Edge, ...]], by_id: dict[str, Node], node: Node, path: tuple[int, ...]
) -> tuple[Node | None, tuple[int, ...], list[str]]:
    """Go through folded nodes to the one a value comes from; None when it is a scalar told by the label."""
    texts: list[str] = []
    for _ in range(_DEEPEST):
        if not node.folded:
            return node, path, texts
        edges = inputs.get(node.id, ())
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
