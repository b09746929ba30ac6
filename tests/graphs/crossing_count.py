"""Crossings of layered drawings, counted alike for ours and for a peer's."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from xlascope.graphs.order import arrange

Links = list[tuple[int, int]]


def layered(seed: int, size: int) -> Links:
    """A random graph such as programs are: chains with short and long jumps, shared values, joins."""
    chance = random.Random(seed)
    reach = chance.choice((4, 8, 20))
    links: set[tuple[int, int]] = set()
    for target in range(1, size):
        for _ in range(chance.choice((1, 1, 2, 2, 3))):
            far = chance.random() < 0.08
            links.add((chance.randrange(0, target) if far else max(0, target - chance.randint(1, reach)), target))
    return sorted(links)


def pairs_that_cross(segments: Iterable[tuple[float, float, int]]) -> int:
    """Of (place above, place below, how many lines): pairs of lines that cross."""
    ordered = sorted(segments)
    total = 0
    for place, (above, below, count) in enumerate(ordered):
        for other_above, other_below, other in ordered[place + 1 :]:
            if above < other_above and below > other_below:
                total += count * other
    return total


def ours(size: int, links: Links) -> int:
    """Crossings of our order, each link a line of its own although they share lines on the picture."""
    arrangement = arrange([10] * size, [(a, b, ((),)) for a, b in links], [False] * size, 10**9, 2, most=10**9)
    assert not arrangement.stubs
    place = {item: at for row in arrangement.rows for at, item in enumerate(row)}
    through: Counter[tuple[int, int]] = Counter()
    for number, net in enumerate(arrangement.nets):
        for target in net.targets:
            item = arrangement.item_of_box[target]
            while item != arrangement.item_of_box[net.source]:
                above = next(carrier for own, carrier in arrangement.items[item].above if own == number)
                through[above, item] += 1
                item = above
    total = 0
    by_row: dict[int, list[tuple[float, float, int]]] = {}
    for (above, below), count in through.items():
        by_row.setdefault(arrangement.items[above].row, []).append((place[above], place[below], count))
    for segments in by_row.values():
        total += pairs_that_cross(segments)
    return total


def grandalfs(size: int, links: Links) -> int:
    """Crossings of grandalf's Sugiyama layout of the same graph."""
    from grandalf.graphs import Edge, Graph, Vertex
    from grandalf.layouts import SugiyamaLayout

    class View:
        w = h = 10

    vertices = [Vertex(number) for number in range(size)]
    for vertex in vertices:
        vertex.view = View()
    graph = Graph(vertices, [Edge(vertices[a], vertices[b]) for a, b in links])
    total = 0
    for core in graph.C:
        if len(core.sV) < 2:
            continue
        layout = SugiyamaLayout(core)
        layout.init_all(optimize=True)
        layout.draw(10)
        place = {vertex: at for layer in layout.layers for at, vertex in enumerate(layer)}
        by_row: dict[int, list[tuple[float, float, int]]] = {}
        for edge in core.sE:
            a, b = edge.v
            ranks = layout.ctrls.get(edge) or {layout.grx[a].rank: a, layout.grx[b].rank: b}
            ordered = sorted(ranks)
            for above, below in pairwise(ordered):
                by_row.setdefault(above, []).append((place[ranks[above]], place[ranks[below]], 1))
        for segments in by_row.values():
            total += pairs_that_cross(segments)
    return total
