"""Long levels fold by the user's names and into parts; whatever is opened, the picture keeps to the rules."""

from __future__ import annotations

import random

from geometry import above, check, positions, random_module, shared_cells
from hypothesis import given, settings
from hypothesis import strategies as st

from xlascope.graphs import build_graph
from xlascope.graphs.folds import MOST, Folds
from xlascope.graphs.layout import layout
from xlascope.graphs.navigate import opened_for
from xlascope.graphs.paths import critical_path, path_between
from xlascope.graphs.scopes import scope_of
from xlascope.graphs.visible import visible
from xlascope.ir import parse_hlo


def layers(count: int = 12, ops: int = 10) -> str:
    """A chain of equal layers, each with an `attn` and an `mlp` scope, and weights of their own."""
    lines = ["%x = f32[8,64] parameter(0)"]
    lines += [f"%w.{layer} = f32[64,64] parameter({layer + 1})" for layer in range(count)]
    last = "x"
    for layer in range(count):
        for op in range(ops):
            name = f"v.{layer}.{op}"
            second = f"w.{layer}" if op == 0 else last
            scope = f"jit(step)/jvp(layer_{layer})/{'attn' if op < ops // 2 else 'mlp'}/add"
            lines.append(f'%{name} = f32[8,64] add(%{last}, %{second}), metadata={{op_name="{scope}"}}')
            last = name
    lines[-1] = "ROOT " + lines[-1]
    return "HloModule m\nENTRY %e () -> f32[8,64] {\n  " + "\n  ".join(lines) + "\n}\n"


def test_scopes_are_the_users_names():
    assert scope_of("jit(step)/transpose(jvp(layer_0))/attn/dot_general") == ("transpose(jvp(layer_0))", "attn")
    assert scope_of("jit(step)/xs4_/jvp(xs0_)/Block_1/xs2_/while/body/closed_call/mul") == ("jvp", "Block_1")
    assert scope_of("jit(f)/vmap(jit(_var))/div;jit(f)/other/mul") == ("vmap(_var)",)
    assert scope_of("jit(f)/jit(softmax)/exp") == ("softmax",)
    assert scope_of("x") == scope_of("") == scope_of("jit(f)/add") == ()


def test_equal_layers_fold_to_their_scopes():
    graph = build_graph(parse_hlo(layers()), {"v.3.2": 70, "v.3.7": 30, "v.5.0": 100})
    folds = Folds(graph)
    shown = visible(graph, folds=folds)
    closed = [box for box in shown.level.boxes if box.group is not None]
    assert [box.name for box in closed] == [f"jvp(layer_{layer})" for layer in range(12)]
    # A weight that only one layer uses lies in it; what layers share stays outside.
    assert [box.id for box in shown.level.boxes if box.node is not None] == []
    assert {box.group.self_ns for box in closed} == {None, 100}
    assert [link.count for link in shown.level.links] == [1] * 11
    layer = closed[3].id
    inside = visible(graph, frozenset({layer}), folds=folds)
    names = [box.name for box in inside.boxes[layer].inner.boxes]
    assert names[-2:] == ["attn", "mlp"] and {"w.3", "v.2.9"} >= set(names[:-2]) - {"x"}
    assert folds.ancestors("v.3.7") == (inside.boxes[layer].inner.boxes[-1].id, layer)
    assert opened_for(graph, frozenset(), "v.3.7", folds) == set(folds.ancestors("v.3.7"))
    without = visible(graph, folds=Folds(graph, by_scope=False))
    assert {box.group.kind for box in without.level.boxes if box.group} == {"part"}
    check(layout(inside, 100))


def test_a_long_computation_without_names_is_never_a_hairball():
    lines = ["%x.0 = f32[4] parameter(0)"]
    lines += [f"%x.{n} = f32[4] add(%x.{n - 1}, %x.{max(n - 7, 0)})" for n in range(1, 3000)]
    graph = build_graph(parse_hlo("HloModule m\nENTRY %e () -> f32[4] {\n" + "\n".join(lines) + "\n}\n"))
    folds = Folds(graph)
    opened: frozenset[str] = frozenset()
    while True:
        shown = visible(graph, opened, folds=folds)
        assert shown.left_out == 0
        levels = [shown.level, *(box.inner for box in shown.boxes.values() if box.inner is not None)]
        assert all(sum(not box.inlet for box in level.boxes) <= MOST for level in levels)
        openable = [box.id for box in shown.boxes.values() if box.group and not box.opened and not box.inlet]
        if len(opened) > 4 or not openable:
            break
        opened |= {openable[len(openable) // 2]}
    assert {folds.nodes_in(box.id)[0] for box in visible(graph, folds=folds).level.boxes}
    everything = [node for box in visible(graph, folds=folds).level.boxes for node in folds.nodes_in(box.id)]
    assert sorted(everything) == sorted(node.id for node in graph.nodes)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(10, 30), st.integers(40, 160), st.integers(4, 12))
def test_any_sequence_of_opening_and_closing(seed, size, width, most):
    """No line crosses a box, every link is drawn or named, and opening moves nothing above, folds included."""
    graph = build_graph(parse_hlo(random_module(seed, size)))
    folds = Folds(graph, most=most)
    chance = random.Random(seed)
    opened: frozenset[str] = frozenset()
    before = layout(visible(graph, opened, folds=folds), width)
    for _ in range(4):
        closed = [box for box in before.boxes if box.openable and not box.opened]
        if closed and (chance.random() < 0.7 or not opened):
            box = chance.choice(closed)
            opened |= {box.id}
            after = layout(visible(graph, opened, folds=folds), width)
            old, new = positions(before), positions(after)
            assert all(new[other] == old[other] for other in above(before, box.id)), box.id
            assert new[box.id][0] == old[box.id][0] and new[box.id][1] >= old[box.id][1]
        elif opened:
            box_id = chance.choice(sorted(opened))
            opened -= {box_id, *(each for each in opened if box_id in folds.ancestors(each))}
            after = layout(visible(graph, opened, folds=folds), width)
        else:
            break
        check(after)
        before = after
    again = build_graph(parse_hlo(random_module(seed, size)))
    assert layout(visible(again, opened, folds=Folds(again, most=most)), width).boxes == before.boxes


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(10, 60), st.integers(3, 12))
def test_edges_between_folds_merge_with_a_count(seed, size, most):
    """The links of a level are all values between what its boxes hold: as many operands, each counted once."""
    graph = build_graph(parse_hlo(random_module(seed, size)))
    folds = Folds(graph, most=most)
    level = visible(graph, folds=folds).level
    home = {node: box.id for box in level.boxes for node in folds.nodes_in(box.id)}
    expected: dict[tuple[str, str], int] = {}
    for flow in folds.wiring(None).flows:
        ends = home[flow.source], home[flow.target]
        if ends[0] != ends[1]:
            expected[ends] = expected.get(ends, 0) + 1
    assert {(link.source, link.target): link.count for link in level.links} == expected


def test_pictures_of_folded_compiler_dumps(dumps):
    for path, text in list(dumps.items())[::97]:
        graph = build_graph(parse_hlo(text))
        for by_scope in (True, False):
            folds = Folds(graph, by_scope)
            shown = visible(graph, folds=folds)
            assert shown.left_out == 0 and shown.shown <= MOST + 20, path
            placed = layout(shown, 120)
            check(placed)
            assert shared_cells(placed) <= 4, path


def test_the_critical_path_is_the_longest_chain():
    text = "HloModule m\nENTRY %e () -> f32[4] {\n  %p = f32[4] parameter(0)\n  %a = f32[4] negate(%p)\n"
    text += "  %b = f32[4] sine(%p)\n  %c = f32[4] cosine(%b)\n  ROOT %d = f32[4] add(%a, %c)\n}\n"
    graph = build_graph(parse_hlo(text), {"a": 50, "b": 30, "c": 40, "d": 5})
    way = critical_path(Folds(graph))
    assert (way.nodes, way.ns, way.of_ns) == (("p", "b", "c", "d"), 75, 125)
    assert critical_path(Folds(build_graph(parse_hlo(text)))) is None


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(5, 30))
def test_ways_follow_values(seed, size):
    graph = build_graph(parse_hlo(random_module(seed, size)))
    folds = Folds(graph)
    flows = {(flow.source, flow.target) for flow in folds.wiring(None).flows}
    nodes = [node.id for node in graph.nodes_of_group[None] if not node.folded]
    chance = random.Random(seed)
    reach: dict[str, set[str]] = {}
    for node in reversed(nodes):
        reach[node] = {node}.union(*(reach[target] for source, target in flows if source == node))
    for _ in range(5):
        first, second = chance.choice(nodes), chance.choice(nodes)
        way = path_between(folds, first, second)
        joined = second in reach[first] or first in reach[second]
        assert (way is not None) == joined
        if way is not None:
            assert {way.nodes[0], way.nodes[-1]} == {first, second}
            assert all(pair in flows for pair in zip(way.nodes, way.nodes[1:], strict=False))


def test_a_way_between_folds_goes_from_any_node_of_one_to_any_of_the_other():
    text = layers().replace("%v.5.0 = f32[8,64] add(%v.4.9", "%v.5.0 = f32[8,64] add(%v.4.3")
    folds = Folds(build_graph(parse_hlo(text), {"v.4.7": 40, "v.4.8": 60}))
    closed = {box.name: box.id for box in visible(folds.graph, folds=folds).level.boxes}
    # What goes on is in the middle of the layer, neither its first node nor its last.
    way = path_between(folds, closed["jvp(layer_4)"], closed["jvp(layer_5)"])
    assert way.nodes == ("v.4.3", "v.5.0")
    assert path_between(folds, closed["jvp(layer_5)"], closed["jvp(layer_4)"]).nodes == way.nodes
    assert path_between(folds, "v.4.2", closed["jvp(layer_5)"]).nodes == ("v.4.2", "v.4.3", "v.5.0")
    assert folds.hottest_node(closed["jvp(layer_4)"]) == "v.4.8"
    assert folds.hottest_node(closed["jvp(layer_6)"]) == folds.first_node(closed["jvp(layer_6)"])
    assert folds.hottest_node("v.1.1") == "v.1.1"


def row(opcodes: list[str], scope: str = "") -> str:
    """A chain of instructions, `fusion` by the name of its first operation; a `scope` is around the later half."""
    lines, last = ["%x = f32[8] parameter(0)"], "x"
    for number, opcode in enumerate(opcodes):
        name, call = (f"{opcode}.{number}", f"{opcode}(%{last})")
        if opcode == "fusion":
            name, call = f"wrapped_sine.{number}", f"fusion(%{last}), kind=kLoop, calls=%body"
        inside = f"jit(f)/{scope}/{opcode}" if scope and number >= len(opcodes) // 2 else f"jit(f)/{opcode}"
        lines.append(f'%{name} = f32[8] {call}, metadata={{op_name="{inside}"}}')
        last = name
    lines[-1] = "ROOT " + lines[-1]
    body = "%body (p: f32[8]) -> f32[8] {\n  %p = f32[8] parameter(0)\n  ROOT %s = f32[8] sine(%p)\n}\n"
    return f"HloModule m\n{body}ENTRY %e (x: f32[8]) -> f32[8] {{\n  " + "\n  ".join(lines) + "\n}\n"


def named(text: str, times: dict[str, int]) -> list[str]:
    graph = build_graph(parse_hlo(text), times)
    folds = Folds(graph)
    groups = [folds.group(child) for child in folds.plan(None).children]
    return [group.label for group in groups if group is not None and group.kind == "part"]


def test_a_part_without_a_name_is_called_by_what_it_does_the_hottest_first():
    opcodes = ["negate"] * 30 + ["exponential"] * 30 + ["fusion"] * 30
    parts = named(row(opcodes), {"exponential.40": 900, "wrapped_sine.70": 50})
    assert len(parts) > 1 and not any("fusion" in name or "parameter" in name for name in parts)
    assert any(name.startswith("exponential") for name in parts) and parts[0].startswith("negate×")
    assert parts[-1].startswith("sine×")


def test_a_part_is_called_by_the_name_in_it_that_took_most_of_its_time():
    opcodes = ["negate"] * 40 + ["exponential"] * 40
    assert named(row(opcodes, "soft"), {})[-1].startswith("negate×")
    assert named(row(opcodes, "soft"), {"exponential.65": 900, "negate.1": 5})[-1] == "soft …"
