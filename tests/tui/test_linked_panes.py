"""One cursor for all panes: what is linked, and what is told of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fixed import LIBRARY, SOURCE, TEXTS, FixedFeed
from hosting import screen_text, settle
from on_screen import SIZES, shown, text_of, until

from xlascope.ir import parse_hlo
from xlascope.tui.feeding.messages import GraphLoaded, OpsLoaded
from xlascope.tui.widgets.source_pane import SourcePane
from xlascope.tui.widgets.status import ExplainLine


class Doubtful(FixedFeed):
    """Equation 7 has its instructions by the flow of data, not by a tag."""

    def _view_equations(self, program=None, variant=None):
        answer = super()._view_equations(program, variant)
        for row in answer.rows:
            row.inferred = tuple(parse_hlo(TEXTS["optimized"]).names) if row.path == "7" else ()
        return answer


async def test_a_link_that_no_tag_gives_has_its_mark_in_panes_and_in_the_sentence():
    async with shown(feed=Doubtful("ended")) as (_app, pilot, screen):
        await pilot.press("tab")
        await pilot.press("g", "g", *["j"] * 11)
        await settle(pilot)
        assert "became ~ynn_fusion: a fusion" in screen.query_one(ExplainLine).said
        jaxpr, source = screen.stage_pane("a").text_pane, screen.query_one(SourcePane)
        assert source.guessed == frozenset()  # the line is that of an equation, which is sure
        await pilot.press("g", "g")  # the cursor's own mark would hide that of the link
        screen.take_focus(screen.desk.links.of_nodes(["ynn_fusion"]), screen.ops_table())
        await settle(pilot)
        assert jaxpr.guessed == {screen.desk.links.equation_row["7"]} == jaxpr.linked
        (shown_row,) = jaxpr.guessed
        assert "".join(each.text for each in jaxpr.draw_row(shown_row, 60)).startswith(" 11%▏~")


async def test_one_cursor_for_all_panes():
    async with shown() as (_app, pilot, screen):
        await pilot.press("tab")
        await pilot.press("g", "g", *["j"] * 11)
        await settle(pilot)
        assert screen.desk.focus.equations == {"7"}
        assert "ynn_fusion" in screen.desk.focus.nodes
        assert screen.stage_pane("b").graph_pane.box == "ynn_fusion"
        table = screen.ops_table()
        assert table._linked == {position for position in range(4) if table.row(position).op == "ynn_fusion"}
        assert screen.query_one(SourcePane)._linked == {5}
        said = screen.query_one(ExplainLine).said
        assert said.startswith("reduce_sum 7  ") and "11% of scores#1's op time; became ynn_fusion: a fusion" in said


@pytest.mark.parametrize("size", SIZES)
async def test_all_cursors_begin_on_the_hottest_op(size):
    async with shown(size) as (app, pilot, screen):
        assert "ynn_fusion.1" in screen.desk.focus.nodes and not screen.desk.moved
        assert screen.stage_pane("b").graph_pane.box == "ynn_fusion.1"
        pane = screen.stage_pane("a").text_pane
        assert pane.row_text(pane.cursor).strip().startswith("c:f32[128,64] = dot_general[")
        if size == (80, 24):
            assert "line softmax.py:5 logits = x @ w" in text_of(app) and "op   ynn_fusion.1 88.1" in text_of(app)
        await pilot.press("4")
        await settle(pilot)
        pane = screen.focused
        assert "%ynn_fusion.1 =" in pane.row_text(pane.cursor)
        await pilot.press("g", "g", "H")
        assert "%ynn_fusion.1 =" in pane.row_text(pane.cursor)


async def test_a_member_of_a_fusion_is_explained_itself():
    async with shown() as (_app, pilot, screen):
        await pilot.press("4")
        await settle(pilot)
        pane = screen.focused
        row = next(n for n in range(pane.row_count()) if "%reduce_sum.0 =" in pane.row_text(n))
        pane.cursor = row
        await pilot.press("j", "k")
        await settle(pilot)
        assert "%reduce_sum.0 =" in pane.row_text(pane.cursor)
        said = screen.query_one(ExplainLine).said
        assert said.startswith("reduce_sum.0  reduce giving f32[128]")


async def test_lines_that_continue_an_equation_belong_to_it():
    async with shown() as (_app, pilot, screen):
        await pilot.press("tab", "j", "j", "j")
        await settle(pilot)
        assert screen.desk.focus.equations == {"0"}
        assert screen.desk.focus.place == ("/home/user/softmax.py", 5)


async def test_the_cursor_of_the_graph_and_of_the_ops_links_back():
    async with shown() as (_app, pilot, screen):
        await pilot.press("6", "j")
        await settle(pilot)
        assert screen.desk.focus.equations
        await pilot.press("7", "j")
        await settle(pilot)
        assert screen.desk.focus.equations == {"9"}
        assert screen.stage_pane("a").text_pane._linked == {13}


async def test_a_source_line_links_to_its_equations():
    async with shown() as (_app, pilot, screen):
        screen.go_to_pane("source")
        await pilot.pause()
        await pilot.press("g", "g", "j", "j", "j", "j")
        await settle(pilot)
        assert screen.desk.focus.equations == {"0"}


async def test_small_screens_tell_what_is_linked_below_the_pane():
    async with shown((80, 24)) as (app, pilot, _screen):
        await pilot.press("tab", "j")
        await settle(pilot)
        lines = screen_text(app)
        assert lines[18].startswith(" line softmax.py:5 logits = x @ w")
        assert lines[19].startswith(" op   ynn_fusion.1 88.1 µs 71%")
        assert lines[20].startswith(" graph x.1, w.1 → ynn_fusion.1 →")


async def test_choosing_another_program_changes_all_panes():
    async with shown() as (app, pilot, screen):
        await pilot.press("9", "j", "j", "j")
        await settle(pilot)
        assert screen.desk.program == "scores#2"
        assert "1 jaxpr  scores#2" in text_of(app)
        await pilot.press("enter")
        await settle(pilot)
        assert screen.desk.current == "a"


async def test_a_source_line_tells_what_it_costs_and_what_became_of_it():
    async with shown((200, 60)) as (app, pilot, screen):
        await pilot.press("5", "H")
        await settle(pilot)
        source = screen.query_one(SourcePane)
        assert source.cursor + 1 == 5 and source.mark_of(5) is not None
        said = "softmax.py:5  ~53% of scores#1's op time; became ynn_fusion.1; from 1 equation: dot_general"
        assert said in text_of(app)
        await pilot.press("j")
        await settle(pilot)
        shown_line = screen.query_one(ExplainLine).said
        assert "softmax.py:6  ~47% of scores#1's op time; became ynn_fusion.1, broadcast_multiply_fusion" in shown_line
        assert "4 folded; from 9 equations: reduce_max, max, broadcast_in_dim ×2" in shown_line
        await pilot.press("j")
        await settle(pilot)
        empty = "softmax.py:7  no equation of scores#1 comes from this line"
        assert screen.query_one(ExplainLine).said == empty
        await pilot.press("j")
        await settle(pilot)
        told = "softmax.py:8  no equation of scores#1 comes from this line; another program's may: 9 goes to the list"
        assert told in text_of(app)


async def test_the_source_shows_the_librarys_line_on_request_and_the_users_again():
    async with shown() as (app, pilot, screen):
        await pilot.press("1", "g", "g", *["j"] * 11)
        await settle(pilot)
        source = screen.query_one(SourcePane)
        assert (source.shown_file, source._linked) == (SOURCE, {5})
        await pilot.press("w")
        await settle(pilot)
        assert (source.shown_file, source.cursor, source._linked) == (LIBRARY, 2, {2})
        assert "functions.py · library" in text_of(app) and "def softmax(a)" in text_of(app)
        await pilot.press("k")
        await settle(pilot)
        assert (source.shown_file, source._linked) == (SOURCE, {5})
        await pilot.press("j", "w")
        await settle(pilot)
        assert (source.shown_file, source.cursor, screen.desk.library) == (SOURCE, 5, False)
        await pilot.press("k", "w")
        await settle(pilot)
        assert source.shown_file == SOURCE
        assert any("no library is in between" in str(note.message) for note in app._notifications)


async def test_another_program_of_the_same_file_moves_the_source():
    async with shown() as (_app, pilot, screen):
        source = screen.query_one(SourcePane)
        await pilot.press("5", "g", "g", "9", *["j"] * 3)
        await settle(pilot)
        assert screen.desk.program == source.shown_program == "scores#2"
        assert source.cursor == 4


async def test_better_links_that_come_later_move_nothing_that_the_user_moved():
    async with shown((120, 30)) as (_app, pilot, screen):
        await pilot.press("7", "j", "k")
        await settle(pilot)
        view = screen.stage_pane("a").text_pane
        assert screen.desk.moved and view._linked
        view.scroll_rows(view.row_count())
        await settle(pilot)
        before = (view.cursor, view.first_visible, screen.ops_table().cursor)
        assert min(view._linked) < view.first_visible
        better = replace(screen.desk.links, equation_place={})
        message = GraphLoaded("scores#1", None, screen.desk.graph, better, screen.desk.equations)
        screen.post_message(message)
        await until(pilot, lambda: screen.desk.links is better)
        await settle(pilot)
        assert (view.cursor, view.first_visible, screen.ops_table().cursor) == before


async def alone(pilot, screen):
    """The loader asks nothing more by itself: its answers would take the place of what a test posts."""
    screen.loader.tick = lambda wanted: None
    await settle(pilot)


async def test_better_links_find_the_hottest_op_again_while_nothing_was_moved():
    async with shown() as (_app, pilot, screen):
        await alone(pilot, screen)
        view = screen.stage_pane("a").text_pane
        landed = view.cursor
        with view.prevent(type(view).CursorMoved):
            view.go_to(0)  # as approximate links had it
        better = replace(screen.desk.links, equation_place={})
        screen.post_message(GraphLoaded("scores#1", None, screen.desk.graph, better, screen.desk.equations))
        await until(pilot, lambda: screen.desk.links is better)
        await settle(pilot)
        assert landed > 0 and view.cursor == landed


async def test_cursors_that_nobody_moved_follow_what_became_the_hottest():
    async with shown((80, 24)) as (app, pilot, screen):
        rows = screen.desk.ops.rows
        other = next(row for row in rows[1:] if row.op in screen.desk.links.node_row)
        times = tuple(replace(row, share=0.9 if row is other else 0.02) for row in rows)
        times = tuple(sorted(times, key=lambda row: -row.share))
        wanted = replace(screen.desk.ops, rows=times)
        screen.feed.ops = lambda *given: wanted
        screen.post_message(OpsLoaded("scores#1", None, wanted))
        await until(pilot, lambda: screen.desk.ops.rows == times)
        await settle(pilot)
        table = screen.ops_table()
        assert screen.best_node(screen.desk.focus) == other.op == table.current.op
        assert {table.row(place).op for place in table._linked} == {other.op}
        assert f"op   {other.op}" in text_of(app) and "90%" in text_of(app)


async def test_a_cursor_that_was_moved_stays_and_its_numbers_are_told_anew():
    async with shown((80, 24)) as (app, pilot, screen):
        await pilot.press("1", "j")
        await settle(pilot)
        held = screen.best_node(screen.desk.focus)
        assert screen.desk.moved and held is not None
        times = tuple(replace(row, share=0.011 if row.op == held else 0.9) for row in reversed(screen.desk.ops.rows))
        wanted = replace(screen.desk.ops, rows=times)
        screen.feed.ops = lambda *given: wanted
        screen.post_message(OpsLoaded("scores#1", None, wanted))
        await until(pilot, lambda: screen.desk.ops.rows == times)
        await settle(pilot)
        table = screen.ops_table()
        assert screen.best_node(screen.desk.focus) == held
        assert {table.row(place).op for place in table._linked} == {held}
        assert any(held in line and "1%" in line for line in text_of(app).split("\n") if line.startswith(" op "))


async def test_times_of_another_variant_wait_for_its_links():
    async with shown() as (_app, pilot, screen):
        await alone(pilot, screen)
        desk = screen.desk
        held = desk.focus
        desk.variant = "fusion=off"
        times = tuple(replace(row, share=0.9 if row is desk.ops.rows[-1] else 0.02) for row in desk.ops.rows)
        wanted = replace(desk.ops, rows=times)
        screen.feed.ops = lambda *given: wanted
        screen.post_message(OpsLoaded("scores#1", "fusion=off", wanted))
        await until(pilot, lambda: desk.ops.rows == times)
        assert desk.focus == held and desk.landed == ("scores#1", None)
        screen.post_message(GraphLoaded("scores#1", "fusion=off", desk.graph, desk.links, desk.equations))
        await until(pilot, lambda: desk.landed == ("scores#1", "fusion=off"))
        assert screen.best_node(desk.focus) == desk.ops.rows[-1].op


async def test_why_no_library_line_is_there_says_what_the_cursor_is_on():
    async with shown() as (app, pilot, screen):
        await pilot.press("5")
        await settle(pilot)
        screen.query_one(SourcePane).go_to(6)
        await pilot.press("w")
        await settle(pilot)
        said = [str(note.message) for note in app._notifications]
        assert said == ["nothing lights up: no equation of scores#1 belongs to softmax.py:7"]
        await pilot.press("1", "g", "g", "w")
        await settle(pilot)
        assert str([*app._notifications][-1].message).endswith("scores#1 belongs to what the cursor is on")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (0, "scores#1  15 lines, 10 equations, 100% of scores#1's op time"),
        (14, "end of scores#1  15 lines, 10 equations, 100% of scores#1's op time"),
    ],
)
async def test_a_line_that_opens_or_ends_others_tells_what_lies_between(row, said):
    async with shown() as (_app, pilot, screen):
        await pilot.press("1")
        screen.focused.go_to(row)
        await settle(pilot)
        assert screen.query_one(ExplainLine).said.replace("~", "") == said


async def test_a_line_that_can_be_folded_says_so():
    async with shown() as (_app, pilot, screen):
        await pilot.press("2", "g", "g", "j")
        await settle(pilot)
        assert screen.query_one(ExplainLine).said == "@main  18 lines; - closes them"
        # It is told of the fold as it stands, without a move of the cursor.
        for key, told in (("minus", "closed, + opens them"), ("plus", "- closes them")):
            await pilot.press(key)
            await settle(pilot)
            assert screen.query_one(ExplainLine).said == f"@main  18 lines; {told}"


async def test_what_is_told_of_a_computation_follows_its_folding():
    async with shown() as (_app, pilot, screen):
        await pilot.press("4")
        view = screen.focused
        view.go_to(next(row for row in range(view.row_count()) if view.folds.at_header(row) is not None))
        await settle(pilot)
        for key in ("minus", "plus", "asterisk", "asterisk", "minus", "asterisk", "asterisk"):
            await pilot.press(key)
            await settle(pilot)
            closed = view.closed_fold(view.cursor) is not None
            told = screen.query_one(ExplainLine).said
            assert told.endswith("closed, + opens them" if closed else "; - closes them"), (key, told)
