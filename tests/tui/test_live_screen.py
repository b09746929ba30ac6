"""A run that is live: what is told while it starts, runs, asks, crashes and ends."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from fixed import FixedFeed, FixedKeeper, op_rows
from hosting import screen_text, settle
from on_screen import shown, text_of, until

from xlascope.tui.feeding.live import LiveNow, LiveState, long_lasting, waits_for_input
from xlascope.tui.widgets.dialogs import ConfirmInterrupt, ConfirmQuit, HelpOverlay, PromptLine, TextOverlay
from xlascope.tui.widgets.functions import ProgramItem
from xlascope.tui.widgets.part_line import PartLine


async def test_what_runs_for_long_leads_until_its_share_is_known(monkeypatch):
    keeper, feed = FixedKeeper(), FixedFeed("running", variants=False)
    async with shown(keeper=keeper, feed=feed) as (_app, pilot, screen):
        assert long_lasting(LiveNow(activity="running", name="step", since=0.0), 1.0) is None
        assert long_lasting(LiveNow(activity="running", name="step", since=0.0), 3.0) == "step"
        functions = screen.functions()
        unseen = (ProgramItem("step#1", "f32[]"),)
        unknown = [
            replace(item, share=None, programs=unseen) if item.name == "step" else item for item in functions._functions
        ]
        functions.set_functions(unknown)
        monkeypatch.setattr("xlascope.tui.screens.main.long_lasting", lambda *given: "step")
        screen._tick()
        await settle(pilot)
        assert screen.desk.program == "step#1"
        functions.set_functions(screen.desk.overview.functions)
        await settle(pilot)
        assert screen.desk.program == "scores#1"


async def test_what_ran_for_long_leads_no_more_when_the_script_has_ended():
    keeper, feed = FixedKeeper(), FixedFeed("running", variants=False)
    async with shown(keeper=keeper, feed=feed) as (_app, pilot, screen):
        functions = screen.functions()
        unseen = (ProgramItem("step#1", "f32[]"),)
        functions.set_functions(
            [replace(item, share=None, programs=unseen) if item.name == "step" else item for item in functions._functions]
        )
        functions.lead("step")
        await settle(pilot)
        assert screen.desk.program == "step#1"
        keeper.state = "ended"
        await until(pilot, lambda: screen.desk.program == "scores#1")


async def test_the_screen_goes_to_the_hottest_program_as_times_come_in():
    feed = FixedFeed("running", variants=False)
    feed.times = {"scores#1": None, "scores#2": None}
    async with shown((80, 24), keeper=FixedKeeper(), feed=feed) as (app, pilot, screen):
        assert screen.desk.program == "scores#1"
        feed.times, feed.number = {"scores#1": None, "scores#2": 7_000}, 2
        await until(pilot, lambda: screen.desk.program == "scores#2")
        await settle(pilot)
        assert "scores#2" in text_of(app) and screen.functions().cursor == 0
        feed.times, feed.number = {"scores#1": 7_001, "scores#2": 7_000}, 3
        await until(pilot, lambda: screen.desk.program == "scores#1")


async def test_a_program_that_the_user_looks_at_stays_when_another_becomes_hotter():
    feed = FixedFeed("running", variants=False)
    feed.times = {"scores#1": None, "scores#2": 7_000}
    async with shown(keeper=FixedKeeper(), feed=feed) as (_app, pilot, screen):
        assert screen.desk.program == "scores#2"
        await pilot.press("j")
        before = screen.desk.overview
        feed.times, feed.number = {"scores#1": 9_000, "scores#2": 7_000}, 2
        await until(pilot, lambda: screen.desk.overview is not before)
        await settle(pilot)
        assert screen.desk.program == "scores#2"
        await pilot.press("j")
        await until(pilot, lambda: screen.desk.program == "scores#1")


async def test_the_table_of_a_program_that_no_window_saw_waits_only_while_the_script_runs():
    feed = FixedFeed("running", variants=False)
    feed.unseen = True
    async with shown(keeper=FixedKeeper(), feed=feed) as (_app, pilot, screen):
        await until(pilot, lambda: screen.desk.ops.note == "no profile window has seen this program yet")
        feed.state, feed.number = "ended", 2
        await until(pilot, lambda: screen.desk.ops.note == "no profile window saw this program")


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


async def test_panes_are_loaded_behind_a_dialog():
    feed = FixedFeed("ended")
    async with shown(feed=feed) as (app, pilot, screen):
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpOverlay) and screen.desk.ops.calls_seen == 14_070
        feed._view_ops = lambda **options: SimpleNamespace(
            rows=op_rows()[:2], coverage=0.9, calls_seen=15_000, windows=7, window_ns=1, dropped=(), equations_exact=True,
            variant=None, simulated=False,
        )  # fmt: skip
        feed.number += 1
        await until(pilot, lambda: screen.desk.ops.calls_seen == 15_000, rounds=1500)
        assert isinstance(app.screen, HelpOverlay) and screen.ops_table().row_count() == 2


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
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert isinstance(app.screen, ConfirmInterrupt) and "KeyboardInterrupt" in text_of(app)
        await pilot.press("n")
        await pilot.pause()
        assert app.screen is screen and not keeper.interrupted
        await pilot.press("ctrl+c", "y")
        await pilot.pause()
        assert keeper.interrupted == 1 and app.is_running and not app._exit


@pytest.mark.parametrize("first", ["ctrl+c", "q", "ctrl+q"])
async def test_ctrl_c_leaves_where_leaving_or_interrupting_is_asked(first):
    keeper = FixedKeeper()
    async with shown(keeper=keeper) as (app, pilot, _screen):
        await pilot.press(first)
        await pilot.pause()
        assert isinstance(app.screen, ConfirmQuit) and ("(also Ctrl-C)" in text_of(app) or "^C  stop" in text_of(app)) and not app._exit
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app._exit)
        assert not keeper.interrupted


async def test_ctrl_c_twice_leaves_once_the_script_has_ended():
    async with shown() as (app, pilot, _screen):
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert not app._exit and any("Ctrl-C once more" in str(note.message) for note in app._notifications)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app._exit)


def test_a_prompt_that_was_there_before_the_screen_is_seen_too():
    status = SimpleNamespace(
        state="running", exit_code=None, signal=None, wall_ns=1, last_line="name? ", open_line=True, calls={}, pid=7,
        recording=True, activity=None,
    )  # fmt: skip
    live = LiveState()
    live.take_status(status)
    live.take_status(status)
    assert waits_for_input(live.now, lambda pid: pid == 7, live.now.heard + 2)
    live.typed()
    live.take_status(status)
    assert not waits_for_input(live.now, lambda pid: True, live.now.heard + 2)


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
        monkeypatch.setattr("xlascope.tui.main_screen.places.waits_for_input", lambda *given: True)
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


async def test_a_run_of_eager_operations_alone_shows_their_times():
    feed = FixedFeed()
    feed.programs_known = False
    async with shown(feed=feed) as (app, pilot, screen):
        await until(pilot, lambda: screen.desk.ops.rows)
        await settle(pilot)
        assert screen.desk.program is None
        assert "all programs" in text_of(app) and "ynn_fusion.1" in text_of(app)
