"""Folds, hidden metadata, jumps and counted searches by key, in a text pane over a real module."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
from hosting import Host, screen_text, settle
from on_screen import until

from xlascope.tui.text.lines import TextLines
from xlascope.tui.widgets.text_pane import LineMark, TextPane

SIZE = (110, 30)


@cache
def module() -> str:
    def f(x, w):
        return jax.lax.fori_loop(0, 9, lambda i, c: jnp.tanh(c @ w) + jax.nn.softmax(c), x)

    return jax.jit(f).lower(jnp.ones((4, 16)), jnp.ones((16, 16))).compile().as_text()


def row_of(text: str, start: int = 0) -> int:
    return next(row for row, line in enumerate(module().split("\n")) if text in line and row >= start)


def made(marks: dict[int, LineMark] | None = None) -> TextPane:
    pane = TextPane()
    pane.set_content(TextLines(module()), "hlo", marks=marks or {})
    return pane


async def test_tables_and_metadata_are_hidden_until_asked_for():
    app = Host(made())
    async with app.run_test(size=SIZE) as pilot:
        view = app.widget
        shown = "\n".join(screen_text(app))
        assert "lines of tables for debugging" in shown and "FunctionNames" not in shown
        view.go_to(row_of("ENTRY"))
        await pilot.pause()
        assert "metadata=" not in "\n".join(screen_text(app))
        await pilot.press("M")
        await pilot.pause()
        assert view.row_count() == view.place_count()
        view.go_to(row_of("FunctionNames"))
        await until(pilot, lambda: any(line.split()[:1] == ["►FunctionNames"] for line in screen_text(app)))
        await pilot.press("M")
        assert view.cursor == row_of("FileNames")  # what hides the line that the cursor was on


async def test_enter_shows_one_line_whole_and_copying_takes_it_whole():
    app = Host(made())
    async with app.run_test(size=(400, 30)) as pilot:
        view = app.widget
        row = row_of(" while(")
        view.go_to(row)
        await pilot.pause()
        assert "metadata=" not in screen_text(app)[0] + "".join(screen_text(app)) and "metadata=" in view.row_text(row)
        await pilot.press("enter")
        await pilot.pause()
        assert sum("metadata=" in line for line in screen_text(app)) == 1
        await pilot.press("enter")
        await pilot.pause()
        assert not any("metadata=" in line for line in screen_text(app))


async def test_folding_and_unfolding_by_key_keeps_the_cursor_in_sight():
    marks = {row_of("ROOT", row_of("ENTRY")): LineMark(0.25), row_of("ENTRY") + 1: LineMark(0.5, True)}
    app = Host(made(marks))
    async with app.run_test(size=SIZE) as pilot:
        view, header = app.widget, row_of("ENTRY")
        view.go_to(header + 2)
        await pilot.press("minus")
        await pilot.pause()
        assert view.cursor == header
        lines = module().split("\n")
        inside = lines.index("}", header) - header
        (drawn,) = [line for line in screen_text(app) if "ENTRY" in line]
        assert f"… {inside} lines }}" in drawn and "75%" in drawn and drawn.startswith("~")
        await pilot.press("j")
        assert view.cursor > header + inside or view.cursor == header  # over what is folded, or at the end
        view.go_to(header)
        await pilot.press("enter")
        assert view.closed_fold(header) is None
        await pilot.press("asterisk")
        assert view.folds.all_closed and view.cursor == header
        await pilot.press("asterisk")
        assert not view.folds.all_closed
        await pilot.press("asterisk")
        view.go_to(header + 3)  # as a link from another pane does
        assert view.cursor == header + 3 and view.closed_fold(header) is None


async def test_same_text_again_keeps_what_is_folded():
    app = Host(made())
    async with app.run_test(size=SIZE) as pilot:
        view = app.widget
        await pilot.press("asterisk")
        view.set_content(view.source, "hlo", marks={5: LineMark(0.1)}, keep_position=True)
        assert view.folds.all_closed
        view.set_content(TextLines(module()), "hlo")
        assert not view.folds.all_closed


async def test_operands_users_and_the_way_back():
    app = Host(made())
    async with app.run_test(size=SIZE) as pilot:
        view = app.widget
        loop = row_of(" while(")
        view.go_to(loop)
        await pilot.press("d")
        await settle(pilot)
        operand = view.cursor
        name = view.row_text(operand).split(" = ")[0].split()[-1]
        assert f"({name}" in view.row_text(loop)
        await pilot.press("u")
        await settle(pilot)
        assert view.cursor == loop
        await pilot.press("d", "s")
        await settle(pilot)
        await pilot.press("s")
        assert view.row_text(view.cursor).startswith("%") and view.row_text(view.cursor).endswith("{")  # what it runs
        await pilot.press("ctrl+o")
        assert view.cursor == loop
        await pilot.press("backspace", "backspace")
        assert view.cursor == loop
        await pilot.press("backspace")
        assert view.cursor == loop  # there is nothing more to go back to


async def test_matches_are_counted_and_shown_where_they_are_hidden():
    app = Host(made())
    async with app.run_test(size=SIZE) as pilot:
        view = app.widget
        wanted = [row for row, line in enumerate(module().split("\n")) if "jit(f)" in line.lower()]
        view.start_search("jit(f)")
        await settle(pilot)
        await pilot.press("n")
        await settle(pilot)
        title = screen_text(app)[0]
        assert f"2 of {len(wanted)}" in title and "in what is hidden of its line" in title
        assert view.cursor == wanted[1]
        # The line begins as it did, with what is around the match behind.
        (shown,) = [line for line in screen_text(app)[1:] if "jit(f)" in line]
        assert shown[view.margin_width :].startswith(view.seen_text(view.cursor)[:20]) and view.column == 0
        await pilot.press("enter")
        assert "op_name" in view.seen_text(view.cursor)
        await pilot.press("enter")
        view.start_search("op:tanh")
        await settle(pilot)
        assert "tanh(" in view.row_text(view.cursor)
        view.rows_of = lambda kind, value: [9, 3] if (kind, value) == ("eq", "4.0") else []
        view.start_search("eq:4.0")
        await settle(pilot)
        assert view.cursor in (3, 9) and "of 2" in screen_text(app)[0]
        await pilot.press("n")
        await settle(pilot)
        assert view.cursor in (3, 9)


async def test_one_line_of_a_hundred_megabytes():
    text = "ENTRY %e () -> f32[] {\n  %c = u8[99]{0} constant({" + "7, " * 33_000_000 + '7}), metadata={op_name="x"}\n}\n'
    pane = TextPane()
    pane.set_content(TextLines(text), "hlo")
    app = Host(pane)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("j", "l", "l", "enter", "l")
        await pilot.pause()
        assert any("7, 7, 7" in line for line in screen_text(app))
