"""The compact form: one row for each box, each value in one lane."""

from __future__ import annotations

import random

from geometry import cells_of, levels, random_module
from hypothesis import given, settings
from hypothesis import strategies as st

from xlascope.graphs import build_graph
from xlascope.graphs.compact import layout_compact
from xlascope.graphs.navigate import move
from xlascope.graphs.render import render
from xlascope.graphs.visible import visible
from xlascope.ir import parse_hlo


def check(placed) -> None:
    assert [box.y for box in placed.boxes] == list(range(placed.height))
    marks = {label.source: (label.x, label.y) for label in placed.labels}
    assert set(marks) == {box.id for box in placed.boxes}
    for box in placed.boxes:
        assert marks[box.id][1] == box.y and marks[box.id][0] < box.x
    lines = {wire.source: wire for wire in placed.wires}
    verticals: dict[tuple[int, int], str] = {}
    for wire in placed.wires:
        (x, top, _, bottom), *across = wire.segments
        assert (x, top) == marks[wire.source]
        for y in range(top, bottom):  # its last row may be the next value's first
            assert verticals.setdefault((x, y), wire.source) == wire.source
        for cell in (cell for segment in wire.segments for cell in cells_of(segment)):
            box = placed.boxes[cell[1]]
            assert cell[0] < box.x
        assert all(bottom >= y for _, y, _, _ in across)
    for level in levels(placed.visible.level):
        for link in level.links:
            source, target = placed.by_id[link.source], placed.by_id[link.target]
            wire = lines.get(link.source)
            drawn = wire is not None and link.target in wire.targets
            if drawn:
                cells = {cell for segment in wire.segments for cell in cells_of(segment)}
                assert marks[link.source] in cells and marks[link.target] in cells
            assert drawn != (f"⇢{link.target}" in source.stubs and f"⇠{link.source}" in target.stubs)


def everything(graph) -> frozenset[str]:
    return frozenset(group.id for group in graph.groups)


def test_real_programs(corpus):
    for program in corpus.programs:
        graph = build_graph(parse_hlo(program.text))
        for opened in (frozenset(), everything(graph)):
            check(layout_compact(visible(graph, opened), 60))


def test_lanes_keep_to_the_width(dumps):
    for text in list(dumps.values())[::37]:
        for width, most in ((30, 5), (60, 10), (200, 16)):
            placed = layout_compact(visible(build_graph(parse_hlo(text))), width)
            check(placed)
            assert max(label.x for label in placed.labels) < 2 * most


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(20, 200))
def test_random_modules(seed, size, width):
    graph = build_graph(parse_hlo(random_module(seed, size)))
    chance = random.Random(seed)
    opened = frozenset(group.id for group in graph.groups if chance.random() < 0.6)
    check(layout_compact(visible(graph, opened), width))


def test_keys_go_through_the_rows(corpus):
    graph = build_graph(parse_hlo(corpus.get("scan").text))
    placed = layout_compact(visible(graph, everything(graph)), 80)
    current = placed.boxes[0].id
    for box in placed.boxes[1:]:
        current = move(placed, current, "next")
        assert current == box.id and placed.hit(box.x, box.y) == box.id
    assert len(render(placed).rows) == placed.height
    assert render(placed, rows=(3, 5)).rows == render(placed).rows[3:5]
    assert layout_compact(visible(build_graph(parse_hlo(""))), 80).boxes == ()
