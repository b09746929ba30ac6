"""What the screen says where it cannot do a thing: failures, nothing inside, too small a terminal, its own errors."""

from __future__ import annotations

import pytest
from fixed import FixedFeed, FixedKeeper, at_hand
from hosting import settle
from on_screen import screen_text, shown, text_of, until

from xlascope.cli import live
from xlascope.cli.errors import CommandError
from xlascope.tui.app import XlascopeApp
from xlascope.tui.widgets.dialogs import HelpOverlay, TextOverlay
from xlascope.tui.widgets.effect_line import EffectLine
from xlascope.tui.widgets.status import ExplainLine

REMEDY = "Give --args full when recording, or open the form with S and lay the first argument over fewer devices"


async def test_why_it_failed_stands_on_up_to_three_lines_and_whole_behind_equals():
    async with shown((100, 30), keeper=FixedKeeper()) as (app, pilot, screen):
        screen.live.failed("devices=8", f"argument 0 has no dimension of 8. {REMEDY}")
        screen.draw_status()
        await settle(pilot)
        line = screen.query_one(EffectLine)
        assert line.size.height == 2
        assert REMEDY in " ".join(screen_text(app)[row].strip() for row in (3, 4))
        screen.live.failed("devices=8", f"argument 0 has no dimension of 8. {REMEDY * 8}")
        screen.draw_status()
        await settle(pilot)
        assert line.size.height == 3 and "= all" in screen_text(app)[5]
        await pilot.press("equals_sign")
        await pilot.pause()
        assert isinstance(app.screen, TextOverlay) and "What could not be done" in text_of(app)
        await pilot.press("escape", "escape")
        await settle(pilot)
        assert line.size.height == 1


async def test_enter_on_a_node_that_is_no_group_says_so():
    async with shown() as (_app, pilot, screen):
        await pilot.press("6", "enter")
        await settle(pilot)
        await pilot.press("down", "enter")
        await settle(pilot)
        view = screen.stage_pane("b").graph_pane
        leaf = next(node.id for node in view.graph.nodes if node.opcode == "parameter")
        view.show_node(leaf)
        await pilot.press("enter")
        await settle(pilot)
        assert "no group: nothing inside" in screen.query_one(ExplainLine).said


async def test_too_small_a_terminal_says_what_it_needs():
    async with shown((40, 10)) as (app, pilot, _screen):
        lines = screen_text(app)
        assert "at least 60x16" in lines[0] and not any(lines[1:])
        await pilot.resize_terminal(60, 16)
        await settle(pilot)
        assert "at least" not in text_of(app) and "FUNCTIONS" in text_of(app) and "? help" in text_of(app)


async def test_a_terminal_that_was_too_small_for_a_while_goes_on_where_it_was():
    async with shown((120, 36)) as (_app, pilot, screen):
        await pilot.press("4")
        await settle(pilot)
        view = screen.stage_pane("a").text_pane
        assert view.has_focus
        await pilot.resize_terminal(40, 10)
        await settle(pilot)
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: view.has_focus)
        before = view.cursor
        await pilot.press("k")
        assert view.cursor == before - 1


async def test_a_pane_that_a_smaller_terminal_has_no_room_for_gives_its_keys_to_another():
    async with shown((200, 60)) as (_app, pilot, screen):
        screen.go_to_pane("d")
        await settle(pilot)
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: screen.functions().has_focus and screen.desk.current == "functions")


async def test_capital_g_leads_to_the_end_of_the_help():
    async with shown((80, 24)) as (app, pilot, _screen):
        await pilot.press("question_mark")
        await pilot.pause()
        area = app.screen.query_one("VerticalScroll")
        await pilot.press("G")
        await pilot.pause()
        assert isinstance(app.screen, HelpOverlay) and area.scroll_y == area.max_scroll_y > 0
        await pilot.press("g")
        await pilot.pause()
        assert area.scroll_y == 0


def test_a_terminal_that_cannot_be_drawn_on_is_refused(monkeypatch):
    for stream in ("stdin", "stdout"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "dumb")
    with pytest.raises(CommandError, match="TERM=dumb") as refused:
        live.need_screen("record it")
    assert refused.value.code == 2


async def test_an_error_of_the_screen_is_kept_as_one_line(monkeypatch, capsys):
    def broken(self):
        raise ImportError("no module named graphs")

    monkeypatch.setattr(XlascopeApp, "_open_main", broken)
    app = XlascopeApp(at_hand(), FixedFeed())
    with pytest.raises(ImportError):
        async with app.run_test() as pilot:
            await until(pilot, lambda: app.failed is not None)
    assert app.failed is not None and app.failed.startswith("ImportError: no module named graphs (test_failures_told.py:")
    assert "locals" not in capsys.readouterr().err
