"""The graph of a module: groups, folding, neighbourhoods and layout. Nothing here draws to a terminal."""

from xlascope.graphs.build import build_graph
from xlascope.graphs.compact import layout_compact
from xlascope.graphs.dot import to_dot
from xlascope.graphs.folds import Folds
from xlascope.graphs.layout import Label, Placed, PlacedBox, Wire, layout
from xlascope.graphs.minimap import minimap, viewport
from xlascope.graphs.model import Edge, Graph, Group, Node
from xlascope.graphs.navigate import move, neighbours, opened_for, search
from xlascope.graphs.paths import Way, critical_path, path_between
from xlascope.graphs.render import Picture, hottest, render
from xlascope.graphs.visible import Box, Level, Link, VisibleGraph, shown_id, visible, walk

__all__ = [
    "Box",
    "Edge",
    "Folds",
    "Graph",
    "Group",
    "Label",
    "Level",
    "Link",
    "Node",
    "Picture",
    "Placed",
    "PlacedBox",
    "VisibleGraph",
    "Way",
    "Wire",
    "build_graph",
    "critical_path",
    "hottest",
    "layout",
    "layout_compact",
    "minimap",
    "move",
    "neighbours",
    "opened_for",
    "path_between",
    "render",
    "search",
    "shown_id",
    "to_dot",
    "viewport",
    "visible",
    "walk",
]
