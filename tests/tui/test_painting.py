"""The strips of a frame are those that Textual's own way makes, for rows, headers and scrollbars."""

from __future__ import annotations

import pytest
from hosting import Host
from rich.segment import Segment
from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar

from xlascope.tui.text.lines import TextLines
from xlascope.tui.widgets.text_pane import LineMark, TextPane

SIZE = (61, 18)
TEXT = "ENTRY %main (p: f32[8]) -> f32[8] {\n" + "".join(
    f"  %add.{n} = f32[{n},64]{{1,0}} add(%p.{n}, %日本語.{n}), {'x' * n} /*注*/\n" for n in range(200)
) + "}\n"  # fmt: skip


def pane() -> TextPane:
    made = TextPane()
    made.set_content(TextLines(TEXT), "hlo", marks={row: LineMark(row / 300, row % 3 == 0) for row in range(0, 200, 2)})
    return made


def cells(strips, width):
    """Each character with its style, up to a width."""
    return [
        [(letter, style) for text, style, _ in strip.crop(0, width) for letter in text] for strip in strips
    ]  # fmt: skip


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-dark"])
async def test_rows_are_painted_as_textual_paints_them(theme):
    app = Host(pane())
    async with app.run_test(size=SIZE) as pilot:
        view = app.widget
        app.theme = theme
        view.focus()
        for row, column in ((0, 0), (40, 0), (61, 7), (170, 31), (201, 2)):
            view.set_column(column)
            view.go_to(row)
            await pilot.pause()
            region = Region(0, 0, *view.size)
            mine = view.render_lines(region)
            assert view._is_bare()
            assert [strip.cell_length for strip in mine] == [view.view_width] * SIZE[1]
            view._styles_cache.clear()
            theirs = ScrollView.render_lines(view, region)
            assert cells(mine, view.view_width) == cells(theirs, view.view_width)


async def test_a_part_of_the_lines_is_cut_out_of_them():
    app = Host(pane())
    async with app.run_test(size=SIZE):
        view = app.widget
        whole = view.render_lines(Region(0, 0, *view.size))
        part = view.render_lines(Region(5, 3, 20, 6))
        assert part == [strip.crop(5, 25) for strip in whole[3:9]]


async def test_a_pane_with_a_border_is_painted_by_textual():
    app = Host(pane())
    async with app.run_test(size=SIZE) as pilot:
        view = app.widget
        view.styles.border = ("solid", "red")
        await pilot.pause()
        lines = ["".join(text for text, _, _ in strip) for strip in view.render_lines(Region(0, 0, *SIZE))]
        assert lines[0][0] + lines[0][-1] + lines[-1][0] + lines[-1][-1] == "┌┐└┘"
        assert "ENTRY" in lines[2]


async def test_without_colours_no_segment_has_one(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    app = Host(pane())
    async with app.run_test(size=SIZE):
        view = app.widget
        found = [style for strip in view.render_lines(Region(0, 0, *view.size)) for _, style, _ in strip]
        assert found
        for style in found:
            for colour in (style.color, style.bgcolor):
                assert colour is None or len(set(colour.get_truecolor())) == 1


async def test_colours_follow_the_theme():
    app = Host(pane())
    async with app.run_test(size=SIZE) as pilot:
        view = app.widget
        app.theme = "textual-dark"
        await pilot.pause()
        dark = view.render_lines(Region(0, 0, *view.size))
        app.theme = "textual-light"
        await pilot.pause()
        light = view.render_lines(Region(0, 0, *view.size))
        assert [strip.text for strip in dark] == [strip.text for strip in light]
        grounds = [{style.bgcolor for _, style, _ in strip} for strip in (dark[5], light[5])]
        assert not grounds[0] & grounds[1]


async def test_the_scrollbar_is_the_one_textual_draws():
    app = Host(pane())
    async with app.run_test(size=SIZE) as pilot:
        view = app.widget
        bar = view.vertical_scrollbar
        for top in (0, 1, 7, 93, 184, 10**6):
            view.scroll_rows(top)
            await pilot.pause()
            region = Region(0, 0, *bar.size)
            mine = bar.render_lines(region)
            bar._styles_cache.clear()
            theirs = ScrollBar.render_lines(bar, region)
            assert len(mine) == SIZE[1]
            assert cells(mine, 1) == cells(theirs, 1)
        assert bar.render_lines(Region(0, 2, 1, 3)) == mine[2:5]


async def test_a_wide_character_at_the_edge_becomes_a_space():
    app = Host(pane())
    async with app.run_test(size=SIZE):
        view = app.widget
        assert view.fitted([Segment("ab日本")], 5).text == "ab日 "
        assert view.fitted([Segment("ab日本"), Segment("c")], 7).text == "ab日本c"
        assert view.fitted([], 3).text == "   "
