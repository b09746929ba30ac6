"""A graph in Graphviz's language."""

from __future__ import annotations

from xlascope.graphs.model import Graph, Group, Node


def to_dot(graph: Graph) -> str:
    """The whole graph: groups as clusters, folded nodes too; dashed what XLA added, doubled the roots."""
    lines = [f"digraph {_quoted(graph.name or 'module')} {{", "  node [shape=box, fontname=monospace];"]
    waiting: list[Group | str | None] = [None]
    while waiting:
        group = waiting.pop()
        if isinstance(group, str):
            lines.append(group)
            continue
        if group is not None:
            turns = f" ×{group.trip_count}" if group.trip_count is not None else ""
            lines.append(f"  subgraph {_quoted('cluster_' + group.id)} {{")
            lines.append(f"  label={_quoted(f'{group.kind} {group.id}{turns}')};")
            waiting.append("  }")
        own = group.id if group is not None else None
        lines += [f"  {_node(graph, node)}" for node in graph.nodes_of_group.get(own, ())]
        waiting.extend(reversed(graph.groups_of_group.get(own, ())))
    for edge in graph.edges:
        lines.append(f"  {_quoted(edge.source)} -> {_quoted(edge.target)} [label={_quoted(edge.shape)}];")
    lines.append("}")
    return "\n".join(lines) + "\n"


def _node(graph: Graph, node: Node) -> str:
    label = f"{node.name}\n{node.opcode} {node.shape}" + (f"\n{node.detail}" if node.detail else "")
    if node.self_ns is not None and graph.total_self_ns:
        label += f"\n{node.self_ns / graph.total_self_ns:.0%}"
    root = ", peripheries=2" if node.is_root else ""
    added = ", style=dashed" if node.is_marked else ""
    return f"{_quoted(node.id)} [label={_quoted(label)}{root}{added}];"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
