"""Whom an instruction that XLA added is there for."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from xlascope.graphs.model import Edge, Node

SOURCES = frozenset({"parameter", "constant"})


def find_owners(nodes: list[Node], edges: list[Edge], callers: Mapping[str, str | None]) -> list[Node]:
    """Give each node added by XLA the nearest instruction of the program that uses its value, else that feeds it.

    Distances count edges; of several at the same distance the first of the text wins. Where a computation holds nothing
    of the program, its instructions are there for whom it is called: ``callers`` maps a group to its calling node.
    Where there is neither, for the result of the whole: the entry's root (that itself for what it is made of). None in
    a graph without anything of the program: there is no equation that its instructions could be there for.
    """
    if not any(node.added_by_xla for node in nodes):
        return nodes
    owned = _spread(nodes, [(edge.target, edge.source) for edge in edges])
    fed = _spread(nodes, [(edge.source, edge.target) for edge in edges])
    found = {node.id: owned.get(node.id) or fed.get(node.id) for node in nodes if node.added_by_xla}
    by_id = {node.id: node for node in nodes}
    last: str | None = None
    if any(not node.added_by_xla and node.opcode not in SOURCES for node in nodes):
        last = next((node.id for node in nodes if node.is_root and node.group is None), None)
    owners = {id: owner or _caller(by_id[id], found, by_id, callers) or last for id, owner in found.items()}
    if last is not None and owners.get(last) == last:
        feeding = (edge.source for edge in edges if edge.target == last)
        owners[last] = next(feeding, None)
    return [node._replace(owner=owners[node.id]) if node.added_by_xla else node for node in nodes]


def _caller(
    node: Node, found: Mapping[str, str | None], by_id: Mapping[str, Node], callers: Mapping[str, str | None]
) -> str | None:
    """The instruction of the program that the group around a node is called for."""
    group = node.group
    while group is not None:
        caller = callers.get(group)
        if caller is not None and caller in by_id:
            if not by_id[caller].added_by_xla:
                return caller
            if found[caller] is not None:
                return found[caller]
            group = by_id[caller].group
        else:
            group = caller
    return None


def _spread(nodes: list[Node], links: list[tuple[str, str]]) -> dict[str, str]:
    """Owner by id, spread breadth first from the program's own nodes along ``links`` through added ones."""
    added = {node.id for node in nodes if node.added_by_xla}
    onward: dict[str, list[str]] = {}
    for start, end in links:
        if end in added:
            onward.setdefault(start, []).append(end)
    sources = [node.id for node in nodes if not node.added_by_xla and node.opcode not in SOURCES and node.id in onward]
    owner: dict[str, str] = {}
    queue = deque((source, source) for source in sources)
    while queue:
        current, source = queue.popleft()
        for neighbour in onward.get(current, ()):
            if neighbour not in owner:
                owner[neighbour] = source
                queue.append((neighbour, source))
    return owner
