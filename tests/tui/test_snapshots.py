"""Pictures of the widgets and of the main layouts, compared with those that were looked at."""

from __future__ import annotations

import pytest
from fixed import FixedFeed, at_hand
from hosting import Host, settle

from xlascope.tui.app import XlascopeApp
from xlascope.tui.screens.main import MainScreen
from xlascope.tui.text.lines import TextLines
from xlascope.tui.widgets.chart import Chart, ChartSpec, Interval, Series
from xlascope.tui.widgets.text_pane import LineMark, TextPane


async def still(pilot) -> None:
    """Nothing on the screen changes any more: answers of workers come in one after the other."""
    before, same = None, 0
    while same < 10:  # answers are asked for at most four times a second
        await settle(pilot)
        await pilot.pause(0.05)
        now = [[tuple(segment) for segment in line] for line in pilot.app.screen._compositor.render_strips()]
        before, same = now, same + 1 if now == before else 0


async def ready(pilot) -> None:
    """The main screen has its program and all its panes have theirs."""
    app = pilot.app
    while not isinstance(app.screen, MainScreen) or not app.screen.desk.variants:
        await pilot.pause(0.01)
    await still(pilot)


async def with_cursor(pilot) -> None:
    await ready(pilot)
    await pilot.press("1", "j")
    await still(pilot)


async def opened_graph(pilot) -> None:
    await ready(pilot)
    await pilot.press("6", "enter")
    await still(pilot)


async def shown_help(pilot) -> None:
    await ready(pilot)
    await pilot.press("7", "question_mark")
    await still(pilot)


LAYOUTS = [
    ("small", (80, 24), with_cursor), ("middle", (120, 36), with_cursor), ("large", (200, 60), with_cursor),
    ("short", (120, 24), with_cursor), ("graph", (80, 24), opened_graph), ("help", (120, 36), shown_help),
]  # fmt: skip


@pytest.mark.parametrize(("name", "size", "prepare"), LAYOUTS, ids=[name for name, _, _ in LAYOUTS])
def test_layouts(snap_compare, name, size, prepare):
    assert snap_compare(XlascopeApp(at_hand(), FixedFeed()), terminal_size=size, run_before=prepare)


def test_without_colours(snap_compare, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(XlascopeApp(at_hand(), FixedFeed()), terminal_size=(120, 36), run_before=with_cursor)


def test_without_unicode(snap_compare, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    assert snap_compare(XlascopeApp(at_hand(), FixedFeed()), terminal_size=(120, 36), run_before=with_cursor)


def test_margin(snap_compare):
    pane = TextPane()
    marks = {0: LineMark(0.55, True), 1: LineMark(0.11), 2: LineMark(kind="nothing_left"), 3: LineMark(kind="unknown")}
    pane.set_content(TextLines("a:f32[8] = add[axes=(0,)] b c\n" * 6), "jaxpr", first_number=7, marks=marks)
    pane.set_title([("1 jaxpr", "title"), ("  f#1", "dim")])
    assert snap_compare(Host(pane), terminal_size=(50, 8))


def test_chart(snap_compare):
    chart = Chart()
    series = Series("call", range(40), [100 + number % 7 for number in range(40)])
    chart.set_chart(ChartSpec("calls", (series,), (Interval((0, 40), 101, 103, 105, "good"),), (12.0,), "call", "µs"))
    assert snap_compare(Host(chart), terminal_size=(70, 16))
