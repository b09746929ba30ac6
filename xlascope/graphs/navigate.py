"""Moving a cursor over a placed graph, and finding nodes by text."""

from __future__ import annotations

import re
from typing import Literal

from xlascope.graphs.folds import Folds
from xlascope.graphs.layout import Placed, PlacedBox
from xlascope.graphs.model import Graph, Node
from xlascope.graphs.visible import Level, VisibleGraph, consumer_of

_LINE = re.compile(r"([^:]*):(\d{1,9})\Z")
Direction = Literal["up", "down", "left", "right", "next", "previous"]


def move(placed: Placed, cursor: str | None, direction: Direction) -> str | None:
    """The box that a key leads to; the same one where there is none further, None on an empty picture.

    ``up`` and ``down`` go along an edge (into and out of an opened group at its ends, to the next row where there is no
    edge), ``left`` and ``right`` among the boxes of a row, ``next`` and ``previous`` in reading order.
    """
    if not placed.boxes:
        return None
    current = placed.by_id.get(cursor) if cursor is not None else None
    if current is None:
        return placed.boxes[0].id
    if direction in ("next", "previous"):
        order = [box.id for box in placed.boxes]
        step = 1 if direction == "next" else -1
        return order[min(max(order.index(current.id) + step, 0), len(order) - 1)]
    if direction in ("left", "right"):
        step = 1 if direction == "right" else -1
        return next(
            (box.id for box in _row(placed, current.level, current.row) if box.column == current.column + step),
            current.id,
        )
    return _along(placed, current, direction == "down")


def neighbours(placed: Placed, box_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The boxes that feed a box, and those that it feeds, as drawn, in reading order."""
    box = placed.by_id.get(box_id)
    level = _level(placed.visible, box.level) if box is not None else None
    if level is None:
        return (), ()
    order = {found.id: number for number, found in enumerate(placed.boxes)}
    above = sorted({link.source for link in level.links if link.target == box_id}, key=order.__getitem__)
    below = sorted({link.target for link in level.links if link.source == box_id}, key=order.__getitem__)
    return tuple(above), tuple(below)


def _along(placed: Placed, current: PlacedBox, down: bool) -> str:
    inside = [box for box in placed.boxes if current.opened and box.level == current.id]
    if down and inside:
        return inside[0].id
    above, below = neighbours(placed, current.id)
    targets = below if down else above
    if targets:
        middle = current.x + min(current.width, 8) // 2
        nearest = min(
            (placed.by_id[target] for target in targets),
            key=lambda box: (abs(box.row - current.row), abs(box.x + min(box.width, 8) // 2 - middle), box.column),
        )
        return nearest.id
    step = 1 if down else -1
    row = _row(placed, current.level, current.row + step)
    if row:
        return min(row, key=lambda box: (abs(box.x - current.x), box.column)).id
    # The end of an opened group: up to its border, or down to what comes after it.
    if current.level is None or current.level not in placed.by_id:
        return current.id
    around = placed.by_id[current.level]
    if not down:
        return around.id
    after = neighbours(placed, around.id)[1]
    return after[0] if after else around.id


def _row(placed: Placed, level: str | None, row: int) -> list[PlacedBox]:
    return [box for box in placed.boxes if box.level == level and box.row == row]


def _level(shown: VisibleGraph, group: str | None) -> Level | None:
    if group == shown.level.group:
        return shown.level
    box = shown.boxes.get(group) if group is not None else None
    return box.inner if box is not None else None


def search(graph: Graph, text: str) -> list[str]:
    """Ids of the nodes whose name, opcode, shape, label or computation holds the text, or that have that equation path.

    A word such as ``:34`` or ``train.py:34`` is a source line. In the order of the text. Case does not matter; several
    words must all be found; ``ROOT`` in capitals means results of computations, the outermost first. Empty for an empty
    text.
    """
    roots = "ROOT" in text.split()
    words = [word.lower() for word in text.split() if word != "ROOT"]
    lines = [match for word in words if (match := _LINE.match(word))]
    words = [word for word in words if not _LINE.match(word)]
    found = []
    for node in graph.candidates(words) if words or lines or roots else ():
        if roots and not node.is_root:
            continue
        own = f"{node.name}\n{node.opcode}\n{node.shape}\n{node.computation}\n{node.detail}".lower()
        if all(word in own or word in node.equations for word in words) and all(
            _is_at(graph, node, line) for line in lines
        ):
            found.append(node.id)
    if roots:
        found.sort(key=lambda node: len(graph.ancestors(node)))
    return found


def _is_at(graph: Graph, node: Node, line: re.Match[str]) -> bool:
    """Was a node written by that source line?"""
    place = graph.place_of(node.id) if graph.place_of is not None else None
    return place is not None and place[1] == int(line.group(2)) and place[0].lower().endswith(line.group(1))


def opened_for(graph: Graph, opened: frozenset[str], node_id: str, folds: Folds | None = None) -> frozenset[str]:
    """The opened groups, and those that must be open too for a node (or the label it is folded into) to be seen."""
    node_id = consumer_of(graph, node_id)
    return opened | frozenset(graph.ancestors(node_id) if folds is None else folds.ancestors(node_id))
