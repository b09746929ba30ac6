"""Invariants of pictures, on real programs and on random modules."""

from __future__ import annotations

import random

from geometry import (
    above,
    boxes_stand_apart,
    check,
    holders,
    positions,
    random_module,
    shared_cells,
    wires_cross_no_box,
)
from hlo_corpus import mutate
from hypothesis import given, settings
from hypothesis import strategies as st

from xlascope.graphs import build_graph
from xlascope.graphs.layout import layout
from xlascope.graphs.navigate import move, neighbours, opened_for
from xlascope.graphs.render import render
from xlascope.graphs.visible import shown_id, visible, walk
from xlascope.ir import parse_hlo


def graph_of(text: str):
    return build_graph(parse_hlo(text))


def everything(graph) -> frozenset[str]:
    return frozenset(group.id for group in graph.groups)


def test_pictures_of_real_programs(corpus):
    for program in corpus.programs:
        graph = graph_of(program.text)
        for opened in (frozenset(), everything(graph)):
            placed = layout(visible(graph, opened), 100)
            check(placed)
            assert shared_cells(placed) == 0
            assert placed.visible.left_out == 0


def test_pictures_of_every_kind_of_dump(dumps):
    for path, text in list(dumps.items())[::37]:
        graph = graph_of(text)
        for opened in (frozenset(), everything(graph)):
            shown = visible(graph, opened)
            assert shown.shown <= 500
            placed = layout(shown, 120)
            check(placed)
            assert shared_cells(placed) <= 4, path


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(40, 200))
def test_pictures_of_random_modules(seed, size, width):
    graph = graph_of(random_module(seed, size))
    chance = random.Random(seed)
    opened = frozenset(group.id for group in graph.groups if chance.random() < 0.6)
    placed = layout(visible(graph, opened), width)
    check(placed)
    assert layout(visible(graph_of(random_module(seed, size)), opened), width).boxes == placed.boxes


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(40, 200))
def test_opening_moves_nothing_above(seed, size, width):
    graph = graph_of(random_module(seed, size))
    chance = random.Random(seed)
    opened = frozenset(group.id for group in graph.groups if chance.random() < 0.4)
    before = layout(visible(graph, opened), width)
    closed = [box for box in before.boxes if box.openable and not box.opened]
    for box in chance.sample(closed, min(3, len(closed))):
        after = layout(visible(graph, opened | {box.id}), width)
        old, new = positions(before), positions(after)
        assert all(new[other] == old[other] for other in above(before, box.id)), box.id
        lefts = [found for found in before.boxes if (found.level, found.row) == (box.level, box.row)]
        assert all(new[found.id][0] == old[found.id][0] for found in lefts if found.column <= box.column)


def test_times_move_nothing(corpus):
    module = parse_hlo(corpus.get("network").text)
    hot = build_graph(module, {own.name: 10 for own in module.of_opcode("fusion", "copy", "dot", "add")})
    cold = build_graph(module, {module.of_opcode("fusion")[-1].name: 1})
    opened = everything(hot)
    assert positions(layout(visible(hot, opened), 100)) == positions(layout(visible(cold, opened), 100))


def test_a_large_level_shows_the_neighbourhood():
    lines = ["%x.0 = f32[4]{0} parameter(0)"]
    lines += [f"%x.{number} = f32[4]{{0}} negate(%x.{number - 1})" for number in range(1, 2000)]
    lines[-1] = "ROOT " + lines[-1]
    graph = graph_of("HloModule m\nENTRY %e () -> f32[4] {\n" + "\n".join(lines) + "\n}\n")
    shown = visible(graph)
    assert (shown.shown, shown.left_out) == (500, 1500)
    assert "x.1999" in shown.boxes  # the root, as nothing is hot
    around = visible(graph, focus="x.700", limit=101)
    assert {box.id for box in walk(around.level)} == {f"x.{number}" for number in range(650, 751)}
    assert around.boxes["x.650"].outside == ("x.649",) and around.boxes["x.700"].outside == ()
    assert "1 more not shown" in render(layout(around, 80)).text()
    near = visible(graph, focus="x.700", steps=2)
    assert set(near.boxes) == {f"x.{number}" for number in range(698, 703)}
    assert (near.shown, near.left_out) == (5, 1995)
    check(layout(around, 80))


def test_hit_map_and_rows_agree_with_the_picture(corpus):
    graph = graph_of(corpus.get("scan").text)
    placed = layout(visible(graph, everything(graph)), 90)
    whole = render(placed)
    assert len(whole.rows) == placed.height
    assert {sum(len(text) for text, _ in row) for row in whole.rows} == {whole.width}
    for first, stop in ((0, 5), (7, 30), (placed.height - 3, placed.height + 9), (5, 5)):
        part = render(placed, rows=(first, stop))
        assert part.rows == whole.rows[first:stop] and part.first == first
    for box in placed.boxes:
        assert placed.hit(box.x, box.y) == box.id
        assert placed.hit(box.x + box.width - 1, box.y + box.height - 1) == box.id
    assert placed.hit(placed.width + 5, 0) is None and placed.hit(-1, -1) is None


def test_every_box_can_be_reached_by_keys(corpus):
    graph = graph_of(corpus.get("scan").text)
    placed = layout(visible(graph, everything(graph)), 90)
    order = [placed.boxes[0].id]
    while (following := move(placed, order[-1], "next")) != order[-1]:
        order.append(following)
    assert order == [box.id for box in placed.boxes]
    assert move(placed, order[-1], "next") == order[-1] and move(placed, order[0], "previous") == order[0]
    reached, queue = {order[0]}, [order[0]]
    while queue:
        current = queue.pop()
        for direction in ("up", "down", "left", "right"):
            target = move(placed, current, direction)
            if target not in reached:
                reached.add(target)
                queue.append(target)
    assert reached == set(order)
    assert move(placed, None, "down") == order[0] and move(placed, "gone", "up") == order[0]


def test_up_and_down_follow_edges(corpus):
    graph = graph_of(corpus.get("softmax").text)
    placed = layout(visible(graph), 90)
    fused = "ynn_fusion.1"
    assert set(neighbours(placed, fused)[0]) == {"x.1", "w.1"}
    assert set(neighbours(placed, fused)[1]) == {"ynn_fusion", "broadcast_multiply_fusion"}
    assert move(placed, fused, "down") == "ynn_fusion" and move(placed, "ynn_fusion", "up") == fused
    assert move(placed, "x.1", "right") == "w.1" and move(placed, "w.1", "left") == "x.1"
    inside = layout(visible(graph, frozenset({fused})), 90)
    assert inside.by_id[move(inside, fused, "down")].level == fused
    root = next(box.id for box in inside.boxes if box.level == fused and "ROOT" in str(box.text))
    assert move(inside, root, "down") == "ynn_fusion"
    first = next(box.id for box in inside.boxes if box.level == fused)
    assert move(inside, first, "up") == fused


def test_what_is_hidden_is_found_again(corpus):
    graph = graph_of(corpus.get("scan").text)
    closed = visible(graph)
    for node in graph.nodes:
        shown = shown_id(closed, node.id)
        assert shown is not None and shown in closed.boxes
        opened = visible(graph, opened_for(graph, frozenset(), node.id))
        assert (node.id in opened.boxes) != node.folded
    (sine,) = [node.id for node in graph.nodes if node.opcode == "sine"]
    (loop,) = [group.id for group in graph.groups if group.kind == "loop"]
    assert shown_id(closed, sine) == loop
    assert all(holder.opened for holder in holders(layout(closed, 80), None))


def test_pictures_of_damaged_modules(corpus):
    """Whatever is left of a module after random edits, its picture keeps to the rules."""
    chance = random.Random(7)
    texts = [corpus.get(name).text for name in ("softmax", "scan", "cond")]
    for number in range(150):
        graph = graph_of(mutate(texts[number % 3], chance))
        placed = layout(visible(graph, everything(graph)), 80)
        boxes_stand_apart(placed)
        wires_cross_no_box(placed)
        assert render(placed, ascii_only=True).text().isascii()
        for node in graph.nodes[::5]:
            shown_id(placed.visible, node.id)


def test_empty_and_odd_modules():
    for text in ("", "HloModule m\n", "HloModule m\nENTRY %e () -> f32[] {\n}\n"):
        placed = layout(visible(graph_of(text)), 80)
        assert placed.boxes == () and render(placed).text() == "" and move(placed, None, "down") is None
    ring = "HloModule m\nENTRY %e () -> f32[] {\n  %a = f32[] bitcast(%b)\n  %b = f32[] bitcast(%a)\n"
    ring += "  %c = f32[] add(%a, %c)\n}\n"
    placed = layout(visible(graph_of(ring)), 80)
    assert [box.id for box in placed.boxes] == ["c"]
    calls = "HloModule m\n%e (p: f32[]) -> f32[] {\n  ROOT %p = f32[] call(%p), to_apply=%e\n}\n"
    check(layout(visible(graph_of(calls), frozenset({"p"})), 80))
