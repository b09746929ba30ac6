"""What stands in the place of a chart, a text, a graph or a list is never cut, however narrow the pane."""

from __future__ import annotations

import pytest
from hosting import Host, screen_text
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from xlascope.tui.text.breaking import wrapped
from xlascope.tui.widgets.chart import Chart, ChartSpec, Series
from xlascope.tui.widgets.functions import FunctionsList
from xlascope.tui.widgets.graph_pane import GraphPane
from xlascope.tui.widgets.note import hanging
from xlascope.tui.widgets.part_line import Part
from xlascope.tui.widgets.text_pane import TextPane

SAID = "no function was compiled: 37 eager operations, each compiled alone, and none of them was seen by any window"


@given(st.text("ab 漢-", max_size=200), st.integers(4, 60))
def test_a_wrapped_sentence_loses_nothing_but_spaces(text, width):
    lines = wrapped(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(cell_len(line) <= width for line in lines)


@given(st.text("ab 漢層-", max_size=40), st.integers(1, 5))
@example("a層", 1)
def test_a_character_wider_than_a_line_has_one_of_its_own(text, width):
    lines = wrapped(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(cell_len(line) <= width or len(line) == 1 for line in lines)


@pytest.mark.parametrize("kind", [TextPane, GraphPane, FunctionsList])
@pytest.mark.parametrize("width", [30, 44, 120])
async def test_a_sentence_in_the_place_of_the_rows_goes_over_several(kind, width):
    view = kind()
    app = Host(view)
    async with app.run_test(size=(width, 12)) as pilot:
        view.set_placeholder(SAID)
        await pilot.pause()
        assert " ".join(" ".join(screen_text(app)).replace("█", " ").split()).endswith(SAID)
        await pilot.press("j", "j", "G", "k", "enter")
        await pilot.resize_terminal(width + 10, 12)
        await pilot.pause()
        assert SAID in " ".join(" ".join(screen_text(app)).split())


def test_what_a_key_does_goes_on_below_where_it_began():
    keys = ["  j k  choose a function or one of its programs", "  F    fusion off"]
    text = ["Some words before the keys of this note.", "", *keys]
    assert hanging(text, 30) == [
        "Some words before the keys", "of this note.", "", "  j k  choose a function or", "       one of its programs",
        "  F    fusion off"]  # fmt: skip
    assert hanging(text, 200) == text


async def test_a_chart_says_all_of_what_it_lacks_and_of_its_title():
    chart = Chart()
    chart.set_title([Part("8 chart", "title")])
    chart.set_chart(ChartSpec("op time per call, lines: compiles; scores#1", empty=SAID))
    app = Host(chart)
    async with app.run_test(size=(43, 12)) as pilot:
        await pilot.pause()
        shown = screen_text(app)
        assert shown[0] == "▌8 chart  op time per call, lines:" and shown[1] == " compiles; scores#1"
        assert " ".join(" ".join(shown[2:]).split()) == SAID
        chart.set_chart(ChartSpec("t", (Series("s", [0.0, 1.0], [1.0, 2.0]),)))
        await pilot.pause()
        assert screen_text(app)[1].lstrip()[0] == "┌"
