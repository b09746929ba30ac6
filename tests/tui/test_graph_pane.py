"""The graph pane over a real module: moving, opening, searching, clicking."""

from __future__ import annotations

import importlib

import pytest
from fixed import FixedFeed
from hosting import Host, screen_text, settle

from xlascope.graphs import build_graph
from xlascope.ir import parse_hlo
from xlascope.tui.glyphs import ASCII
from xlascope.tui.widgets.graph_pane import GraphPane

SIZE = (70, 24)


@pytest.fixture(scope="module")
def graph():
    return FixedFeed()._graph


async def start(pilot, graph) -> GraphPane:
    view = pilot.app.widget
    view.set_graph(graph)
    await settle(pilot)
    return view


async def test_it_opens_on_the_hottest_node(graph):
    app = Host(GraphPane())
    async with app.run_test(size=SIZE) as pilot:
        view = await start(pilot, graph)
        assert view.box == "ynn_fusion.1"
        shown = "\n".join(screen_text(app))
        assert "ynn_fusion.1" in shown and "71%" in shown and "╔" in shown


async def test_keys_go_along_edges_and_tell(graph):
    app = Host(GraphPane())
    async with app.run_test(size=SIZE) as pilot:
        view = await start(pilot, graph)
        await pilot.press("j")
        await pilot.pause()
        assert view.box in ("ynn_fusion", "broadcast_multiply_fusion")
        assert app.last(GraphPane.NodeChosen).node == view.box
        await pilot.press("k")
        assert view.box == "ynn_fusion.1"
        await pilot.press("k", "l")
        assert view.box == "w.1"
        await pilot.press("h")
        assert view.box == "x.1"
        await pilot.press("H")
        assert view.box == "ynn_fusion.1"


async def test_enter_opens_a_group_in_place_and_backspace_closes_it(graph):
    app = Host(GraphPane())
    async with app.run_test(size=SIZE) as pilot:
        view = await start(pilot, graph)
        rows = view.row_count()
        await pilot.press("enter")
        await settle(pilot)
        assert view.opened == {"ynn_fusion.1"}
        assert view.row_count() > rows
        assert "dot_general.0" in "\n".join(screen_text(app))
        await pilot.press("j", "j")
        await settle(pilot)
        assert view.box not in (None, "ynn_fusion.1")
        await pilot.press("backspace")
        await settle(pilot)
        assert (view.opened, view.box, view.row_count()) == (frozenset(), "ynn_fusion.1", rows)
        assert app.last(GraphPane.NodeChosen).node == "ynn_fusion.1", "the cursor is on the group now, and that is told"
        view.set_graph(graph)
        await pilot.press("enter")
        await settle(pilot)
        view.set_column(12)
        inside = view.column
        await pilot.press("j", "j", "backspace")
        await settle(pilot)
        assert inside and view.column == 0, "sideways it is where it was before the group was opened"


async def test_search_opens_what_hides_a_match(graph):
    app = Host(GraphPane())
    async with app.run_test(size=SIZE) as pilot:
        view = await start(pilot, graph)
        view.start_search("exponential")
        await settle(pilot)
        assert view.box == "exp.0"
        assert "ynn_fusion.1" in view.opened
        await pilot.press("n")
        await settle(pilot)
        assert view.box == "exp.0"
        view.start_search("ROOT")
        await settle(pilot)
        assert view.graph.node_by_id[view.box].is_root and not view.graph.ancestors(view.box)


async def test_a_click_chooses_and_a_second_opens(graph):
    app = Host(GraphPane())
    async with app.run_test(size=SIZE) as pilot:
        view = await start(pilot, graph)
        place = view._placed.by_id["broadcast_divide_fusion"]
        at = (place.x + 3, place.y + 2 - view.first_visible)
        await pilot.click(offset=at)
        assert view.box == "broadcast_divide_fusion"
        await pilot.click(offset=at)
        await settle(pilot)
        assert "broadcast_divide_fusion" in view.opened


async def test_the_same_graph_with_other_times_keeps_what_is_open(graph):
    app = Host(GraphPane())
    async with app.run_test(size=SIZE) as pilot:
        view = await start(pilot, graph)
        await pilot.press("enter")
        await settle(pilot)
        again = build_graph(parse_hlo(_optimized()))
        view.set_graph(again)
        await settle(pilot)
        assert view.opened == {"ynn_fusion.1"}
        view.set_graph(None)
        await settle(pilot)
        assert "no graph yet" in screen_text(app)[1]
        await pilot.press("j", "k", "enter", "backspace", "H", "G", "n")


def _optimized() -> str:
    from fixed import TEXTS

    return TEXTS["optimized"]


async def test_a_graph_that_cannot_be_laid_out_says_so(graph, monkeypatch):
    def fail(*_):
        raise RuntimeError("too odd")

    monkeypatch.setattr(importlib.import_module("xlascope.graphs.layout"), "layout", fail)
    app = Host(GraphPane())
    async with app.run_test(size=SIZE) as pilot:
        await start(pilot, graph)
        assert "could not be laid out: RuntimeError: too odd" in screen_text(app)[1]


async def test_ascii_terminals_get_ascii_only(graph):
    app = Host(GraphPane(glyphs=ASCII))
    async with app.run_test(size=SIZE) as pilot:
        await start(pilot, graph)
        assert all(line.isascii() for line in screen_text(app)[1:])


async def test_the_brief_form_has_one_row_a_node_and_the_same_cursor(graph):
    app = Host(GraphPane())
    async with app.run_test(size=SIZE) as pilot:
        view = await start(pilot, graph)
        rows = view.row_count()
        await pilot.press("j", "b")
        await settle(pilot)
        assert view.row_count() < rows
        assert view.box in view._placed.by_id
        await pilot.press("j", "k", "b")
        await settle(pilot)
        assert view.row_count() == rows


async def test_only_a_neighbourhood_of_the_cursor_and_all_again(graph):
    app = Host(GraphPane())
    async with app.run_test(size=SIZE) as pilot:
        view = await start(pilot, graph)
        every = set(view.placed.by_id)
        view.show_node("x.1")
        await pilot.press("a", "minus")
        await settle(pilot)
        assert set(view.placed.by_id) == {"x.1", "ynn_fusion.1"} < every
        assert "1 hop around" in screen_text(app)[0]
        await pilot.press("plus")
        await settle(pilot)
        assert {"x.1", "w.1", "ynn_fusion.1", "ynn_fusion"} <= set(view.placed.by_id)
        await pilot.press("a")
        await settle(pilot)
        assert set(view.placed.by_id) == every


async def test_the_critical_path_is_marked_and_told(graph):
    app = Host(GraphPane())
    async with app.run_test(size=(110, 24)) as pilot:
        view = await start(pilot, graph)
        await pilot.press("t")
        await settle(pilot)
        assert view.ends >= {"ynn_fusion.1", "ynn_fusion", "broadcast_divide_fusion", "broadcast_multiply_fusion"}
        shown = "\n".join(screen_text(app))
        assert "critical path 5 nodes, 1.75 s of 1.75 s (100%)" in shown and "◆" in shown
        nodes = view.way.nodes
        assert view.way_account()[0].startswith("critical path: 5 nodes") and len(view.way_account()) == 5 + 4
        view._move(view.box_of(nodes[0]))
        for step in range(1, len(nodes)):
            await pilot.press("n")
            assert view.box == view.box_of(nodes[step])
        await pilot.press("n", "N")
        assert view.box == view.box_of(nodes[-2])
        assert view.clear_ways() and not view.ends and not view.clear_ways()


async def test_the_way_between_two_nodes(graph):
    app = Host(GraphPane())
    async with app.run_test(size=(110, 24)) as pilot:
        view = await start(pilot, graph)
        view.show_node("w.1")
        await pilot.press("apostrophe")
        assert view.ends == {"w.1"}
        view.show_node("broadcast_divide_fusion")
        await pilot.press("apostrophe")
        await settle(pilot)
        assert view.ends == {"w.1", "ynn_fusion.1", "ynn_fusion", "broadcast_divide_fusion"}
        view.start_search("fusion")  # from now on n and N are the search's
        await settle(pilot)
        assert not view.ends
        first = view.box
        await pilot.press("n")
        assert view.box != first
        await pilot.press("N")
        assert view.box == first
        view.show_node("x.1")
        await pilot.press("apostrophe")
        view.show_node("w.1")
        await pilot.press("apostrophe")
        await settle(pilot)
        assert "no value goes from one to the other" in screen_text(app)[0]


async def test_a_way_is_found_in_either_direction_and_from_a_name_at_the_top_of_a_fold():
    """Whatever stands for an end on the picture, a node, a fold, or what comes into a fold, the way is the same one."""
    layers = range(12)
    lines = ["%x = f32[8,64] parameter(0)", "%n.0 = f32[8,64] negate(%x)"]
    for layer in layers:
        for op in range(10):
            scope = f'metadata={{op_name="jit(step)/jvp(layer_{layer})/add"}}'
            last = f"v.{layer}.{op - 1}" if op else f"v.{layer - 1}.9" if layer else "n.0"
            lines.append(f"%v.{layer}.{op} = f32[8,64] add(%{last}, %{'n.0' if op == 4 else last}), {scope}")
    lines[-1] = "ROOT " + lines[-1]
    text = "HloModule m\nENTRY %e () -> f32[8,64] {\n  " + "\n  ".join(lines) + "\n}\n"
    app = Host(GraphPane())
    async with app.run_test(size=(160, 40)) as pilot:
        view = await start(pilot, build_graph(parse_hlo(text)))

        async def way(first: str, second: str) -> str:
            for end in (first, second):
                if end in view.placed.by_id:
                    view._move(end)
                else:
                    view.go_to_node(end)
                    await settle(pilot)
                await pilot.press("apostrophe")
            await settle(pilot)
            return screen_text(app)[0]

        view.go_to_node("v.5.6")
        await settle(pilot)
        fold = view.folds.ancestors("v.5.6")[0]
        inlet = f"{fold} < n.0"
        assert inlet in view.placed.by_id and "v.5.6" in view.placed.by_id
        assert "way 4 nodes from the second end to the first" in await way("v.5.6", inlet)
        assert view.way.nodes == ("n.0", "v.5.4", "v.5.5", "v.5.6")
        assert "way 4 nodes from the first end to the second" in await way(inlet, "v.5.6")
        assert "from the second end to the first" in await way("v.5.6", "n.0")
        assert view.way.nodes == ("n.0", "v.5.4", "v.5.5", "v.5.6")
        assert "way 1 node, both ends lie in it" in await way("v.5.6", fold)
        view._move(inlet)
        await pilot.press("apostrophe", "u")  # other folds: the end is still a node
        await settle(pilot)
        view.go_to_node("v.5.4")
        await settle(pilot)
        await pilot.press("apostrophe")
        await settle(pilot)
        assert view.way.nodes == ("n.0", "v.5.4")


async def test_the_map_tells_what_is_in_sight(graph):
    app = Host(GraphPane())
    async with app.run_test(size=(70, 12)) as pilot:
        view = await start(pilot, graph)
        assert view.shows_map

        async def in_sight(top: int) -> list[bool]:
            view.scroll_rows(top)
            await pilot.pause()
            return ["┃" in line.ljust(70)[-4:] for line in screen_text(app)[1:]]

        first, last = await in_sight(0), await in_sight(view.row_count())
        assert (first[0], first[-1], last[0], last[-1]) == (True, False, False, True)
        await pilot.press("d")
        assert not view.shows_map and not any(await in_sight(0))
