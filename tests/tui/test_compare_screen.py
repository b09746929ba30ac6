"""The screen of comparison: a variant beside its baseline, and two runs."""

from __future__ import annotations

import numpy as np
import pytest
from hosting import screen_text, settle
from on_screen import SIZES, opened, text_of, until
from written_run import write_run

from xlascope.runfile import Writer
from xlascope.tui.app import XlascopeApp
from xlascope.tui.feeding.live import RunAtHand
from xlascope.tui.screens.compare import CompareScreen
from xlascope.tui.screens.compare_model import Comparison, histogram, read, words_of
from xlascope.tui.screens.main import MainScreen
from xlascope.tui.widgets.chart import draw_chart
from xlascope.tui.widgets.compare_tables import EquationsTable, ProgramsTable
from xlascope.tui.widgets.dialogs import HelpOverlay, TextOverlay


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("one") / "a.xlascope")


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """The run again, with another source and one program more."""
    made = write_run(tmp_path_factory.mktemp("two") / "b.xlascope")
    writer = Writer(made)
    writer.put("program", {"id": "late#2", "function": "late", "file": "/x/late.py", "line": 2}, program="late#2")
    writer.close()
    return made


@pytest.mark.parametrize("size", SIZES)
async def test_two_runs_open_on_their_comparison(path, other, size):
    app = XlascopeApp(RunAtHand(other, script="softmax.py", against=path))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: any(isinstance(screen, CompareScreen) for screen in app.screen_stack))
        screen = next(each for each in app.screen_stack if isinstance(each, CompareScreen))
        await until(pilot, lambda: screen.query_one(ProgramsTable).row_count() == 1)
        await until(pilot, lambda: all(each in text_of(app) for each in ("dot_general", "only in B: late#2")))
        text = text_of(app)
        assert "A a.xlascope" in text and "B b.xlascope" in text
        assert "0 of 1 programs changed for sure" in text
        table = screen.query_one(EquationsTable)
        assert table.row_count() == 10 and table.within_noise
        roles = {column.key: column.role for column in table.columns}
        assert callable(roles["change"]) and roles["change"](table.row(0)) == "dim"
        assert app.screen is screen  # the traceback of the script waits until the comparison is left
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, TextOverlay))
        assert isinstance(app.screen_stack[-2], MainScreen)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, MainScreen))


async def test_a_variant_beside_its_baseline(path):
    async with opened(path) as (app, pilot, main):
        await until(pilot, lambda: bool(main.desk.variants))
        await pilot.press("c")
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        (row,) = [screen.query_one(ProgramsTable).row(0)]
        assert (row.ratio, row.verdict, row.how) == (pytest.approx(1.32), "slower", "in turn")
        text = text_of(app)
        assert "a.xlascope#baseline" in text and "1.320" in text and "1 of 1 programs changed for sure" in text
        assert screen.query_one(ProgramsTable).size.height == 1 + 3  # no emptier than 40 % of the screen
        table = screen.query_one(EquationsTable)
        rows = [table.row(k) for k in range(table.row_count())]
        changes = [abs(row.b_ns - row.a_ns) for row in rows if row.a_ns is not None and row.b_ns is not None]
        assert not changes or abs(table.current.b_ns - table.current.a_ns) == max(changes)
        await pilot.press("equals_sign")
        await settle(pilot)
        assert isinstance(app.screen, TextOverlay) and "neighbouring pairs" in text_of(app)
        await pilot.press("escape", "question_mark")
        await settle(pilot)
        assert isinstance(app.screen, HelpOverlay)
        await pilot.press("escape", "c")
        await settle(pilot)
        assert app.screen is main


async def test_what_to_bear_in_mind_of_a_program_is_above_its_equations(tmp_path):
    made = write_run(tmp_path / "spread.xlascope")
    writer = Writer(made)
    body = {"id": "v8", "switches": {"devices": 8}, "median_ns": 164, "baseline_median_ns": 124, "samples": 4,
            "ratio": 1.32, "ratio_ci_low": 1.29, "ratio_ci_high": 1.35, "device_count": 8, "simulated": True}  # fmt: skip
    writer.put("variant", body, program="scores#1", variant="devices=8")
    writer.close()
    async with opened(made) as (app, pilot, main):
        await until(pilot, lambda: len(main.desk.variants) == 2)
        await pilot.press("c")
        await until(pilot, lambda: "B on 8 simulated devices" in text_of(app))
        assert isinstance(app.screen, CompareScreen)


async def test_what_is_below_turns_and_has_the_keys(path):
    async with opened(path) as (app, pilot, main):
        await until(pilot, lambda: bool(main.desk.variants))
        await pilot.press("c")
        await settle(pilot)
        screen = app.screen
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(screen.focused, EquationsTable)
        await pilot.press("f", *"exp", "enter")
        await settle(pilot)
        assert [screen.focused.row(k).primitive for k in range(screen.focused.row_count())] == ["exp"]
        await pilot.press("escape")
        assert screen.focused.row_count() == 10
        await pilot.press("t")
        await settle(pilot)
        assert screen.focused.id == "cmp-times" and "time per call, A and B" in text_of(app)
        await pilot.press("t")
        await settle(pilot)
        assert screen.focused.id == "cmp-source" and "no difference" in text_of(app)
        await pilot.press("escape")
        assert isinstance(screen.focused, ProgramsTable)


async def test_a_file_that_is_gone_is_told(path, tmp_path):
    async with opened(path, against=tmp_path / "gone.xlascope") as (app, pilot, main):
        assert isinstance(app.screen, CompareScreen)
        assert "no such file" in screen_text(app)[0]
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, TextOverlay))  # the traceback of the script, told only now
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is main)


def test_without_a_variant_or_a_second_run_there_is_nothing_to_compare(path):
    assert words_of(RunAtHand(path), "scores#1", None, ()) is None
    assert words_of(RunAtHand(path, against=path.with_name("z")), None, None, ()) == (
        str(path.with_name("z")), str(path))


def test_histograms_lie_over_each_other(path):
    held = read((f"{path}#baseline", f"{path}#fusion=off"))
    (program,) = held.answer.programs
    before, after = held.calls["scores#1"]
    assert (before.tolist(), after.tolist()) == ([120, 124, 128], [160, 164, 168])
    many = Comparison(held.answer, {"scores#1": (np.linspace(1e5, 2e5, 50), np.r_[np.linspace(15e4, 25e4, 99), 1e9])})
    spec = histogram(many, program)
    assert spec.x_label == "µs" and max(max(each.x) for each in spec.series) < 260
    for each in spec.series:
        if not each.named:
            assert sum(each.y[::2]) == pytest.approx(100)
    drawn = "\n".join(draw_chart(spec, 60, 14, {}, ascii_only=True))
    assert "A" in drawn and "B" in drawn and "a" in drawn and "b" in drawn
    assert histogram(Comparison(held.answer), program).series == ()
