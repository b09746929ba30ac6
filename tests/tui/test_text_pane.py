"""Keys, mouse, search and margin of a text pane over many lines."""

from __future__ import annotations

import pytest
from hosting import Host, screen_text, settle
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from xlascope.tui.glyphs import ASCII
from xlascope.tui.text.lines import TextLines
from xlascope.tui.widgets.line_view import LineView
from xlascope.tui.widgets.text_pane import LineMark, TextPane

LINES = 1000
SIZE = (60, 20)
BODY = SIZE[1] - 1
HALF = round(0.5 * BODY)


def pane(text: str | None = None, **options) -> TextPane:
    made = TextPane(**options)
    made.set_content(TextLines(text if text is not None else "".join(f"line {n}\n" for n in range(LINES))), "hlo")
    return made


@pytest.mark.parametrize(
    ("keys", "row"),
    [
        (["j"], 1), (["down", "down"], 2), (["j", "j", "k"], 1), (["up"], 0), (["G"], LINES - 1), (["end"], LINES - 1),
        (["G", "g", "g"], 0), (["G", "home"], 0), (["G", "g"], LINES - 1), (["G", "g", "j", "g"], LINES - 1),
        (["pagedown"], BODY - 1), (["pagedown", "pageup"], 0), (["ctrl+d"], HALF), (["space"], BODY - 1),
        (["ctrl+f", "ctrl+u"], BODY - 1 - HALF),
    ],
)  # fmt: skip
async def test_keys_move_the_cursor_and_it_stays_in_sight(keys, row):
    app = Host(pane())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        view = app.widget
        assert view.cursor == row
        assert view.first_visible <= row < view.first_visible + BODY
        assert any(line.startswith(f"►line {row}") for line in screen_text(app))


@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, LINES - 1), min_size=1, max_size=12), st.integers(0, 200))
def test_every_visible_line_is_the_one_its_place_says(jumps, column):
    import asyncio

    async def run() -> None:
        text = "".join(f"{number:04d} {'abcdefghij' * 30}\n" for number in range(LINES))
        app = Host(pane(text))
        async with app.run_test(size=SIZE):
            view = app.widget
            view.set_column(column)
            for row in jumps:
                view.go_to(row)
                for y in range(1, SIZE[1]):
                    drawn = view.render_line(y).text
                    number = view.first_visible + y - 1
                    whole = view.source.line(number)[view.column :]
                    assert drawn[1:].rstrip() == whole[: view.view_width - 1].rstrip()
                    assert len(drawn) == view.view_width

    asyncio.run(run())


async def test_sideways_keys_scroll_columns_and_zero_goes_back():
    app = Host(pane("x" * 40 + "y" * 400))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("l", "right")
        assert app.widget.column == 16
        await pilot.press("h")
        assert app.widget.column == 8
        await pilot.press("0")
        assert app.widget.column == 0
        for _ in range(100):
            app.widget.action_sideways(8)
        assert app.widget.column <= 440


async def test_search_finds_forwards_backwards_and_around():
    app = Host(pane())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash")
        await pilot.pause()
        assert app.last(LineView.SearchRequested).purpose == "search"
        app.widget.start_search("line 99")
        await settle(pilot)
        assert app.widget.cursor == 99
        await pilot.press("n")
        await settle(pilot)
        assert app.widget.cursor == 990
        await pilot.press("N")
        await settle(pilot)
        assert app.widget.cursor == 99
        await pilot.press("N")
        await settle(pilot)
        assert app.widget.cursor == 999
        assert app.last(LineView.SearchDone).wrapped
        app.widget.start_search("nowhere")
        await settle(pilot)
        assert app.last(LineView.SearchDone).row is None
        assert app.widget.cursor == 999


async def test_matches_are_counted_anew_in_another_text():
    app = Host(pane("alpha Beta alpha\nalpha\n"))
    async with app.run_test(size=SIZE) as pilot:
        app.widget.start_search("alpha")
        await settle(pilot)
        assert "/alpha  1 of 2" in app.widget.render_line(0).text
        app.widget.set_content(TextLines("beta\nalpha\nbeta\nalpha\nalpha\n"))
        await settle(pilot)
        assert "/alpha  3 matches" in app.widget.render_line(0).text and app.widget.cursor == 0
        app.widget.start_search("alpha")
        await settle(pilot)
        assert app.widget.cursor == 1 and "/alpha  1 of 3" in app.widget.render_line(0).text
        app.widget.set_content(TextLines("beta\n"))
        await settle(pilot)
        assert "/alpha  0 matches" in app.widget.render_line(0).text


async def test_matches_are_marked_in_the_drawn_line():
    app = Host(pane("alpha Beta alpha\n"))
    async with app.run_test(size=SIZE) as pilot:
        app.widget.start_search("alpha")
        await settle(pilot)
        strip = app.widget.render_line(1)
        marked = [segment.text for segment in strip if segment.style and segment.style.bgcolor is not None
                  and segment.style.bgcolor == app.widget.palette["match"].bgcolor]  # fmt: skip
        assert marked == ["alpha", "alpha"]


async def test_brackets_of_a_jaxpr_are_text_and_not_markup():
    app = Host(pane("    j:f32[128] = add[axes=(0,)] i\n[bold red]x[/]\n"))
    async with app.run_test(size=SIZE):
        shown = screen_text(app)
        assert "j:f32[128] = add[axes=(0,)] i" in shown[1]
        assert "[bold red]x[/]" in shown[2]


async def test_control_characters_do_not_reach_the_terminal():
    app = Host(pane("a\x1b]0;evil\x07b\n\x9b2J\n"))
    async with app.run_test(size=SIZE):
        assert "a␛]0;evil␇b" in screen_text(app)[1]
        assert all(line.isprintable() for line in screen_text(app))


async def test_margin_tells_share_estimate_and_marks():
    view = TextPane()
    marks = {0: LineMark(0.55, True), 1: LineMark(0.11), 2: LineMark(kind="nothing_left"), 3: LineMark(kind="unknown"),
             4: LineMark(1.0), 5: LineMark(0.001, True), 6: LineMark(kind="added")}  # fmt: skip
    view.set_content(TextLines("x\n" * 8), "jaxpr", marks=marks)
    app = Host(view)
    async with app.run_test(size=SIZE):
        rows = screen_text(app)[1:]
        assert [row[:5].strip() for row in rows[:7]] == ["~55%▌", "11%▏", "∅", "?", "100%█", "~<1%▏", "+"]
        assert rows[7][:5].strip() == ""


async def test_line_numbers_start_where_they_are_told():
    view = TextPane()
    view.set_content(TextLines("a\nb\n"), "python", first_number=41)
    app = Host(view)
    async with app.run_test(size=SIZE):
        assert [row.split()[0] for row in screen_text(app)[1:3]] == ["41", "42"]


async def test_linked_rows_are_highlighted_and_only_they():
    app = Host(pane())
    async with app.run_test(size=SIZE):
        view = app.widget
        view.set_linked([3])
        linked = view.palette["linked"].bgcolor
        lines = {y - 1: view.render_line(y) for y in range(1, SIZE[1])}
        assert [row for row, strip in lines.items() if any(s.style and s.style.bgcolor == linked for s in strip)] == [3]


async def test_a_click_moves_the_cursor_and_a_second_opens():
    app = Host(pane())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click(offset=(5, 4))
        assert app.widget.cursor == 3
        await pilot.click(offset=(5, 4))
        await pilot.pause()
        assert app.last(LineView.Activated).row == 3


async def test_the_wheel_scrolls_without_moving_the_cursor():
    app = Host(pane())
    async with app.run_test(size=SIZE) as pilot:
        from textual.events import MouseScrollDown, MouseScrollUp

        def wheel(kind, shift=False):
            return kind(app.widget, 3, 3, 0, 0, 0, shift, False, False)

        app.widget.post_message(wheel(MouseScrollDown))
        await pilot.pause()
        assert (app.widget.first_visible, app.widget.cursor) == (3, 0)
        app.widget.post_message(wheel(MouseScrollUp))
        await pilot.pause()
        assert app.widget.first_visible == 0


async def test_an_empty_text_says_why_and_takes_every_key():
    view = TextPane()
    view.set_placeholder("not captured yet")
    app = Host(view)
    async with app.run_test(size=SIZE) as pilot:
        assert "not captured yet" in screen_text(app)[1]
        await pilot.press("j", "k", "G", "g", "g", "pagedown", "pageup", "n", "N", "h", "l", "enter", "ctrl+d")
        view.start_search("x")
        await settle(pilot)
        view.set_content(TextLines("now\n"), "hlo")
        await pilot.pause()
        assert "now" in screen_text(app)[1]


async def test_other_content_keeps_the_place_when_asked():
    app = Host(pane())
    async with app.run_test(size=SIZE) as pilot:
        app.widget.go_to(500)
        app.widget.set_content(TextLines("".join(f"new {n}\n" for n in range(LINES))), "hlo", keep_position=True)
        await pilot.pause()
        assert app.widget.cursor == 500
        app.widget.set_content(TextLines("short\n"), "hlo", keep_position=True)
        await pilot.pause()
        assert app.widget.cursor == 0


async def test_what_is_linked_stays_in_sight_when_the_pane_gets_another_height():
    app = Host(pane())
    async with app.run_test(size=SIZE) as pilot:
        view = app.widget

        def seen() -> range:
            return range(view.first_visible, view.first_visible + view.body_height)

        app.set_focus(None)
        view.set_linked([500, 501])
        view.show_row(500, centre=True)
        await pilot.pause()
        for height in (SIZE[1] - 4, SIZE[1] - 10, SIZE[1]):
            await pilot.resize_terminal(SIZE[0], height)
            await pilot.pause()
            assert 500 in seen() and view.cursor not in seen()
        view.focus()
        await pilot.resize_terminal(SIZE[0], SIZE[1] - 4)
        await pilot.pause()
        assert view.cursor in seen() and 500 not in seen()  # the pane with the keys shows its cursor


async def test_ascii_terminals_get_ascii_only():
    app = Host(pane("naïve ► \x1b[0m\n", glyphs=ASCII))
    async with app.run_test(size=SIZE):
        assert all(line.isascii() for line in screen_text(app)[:19])


async def test_wide_characters_are_cut_at_cells():
    app = Host(pane("日本語" * 40 + "\n"))
    async with app.run_test(size=SIZE):
        view = app.widget
        for column in range(6):
            view.set_column(column)
            assert view.render_line(1).cell_length == view.view_width


async def test_very_long_lines_are_drawn_where_the_columns_are():
    line = "".join(f"{n:06d}" for n in range(20_000))
    app = Host(pane(line + "\n"))
    async with app.run_test(size=SIZE):
        app.widget.set_column(60_000)
        assert app.widget.render_line(1).text[1:].strip()[:12] == line[60_000:60_012]


async def test_only_drawn_rows_are_kept():
    app = Host(pane())
    async with app.run_test(size=SIZE) as pilot:
        for row in range(0, LINES, 7):
            app.widget.go_to(row)
            for y in range(1, SIZE[1]):
                app.widget.render_line(y)
        await pilot.pause()
        assert len(app.widget._cache) <= 256


async def test_every_cell_has_the_themes_background_also_after_it_changed():
    app = Host(pane("short\n"))
    async with app.run_test(size=SIZE) as pilot:
        for theme in ("textual-dark", "textual-light"):
            app.theme = theme
            await pilot.pause()
            wanted = app.widget.rich_style.bgcolor
            for y in (1, 2, SIZE[1] - 1):
                drawn = {segment.style.bgcolor for segment in app.widget.render_line(y) if segment.style}
                assert wanted in drawn or y == 1
                assert None not in drawn
