"""The graph of a module: groups, folding, neighbourhoods and layout. Nothing here draws to a terminal.

What folds, lays out and walks a graph is imported from its own module.
"""

from xlascope.graphs.build import build_graph
from xlascope.graphs.model import Edge, Graph, Group, Node

__all__ = [
    "Edge",
    "Graph",
    "Group",
    "Node",
    "build_graph",
]
