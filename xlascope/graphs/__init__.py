"""The graph of a module: groups, folding, neighbourhoods and layout. Nothing here draws to a terminal."""

from xlascope.graphs.build import build_graph
from xlascope.graphs.compact import layout_compact
from xlascope.graphs.dot import to_dot
from xlascope.graphs.layout import Label, Placed, PlacedBox, Wire, layout
from xlascope.graphs.model import Edge, Graph, Group, Node
from xlascope.graphs.navigate import move, neighbours, opened_for, search
from xlascope.graphs.render import Picture, hottest, render
from xlascope.graphs.visible import Box, Level, Link, VisibleGraph, shown_id, visible, walk

__all__ = [
    "Box",
    "Edge",
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
    "Wire",
    "build_graph",
    "hottest",
    "layout",
    "layout_compact",
    "move",
    "neighbours",
    "opened_for",
    "render",
    "search",
    "shown_id",
    "to_dot",
    "visible",
    "walk",
]
