"""The screen of passes over a real run: what it shows, its keys, collecting with progress and cancel."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tui"))

from fixed import FixedKeeper
from hosting import screen_text, settle
from on_screen import until

from xlascope.runfile import Reader
from xlascope.tui.app import XlascopeApp
from xlascope.tui.feeding.live import RunAtHand
from xlascope.tui.screens.main import MainScreen
from xlascope.tui.screens.passes import PassesScreen
from xlascope.tui.screens.passes_model import FORMS, PassItem, PassTable, Subject, difference_lines
from xlascope.tui.widgets.passes_list import PassesList
from xlascope.tui.widgets.text_pane import TextPane


@asynccontextmanager
async def opened(path: Path, size=(120, 36), keeper=None, subject=None, program="scores#1"):  # type: ignore[no-untyped-def]
    app = XlascopeApp(RunAtHand(path, keeper, "script.py", False))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: any(isinstance(screen, MainScreen) for screen in app.screen_stack))
        main = next(screen for screen in app.screen_stack if isinstance(screen, MainScreen))
        await until(pilot, lambda: main.desk.program is not None)
        app.push_screen(PassesScreen(main, program, None, subject))
        await until(pilot, lambda: isinstance(app.screen, PassesScreen))
        await settle(pilot)
        yield app, pilot, app.screen


def exp_path(recorded: Path) -> str:
    from xlascope.views import open_source, query

    with open_source(recorded) as source:
        rows = query("equations", source, program="scores").rows
    return next(row.path for row in rows if row.primitive == "exp")


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
async def test_the_history_of_what_the_cursor_was_on_is_told_and_marked(recorded: Path, size: tuple[int, int]) -> None:
    async with opened(recorded, size, subject=Subject(equation=exp_path(recorded))) as (app, pilot, screen):
        passes, text = screen.query_one(PassesList), screen.query_one(TextPane)
        await until(pilot, lambda: passes.current is not None and len(text.source))
        said = "\n".join(screen_text(app))
        assert "exp (equation" in said and "merged into" in said
        item = passes.current
        assert f"* {item.index:>2} {item.name}"[:9] in said.replace("►", " ")
        # The text is at the instruction itself.
        row = text.source.line(text.cursor)
        assert text.cursor in text._linked and ("exponential(" in row or row.startswith("merged into"))


async def test_keys_lead_through_forms_and_panes_and_back(recorded: Path) -> None:
    async with opened(recorded) as (app, pilot, screen):
        passes, text = screen.query_one(PassesList), screen.query_one(TextPane)
        await until(pilot, lambda: len(text.source))
        assert passes.has_focus
        for form, first in ((FORMS[1], "--- pass:"), (FORMS[2], "HloModule jit_scores")):
            await pilot.press("t")
            await until(pilot, lambda first=first: text.source.line(0).startswith(first))
            assert form in "\n".join(screen_text(app))
        await pilot.press("tab")
        assert text.has_focus
        await pilot.press("escape")
        assert passes.has_focus and isinstance(app.screen, PassesScreen)
        await pilot.press("escape")
        assert isinstance(app.screen, MainScreen)


def lines(pane: TextPane) -> list[str]:
    return [pane.source.line(row) for row in range(len(pane.source))]


async def test_any_two_passes_are_compared(recorded: Path) -> None:
    async with opened(recorded) as (app, pilot, screen):
        passes, text = screen.query_one(PassesList), screen.query_one(TextPane)
        await until(pilot, lambda: len(text.source))
        await pilot.press("home", "apostrophe")
        first = passes.current.index
        await pilot.press("end")
        last = passes.current.index
        title = f"{first} to {last} {passes.current.name}"
        await until(pilot, lambda: title in "\n".join(screen_text(app)))
        assert f"what changed since {first}" in "\n".join(screen_text(app))
        feed = screen._over.feed
        diff = feed.query("diff", program="scores#1", variant=None, to=str(last), **{"from": str(first)})
        assert lines(text) == difference_lines(diff)[: len(lines(text))] and len(lines(text)) > 10
        alone = feed.query("diff", program="scores#1", variant=None, to=str(last))
        assert lines(text)[:5] != difference_lines(alone)[:5]
        await pilot.press("t")
        await until(pilot, lambda: text.source.line(0) == f"--- pass:{first}")
        assert text.source.line(1) == f"+++ pass:{last}"
        await pilot.press("t", "t", "apostrophe")  # since the last one: its own changes
        await until(pilot, lambda: title not in "\n".join(screen_text(app)))
        assert lines(text) == difference_lines(alone)[: len(lines(text))]
        await pilot.press("apostrophe")
        assert "f filters" in "\n".join(screen_text(app))


async def test_what_a_pass_changed_is_shown_of_the_one_that_a_filter_puts_under_the_cursor(recorded: Path) -> None:
    async with opened(recorded) as (app, pilot, screen):
        passes, text = screen.query_one(PassesList), screen.query_one(TextPane)
        await until(pilot, lambda: len(text.source))
        await pilot.press("end")
        last = passes.current
        passes.set_filter(next(each.name for each in passes._table.items if each.changed and each.name != last.name))
        assert passes.current is not None and passes.current != last
        title = f"{passes.current.index} {passes.current.name}  what changed"
        await until(pilot, lambda: title in "\n".join(screen_text(app)))


async def test_loops_open_unchanged_passes_come_on_request_and_a_filter_keeps_some(recorded: Path) -> None:
    async with opened(recorded, program="loop#1") as (app, pilot, screen):
        passes = screen.query_one(PassesList)
        await until(pilot, lambda: passes.row_count() > 0)
        folded = passes.row_count()
        loop = next(row for row in range(folded) if "×" in passes.row_text(row))
        passes.go_to(loop)
        await pilot.press("enter")
        assert passes.row_count() > folded
        await pilot.press("enter", "u")
        changed = passes.row_count()
        await pilot.press("u")
        assert passes.row_count() == folded < changed
        await pilot.press("f", *"fusion", "enter")
        assert 0 < passes.row_count() < folded
        assert all("fusion" in passes.row_text(row) for row in range(passes.row_count()))
        changed_ones = [each for each in passes._table.items if each.changed]
        kept = [each for each in changed_ones if "fusion" in f"{each.name} {each.pipeline} {each.change}".lower()]
        said = f"f fusion  {len(kept)} of {len(changed_ones)}"
        assert said in "\n".join(screen_text(app))
        await pilot.press("slash", *"zzz", "enter")
        await until(pilot, lambda: "/zzz  0 matches" in "\n".join(screen_text(app)))
        await pilot.press("escape")
        await until(pilot, lambda: said in "\n".join(screen_text(app)))
        await pilot.press("escape")
        assert "f fusion" not in "\n".join(screen_text(app))
        assert passes.row_count() == folded and passes.has_focus
        await pilot.press("slash", *"fusion", "enter")
        await until(pilot, lambda: "fusion" in passes.row_text(passes.cursor))


async def test_what_is_not_held_is_collected_with_progress_and_can_be_cancelled(recorded: Path, tmp_path: Path) -> None:
    path = without_passes(recorded, tmp_path / "bare.xlascope")
    keeper = FixedKeeper()
    async with opened(path, keeper=keeper) as (app, pilot, _screen):
        await until(pilot, lambda: keeper.collected)
        assert keeper.collected == [("scores#1", "passes")]
        keeper.tell({"kind": "progress", "id": 101, "done": 31, "total": 63, "detail": "pass 31 of ~63: p.after_dce"})
        await until(pilot, lambda: "pass 31 of ~63" in "\n".join(screen_text(app)))
        await pilot.press("escape")
        assert keeper.cancelled == [101] and isinstance(app.screen, PassesScreen)
        keeper.tell({"kind": "result", "id": 101, "ok": False, "cancelled": True, "error": "cancelled"})
        await until(pilot, lambda: "cancelled; p leads back, and p there asks again" in "\n".join(screen_text(app)))
        await pilot.press("escape")
        assert isinstance(app.screen, MainScreen)


async def test_a_file_for_reading_only_says_how_passes_are_had(recorded: Path, tmp_path: Path) -> None:
    path = without_passes(recorded, tmp_path / "bare.xlascope")
    async with opened(path) as (app, pilot, _screen):
        await until(pilot, lambda: "file is open for reading" in "\n".join(screen_text(app)))
        await pilot.press("p")
        assert isinstance(app.screen, MainScreen)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, PassesScreen))


def without_passes(recorded: Path, path: Path) -> Path:
    """A copy of the run without its passes."""
    import sqlite3

    path.write_bytes(recorded.read_bytes())
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM records WHERE kind = 'passes'")
    database.close()
    with Reader(path) as reader:
        assert not list(reader.records("passes"))
    return path


async def test_ten_thousand_passes_are_listed_at_once() -> None:
    from hosting import Host

    items = tuple(PassItem(at, f"pass-{at}", "p", True, 9, 1, "+1 add", None, None, None, None) for at in range(10_000))
    passes = PassesList()
    async with Host(passes).run_test(size=(60, 20)) as pilot:
        passes.set_table(PassTable("f#1", None, items, None, False))
        await pilot.press("G")
        assert passes.current is items[-1]
        assert any("pass-9999" in line for line in screen_text(pilot.app))
