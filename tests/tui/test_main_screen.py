"""The main screen over fixed data: every key, the linking of the panes, measurements, live states."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from fixed import FixedFeed, FixedKeeper, at_hand
from hosting import screen_text, settle
from textual.widgets import Input

from xlascope.tui.actions import ACTIONS, bindings
from xlascope.tui.app import XlascopeApp
from xlascope.tui.live import LiveNow, long_lasting, waits_for_input
from xlascope.tui.screens.main import MainScreen
from xlascope.tui.switches import Switches
from xlascope.tui.widgets.chart import Chart
from xlascope.tui.widgets.dialogs import ConfirmInterrupt, ConfirmQuit, HelpOverlay, PromptLine, TextOverlay
from xlascope.tui.widgets.functions import FunctionsList
from xlascope.tui.widgets.graph_pane import GraphPane
from xlascope.tui.widgets.ops_table import OpsTable
from xlascope.tui.widgets.output_pane import OutputPane
from xlascope.tui.widgets.part_line import PartLine
from xlascope.tui.widgets.source_pane import SourcePane
from xlascope.tui.widgets.text_pane import TextPane

SIZES = [(80, 24), (120, 36), (200, 60)]


@asynccontextmanager
async def shown(size=(120, 36), keeper=None, feed=None):
    app = XlascopeApp(at_hand(keeper), feed or FixedFeed("running" if keeper else "ended"))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: any(isinstance(screen, MainScreen) for screen in app.screen_stack))
        main = next(screen for screen in app.screen_stack if isinstance(screen, MainScreen))
        await until(pilot, lambda: main.desk.program is not None or not main.feed.programs_known)
        await settle(pilot)
        yield app, pilot, main


async def until(pilot, condition, rounds=400):
    for _ in range(rounds):
        if condition():
            return
        await pilot.pause(0.01)
    raise AssertionError("it did not come to be")


def text_of(app) -> str:
    return "\n".join(screen_text(app))


@pytest.mark.parametrize("size", SIZES)
async def test_every_size_shows_the_run_and_its_hottest_program(size):
    async with shown(size) as (app, _pilot, _screen):
        lines = screen_text(app)
        assert "softmax.py --steps 3000" in lines[0] and "ENDED exit 0" in lines[0]
        assert "scores#1 ~201k calls" in lines[1]
        assert "J jit ON" in lines[2] and "F fusion ON" in lines[2]
        assert "fusion=off  1.32x slower [1.29-1.35]  fusions 4→0" in lines[3]
        assert len(lines) == size[1] and "? help" in lines[-1]


async def test_the_panes_show_jaxpr_source_graph_ops_and_output():
    async with shown() as (app, _pilot, _screen):
        shot = text_of(app)
        assert "c:f32[128,64] = dot_general[" in shot
        assert "def scores(x, w):" in shot
        assert "ynn_fusion.1 5 ops  71%" in shot
        assert "coverage 99.6%" in shot
        assert "step 2900 loss 0.0411" in shot


@pytest.mark.parametrize("size", SIZES)
async def test_every_view_is_one_key_away(size):
    async with shown(size) as (app, pilot, screen):
        wanted = {
            "1": (TextPane, "dot_general["), "2": (TextPane, "stablehlo.dot_general"),
            "3": (TextPane, "hlo is not captured yet"), "4": (TextPane, "ROOT "), "5": (TextPane, "return "),
            "6": (GraphPane, "ynn_fusion.1"), "7": (OpsTable, "coverage"), "8": (Chart, "seconds"),
            "9": (FunctionsList, "scores"), "o": (OutputPane, "step 2900"),
        }  # fmt: skip
        for key, (kind, words) in wanted.items():
            await pilot.press(key)
            await settle(pilot)
            assert isinstance(screen.focused, kind), key
            assert screen.focused.region.width > 20 and screen.focused.region.height > 3, key
            assert words in text_of(app), key


@pytest.mark.parametrize("size", SIZES)
async def test_tab_goes_round_all_panes_and_back(size):
    async with shown(size) as (_app, pilot, screen):
        ids = screen.pane_ids()
        seen = []
        for _ in ids:
            await pilot.press("tab")
            await settle(pilot)
            seen.append(screen.desk.current)
            assert screen.focused is screen.pane(screen.desk.current)
            assert screen.focused.display and screen.focused.region.area > 0
        assert sorted(seen) == sorted(ids)
        await pilot.press("shift+tab")
        assert screen.desk.current == seen[-2]


async def test_one_cursor_for_all_panes():
    async with shown() as (app, pilot, screen):
        await pilot.press("tab")
        await pilot.press("g", "g", *["j"] * 11)
        await settle(pilot)
        assert screen.desk.focus.equations == {"7"}
        assert "ynn_fusion" in screen.desk.focus.nodes
        assert screen.stage_pane("b").graph_pane.box == "ynn_fusion"
        table = screen.ops_table()
        assert table._linked == {position for position in range(4) if table.row(position).op == "ynn_fusion"}
        assert screen.query_one(SourcePane)._linked == {5}
        assert "ynn_fusion  " in text_of(app) and "equations 7" in text_of(app)


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


async def test_what_runs_for_long_leads_until_its_share_is_known(monkeypatch):
    keeper, feed = FixedKeeper(), FixedFeed("running", variants=False)
    async with shown(keeper=keeper, feed=feed) as (_app, pilot, screen):
        assert long_lasting(LiveNow(activity="running", name="step", since=0.0), 1.0) is None
        assert long_lasting(LiveNow(activity="running", name="step", since=0.0), 3.0) == "step"
        functions = screen.functions()
        unknown = [replace(item, share=None) if item.name == "step" else item for item in functions._functions]
        functions.set_functions(unknown)
        monkeypatch.setattr("xlascope.tui.screens.main.long_lasting", lambda *given: "step")
        screen._tick()
        await settle(pilot)
        assert screen.desk.program == "step#1"
        functions.set_functions(screen.desk.overview.functions)
        await settle(pilot)
        assert screen.desk.program == "scores#1"


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
        assert lines[19].startswith(" line softmax.py:5 logits = x @ w")
        assert lines[20].startswith(" op   ynn_fusion.1 88.1 µs 71%")
        assert lines[21].startswith(" graph x.1, w.1 → ynn_fusion.1 →")


async def test_choosing_another_program_changes_all_panes():
    async with shown() as (app, pilot, screen):
        await pilot.press("9", "j", "j", "j")
        await settle(pilot)
        assert screen.desk.program == "scores#2"
        assert "1 jaxpr  scores#2" in text_of(app)
        await pilot.press("enter")
        await settle(pilot)
        assert screen.desk.current == "a"


async def test_search_is_typed_below_and_moves_the_cursor():
    async with shown() as (_app, pilot, screen):
        await pilot.press("1", "slash", *"reduce_s")
        await settle(pilot)
        prompt = screen.query_one(PromptLine)
        assert prompt.is_open and isinstance(screen.focused, Input)
        assert screen.stage_pane("a").text_pane.cursor == 11
        await pilot.press("enter")
        await settle(pilot)
        assert not prompt.is_open and screen.focused is screen.stage_pane("a").text_pane
        assert screen.desk.focus.equations == {"7"}
        await pilot.press("escape")
        assert screen.stage_pane("a").text_pane.needle == ""


async def test_escape_gives_a_search_up():
    async with shown() as (_app, pilot, screen):
        await pilot.press("1", "slash", *"exp", "escape")
        await settle(pilot)
        assert not screen.query_one(PromptLine).is_open
        assert screen.stage_pane("a").text_pane.needle == ""


async def test_filter_of_the_table_is_typed_below():
    async with shown() as (_app, pilot, screen):
        await pilot.press("7", "f", *"broadcast", "enter")
        await settle(pilot)
        assert screen.ops_table().row_count() == 2
        await pilot.press("escape")
        assert screen.ops_table().row_count() == 4


async def test_zoom_shows_one_pane_alone_and_escape_brings_the_others_back():
    async with shown() as (_app, pilot, screen):
        await pilot.press("6", "z")
        await settle(pilot)
        assert screen.focused.region.width >= 118
        assert not screen.query_one(FunctionsList).region.area
        await pilot.press("escape")
        await settle(pilot)
        assert screen.query_one(FunctionsList).region.area


async def test_help_belongs_to_the_focused_pane():
    async with shown() as (app, pilot, screen):
        await pilot.press("6", "question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpOverlay)
        words = app.screen.help_text()
        assert "Along an edge down" in words and "Switch fusion" in words and "Sort, left" not in words
        await pilot.press("escape")
        await pilot.press("7", "f1")
        await pilot.pause()
        assert "Sort, left" in app.screen.help_text()
        await pilot.press("q")
        await pilot.pause()
        assert app.screen is screen


async def test_equals_explains_the_number_under_the_cursor():
    async with shown() as (app, pilot, _screen):
        await pilot.press("7", "equals_sign")
        await pilot.pause()
        assert isinstance(app.screen, TextOverlay)
        words = text_of(app)
        assert "self time 1.24 s in 14,070 executions" in words and "6 profile windows" in words
        await pilot.press("escape")
        await pilot.click("#effects", offset=(4, 0))
        await pilot.pause()
        assert "Variant / baseline of neighbouring pairs 1.32, 95 % interval 1.29 to 1.35" in text_of(app)


async def test_the_header_opens_what_is_known_of_the_run():
    feed = FixedFeed()
    run = feed._view_run
    lost = SimpleNamespace(what="profile events", count=12, why="the window was full")
    feed._view_run = lambda: SimpleNamespace(**{**vars(run()), "dropped": (lost,)})  # type: ignore[method-assign]
    async with shown(feed=feed) as (app, pilot, _screen):
        await pilot.press("ctrl+r")
        await pilot.pause()
        words = text_of(app)
        assert "12 profile events dropped: the window was full" in words and "import jax     1.10 s" in words
        await pilot.press("escape")
        await pilot.click("#header", offset=(42, 0))
        await pilot.pause()
        assert isinstance(app.screen, TextOverlay)


async def test_copying_writes_the_line_and_the_whole_pane(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    async with shown() as (app, pilot, _screen):
        await pilot.press("1", "g", "g", "j", "y")
        await pilot.pause()
        assert "dot_general" in app.clipboard
        written = next((tmp_path / "xlascope" / "copies").iterdir())
        assert written.read_text() == (Path(__file__).parent / "data" / "jaxpr.txt").read_text()
        assert written.stat().st_mode & 0o077 == 0


async def test_the_editor_opens_at_the_line(monkeypatch):
    opened = []
    monkeypatch.setattr("xlascope.tui.screens.acting.edit_file", lambda app, file, line: opened.append((file, line)))
    async with shown() as (_app, pilot, _screen):
        await pilot.press("e")
        await pilot.press("1", "g", "g", "j", "j", *["j"] * 4, "e")
        await pilot.pause()
        assert opened == [("/home/user/softmax.py", 5), ("/home/user/softmax.py", 6)]


async def test_a_switch_is_measured_and_its_stages_are_shown_when_the_result_is_there():
    keeper, feed = FixedKeeper(), FixedFeed("running", variants=False)
    async with shown(keeper=keeper, feed=feed) as (app, pilot, screen):
        await pilot.press("F")
        await pilot.pause()
        assert keeper.measured == [("scores#1", {"fusion": "off"})]
        assert "F fusion *off" in text_of(app) and "fusion=off  starting" in text_of(app)
        keeper.tell({"kind": "progress", "id": 1, "activity": "measuring", "done": 4, "total": 9})
        screen.draw_status()
        await pilot.pause()
        assert "measuring: 4 of about 9 pairs" in text_of(app)
        feed.with_variants, feed.number = True, 2
        keeper.tell({"kind": "result", "id": 1, "ok": True})
        screen.reload()
        await until(pilot, lambda: screen.desk.variant == "fusion=off")
        await settle(pilot)
        assert "1.32x slower" in screen_text(app)[3] and "*off" in screen_text(app)[2]
        await pilot.press("v")
        await settle(pilot)
        assert screen.desk.variant == "baseline" and "F fusion ON" in screen_text(app)[2]
        await pilot.press("v")
        await settle(pilot)
        assert screen.desk.variant is None
        await pilot.press("v")
        await settle(pilot)
        assert screen.desk.variant == "fusion=off"
        await pilot.press("F")
        await settle(pilot)
        assert screen.desk.variant is None and "F fusion ON" in screen_text(app)[2]


async def test_a_failed_measurement_says_why_until_it_is_dismissed():
    keeper = FixedKeeper()
    async with shown(keeper=keeper, feed=FixedFeed("running", variants=False)) as (app, pilot, screen):
        await pilot.press("F")
        keeper.tell({"kind": "result", "id": 1, "ok": False, "error": "the recorder is gone", "advice": "use a lab"})
        screen.draw_status()
        await pilot.pause()
        assert "fusion=off  the recorder is gone. use a lab" in text_of(app)
        screen._tick()
        assert not screen.desk.switches.touched
        await pilot.press("escape")
        await pilot.pause()
        assert "recorder is gone" not in text_of(app)


async def test_escape_cancels_a_measurement():
    keeper = FixedKeeper()
    async with shown(keeper=keeper, feed=FixedFeed("running", variants=False)) as (_app, pilot, screen):
        await pilot.press("F", "escape")
        await pilot.pause()
        assert keeper.cancelled == [1]
        keeper.tell({"kind": "result", "id": 1, "ok": False, "error": "cancelled", "cancelled": True})
        screen.draw_status()
        await pilot.pause()
        assert not screen.live.now.measuring and not screen.live.now.failures
        screen._tick()
        assert not screen.desk.switches.touched


async def test_a_refusal_that_comes_before_its_ticket_is_known_counts():
    keeper = FixedKeeper()
    asked = keeper.measure

    def refusing(program, switches):
        ticket = asked(program, switches)
        keeper.tell({"kind": "result", "id": ticket, "ok": False, "error": "needs the live process", "refused": True})
        return ticket

    keeper.measure = refusing
    async with shown(keeper=keeper, feed=FixedFeed("running", variants=False)) as (app, pilot, screen):
        await pilot.press("F")
        await pilot.pause()
        assert "fusion=off  needs the live process" in text_of(app) and not screen.live.now.measuring
        screen._tick()
        assert not screen.desk.switches.touched


def test_jit_and_the_other_switches_put_each_other_back():
    fused = Switches().turned("fusion").turned("devices")
    assert fused.turned("jit") == Switches(jit="off")
    assert set(fused.turned("jit").put_back(fused)) == {"fusion", "devices", "sharding"}
    assert Switches(jit="off").turned("fusion") == Switches(fusion="off")
    assert Switches.of(fused.command()) == fused


async def test_devices_and_sharding_go_together():
    keeper = FixedKeeper()
    async with shown(keeper=keeper, feed=FixedFeed("running", variants=False)) as (_app, pilot, _screen):
        await pilot.press("D", "D", "D")
        await until(pilot, lambda: keeper.measured)
        assert keeper.measured == [("scores#1", {"devices": 8, "shard_plan": "batch"})]
        await pilot.press("S")
        await until(pilot, lambda: len(keeper.measured) == 2)
        assert keeper.measured[1][1] == {"devices": 8, "shard_plan": "replicate"}


async def test_switches_are_buttons_too():
    keeper = FixedKeeper()
    async with shown(keeper=keeper, feed=FixedFeed("running", variants=False)) as (_app, pilot, _screen):
        await pilot.click("#switches", offset=(12, 0))
        await pilot.pause()
        assert keeper.measured == [("scores#1", {"fusion": "off"})]


async def test_without_a_keeper_a_switch_says_how_to_measure():
    async with shown(feed=FixedFeed(variants=False)) as (app, pilot, _screen):
        await pilot.press("F")
        await settle(pilot)
        assert any("reading only" in str(note.message) for note in app._notifications)


async def test_tabs_of_a_pane_are_buttons():
    async with shown() as (_app, pilot, screen):
        pane = screen.stage_pane("a").text_pane
        places = {part.tooltip: at for at, _, part in pane._placed_title(pane.view_width) if part and part.click}
        await pilot.click("#a-text", offset=(places["stablehlo"] + 1, 0))
        await settle(pilot)
        assert screen.stage_pane("a").showing == "stablehlo"


async def test_a_starting_run_tells_what_is_being_done():
    keeper, feed = FixedKeeper(), FixedFeed("running", variants=False)
    feed.programs_known = False
    async with shown(keeper=keeper, feed=feed) as (app, pilot, screen):
        screen._tick()
        await settle(pilot)
        assert "now tracing scores" in screen_text(app)[1]
        assert "RUNNING" in screen_text(app)[0]
        assert "tracing scores" in text_of(app)
        await pilot.press("F")
        await settle(pilot)
        assert keeper.measured == []
        feed.programs_known, feed.number = True, 2
        await until(pilot, lambda: screen.desk.program == "scores#1")
        await settle(pilot)
        assert "dot_general[" in text_of(app)


async def test_a_crash_shows_the_whole_traceback_and_the_screen_stays():
    feed = FixedFeed("ended")
    feed.exit_code = 1
    feed.exception = "Traceback (most recent call last):\n  File \"a.py\", line 9\nValueError: [bold]x[/]\x1b[2J\n"
    async with shown(feed=feed) as (app, pilot, _screen):
        await until(pilot, lambda: isinstance(app.screen, TextOverlay))
        assert "ValueError: [bold]x[/]␛[2J" in text_of(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "CRASHED exit 1" in screen_text(app)[0]


async def test_what_changes_under_a_dialog_is_painted_once(monkeypatch):
    async with shown() as (app, pilot, screen):
        await pilot.press("question_mark")
        await settle(pilot)
        painted = []
        display = app._display
        monkeypatch.setattr(app, "_display", lambda *given: (painted.append(1), display(*given)))
        screen.query_one("#phases", PartLine).set_parts([("another text", "text")])
        for _ in range(20):
            await pilot.pause(0.02)
        assert 1 <= len(painted) <= 2


async def test_quitting_asks_while_the_script_runs():
    keeper = FixedKeeper()
    async with shown(keeper=keeper) as (app, pilot, screen):
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, ConfirmQuit)
        await pilot.press("n")
        await pilot.pause()
        assert app.screen is screen and app.is_running
        await pilot.press("q", "q")
        await pilot.pause()
        assert app.screen is screen and not keeper.stopped
        await pilot.press("ctrl+q", "ctrl+q")
        await pilot.pause()
        assert isinstance(app.screen, ConfirmQuit)
        await pilot.press("y")
        await until(pilot, lambda: app._exit)


async def test_ctrl_c_asks_and_interrupts_the_script():
    keeper = FixedKeeper()
    async with shown(keeper=keeper) as (app, pilot, screen):
        await pilot.press("ctrl+c", "ctrl+c")
        await pilot.pause()
        assert isinstance(app.screen, ConfirmInterrupt) and "KeyboardInterrupt" in text_of(app)
        await pilot.press("n")
        await pilot.pause()
        assert app.screen is screen and not keeper.interrupted
        await pilot.press("ctrl+c", "y")
        await pilot.pause()
        assert keeper.interrupted == 1 and app.is_running and not app._exit


async def test_a_script_that_waits_for_input_is_told_of(monkeypatch):
    keeper = FixedKeeper()
    keeper.tell = None
    async with shown(keeper=keeper) as (app, pilot, screen):
        keeper.tell({"kind": "output", "stream": "stdout", "data": b"how many? "})
        now = replace(screen.live.now, pid=1, state="running", activity="running")
        assert waits_for_input(now, lambda pid: True, now.heard + 2)
        assert not waits_for_input(now, lambda pid: True, now.heard + 0.5)
        assert not waits_for_input(now, lambda pid: False, now.heard + 60)
        assert not waits_for_input(now, lambda pid: None, now.heard + 2)
        assert waits_for_input(now, lambda pid: None, now.heard + 6)
        monkeypatch.setattr("xlascope.tui.screens.places.waits_for_input", lambda *given: True)
        screen.draw_status()
        await pilot.pause()
        assert "script may wait for input: press i" in screen_text(app)[-1]
        await pilot.press("i", *"3", "enter")
        await settle(pilot)
        assert keeper.typed == b"3\n" and screen.query_one(PromptLine).is_open
        assert not screen.live.now.open_line
        keeper.tell({"kind": "output", "stream": "stdout", "data": b"a\r 10%"})
        assert not screen.live.now.open_line


async def test_quitting_does_not_ask_when_the_script_has_ended():
    async with shown() as (app, pilot, _screen):
        await pilot.press("q")
        await until(pilot, lambda: app._exit)


async def test_a_line_is_typed_to_the_script():
    keeper = FixedKeeper()
    async with shown(keeper=keeper) as (_app, pilot, screen):
        await pilot.press("o", "enter", *"yes", "enter")
        await settle(pilot)
        assert keeper.typed == b"yes\n"
        await pilot.press(*"no", "enter", "escape")
        await settle(pilot)
        assert keeper.typed == b"yes\nno\n"
        assert screen.focused is screen.output_pane()


async def test_the_palette_is_made_from_the_registry():
    async with shown() as (app, pilot, screen):
        titles = [command.title for command in app.get_system_commands(screen)]
        assert {"Switch fusion", "Optimized HLO", "quit", "Theme"} <= set(titles)
        await pilot.press("ctrl+p")
        await pilot.pause()
        assert app.screen is not screen
        await pilot.press("escape")


async def test_every_action_has_its_method_a_key_and_words():
    owners = {"main": MainScreen, "list": TextPane, "text": TextPane, "table": OpsTable, "functions": FunctionsList,
              "graph": GraphPane, "output": OutputPane}  # fmt: skip
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    for action in ACTIONS:
        name = "action_" + action.method.partition("(")[0]
        assert callable(getattr(owners[action.scope], name)), action.id
        assert action.keys and action.description and action.tooltip
    for scope in owners:
        keys = [key for binding in bindings(scope) for key in binding.key.split(",")]
        assert len(keys) == len(set(keys)), scope


async def test_keys_can_be_changed_by_their_id():
    keeper = FixedKeeper()
    async with shown(keeper=keeper, feed=FixedFeed("running", variants=False)) as (app, pilot, _screen):
        app.set_keymap({"main.fusion": "ctrl+t"})
        await pilot.press("ctrl+t")
        await pilot.pause()
        assert keeper.measured == [("scores#1", {"fusion": "off"})]


async def test_an_idle_screen_draws_nothing():
    async with shown() as (_app, pilot, screen):
        await settle(pilot)
        drawn = []
        for widget in screen.query("*"):
            widget.refresh = lambda *_, widget=widget, **__: drawn.append(widget)  # type: ignore[method-assign]
        for _ in range(5):
            screen._tick()
            await settle(pilot)
        assert drawn == []


async def test_a_view_that_fails_is_told_and_the_screen_goes_on():
    feed = FixedFeed()
    feed._view_variants = lambda program: 1 / 0  # type: ignore[method-assign]
    async with shown(feed=feed) as (app, pilot, screen):
        await until(pilot, lambda: screen.desk.failure)
        assert "ZeroDivisionError" in screen.desk.failure
        assert "dot_general[" in text_of(app)


@pytest.mark.parametrize(("environ", "checks"), [({"LC_ALL": "C"}, "ascii"), ({"NO_COLOR": "1"}, "colour")])
async def test_terminals_without_unicode_or_colour(environ, checks, monkeypatch):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    async with shown() as (app, pilot, screen):
        await pilot.press("1", "j")
        await settle(pilot)
        strips = screen._compositor.render_strips()
        if checks == "ascii":
            drawn = "".join(line for number, line in enumerate(screen_text(app)))
            borders = set("▏▎│▂▃▄▅▆▇█▔▕")
            assert all(character.isascii() or character in borders for character in drawn)
            assert "J jit ON" in drawn and "~18%" in drawn
        else:
            for strip in strips:
                for segment in strip:
                    style = segment.style
                    assert style is None or style.color is None or style.color.is_default or not app.native_ansi_color
            assert app.no_color and app.native_ansi_color


def test_the_screen_starts_without_what_it_does_not_need():
    import subprocess
    import sys

    code = (
        "import sys, json; import xlascope.tui.app; "
        "print(json.dumps([name for name in ('jax', 'jaxlib', 'numpy', 'plotext', 'sqlite3', 'xlascope.views', "
        "'google.protobuf', 'xlascope.tui.screens.main') if name in sys.modules]))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == []
    code = "import sys; import xlascope.tui.screens.main; print([n for n in sys.modules if n in ('jax', 'numpy')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
