"""The screen of views over a written run, and the ways that lead to it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fixed import FixedKeeper
from hosting import screen_text, settle
from on_screen import SIZES, opened, text_of, until
from written_run import write_run

from xlascope.report.text import draw
from xlascope.runfile import Writer
from xlascope.tui.feeding.feed import Feed
from xlascope.tui.screens.view_pages import ELSEWHERE, Request, account, page
from xlascope.tui.screens.views import ViewsScreen
from xlascope.tui.widgets.dialogs import TextOverlay
from xlascope.tui.widgets.effect_line import Effect, EffectLine
from xlascope.tui.widgets.functions import FunctionsList
from xlascope.tui.widgets.line_view import LineView
from xlascope.tui.widgets.note import Note
from xlascope.tui.widgets.part_line import PartLine
from xlascope.tui.widgets.row_below import RowBelow
from xlascope.views import VIEWS


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("views") / "a.xlascope")


@pytest.mark.parametrize("view", [view.name for view in VIEWS if view.name not in ELSEWHERE])
def test_every_view_has_a_page_and_an_account(path, view):
    feed = Feed(path)
    for program in (None, "scores#1"):
        made = page(feed, Request(view, program, None, 76))
        assert all(made.styled) or len(made.styled) > 1
        told = "\n".join(account(made.request, "what it tells", "a.xlascope"))
        assert f"xlascope show a.xlascope {view}" in told
    feed.close()


@pytest.mark.parametrize("view", [view.name for view in VIEWS if view.name not in ELSEWHERE])
@pytest.mark.parametrize("width", [40, 76, 400])
def test_a_page_is_drawn_whole_too_only_where_it_is_cut(path, view, width, monkeypatch):
    made = []

    def noted(view, answer, width, colour, whole):
        made.append((whole, draw(view, answer, width, colour, whole), draw(view, answer, width, colour, True).text))
        return made[-1][1]

    monkeypatch.setattr("xlascope.report.text.draw", noted)
    feed = Feed(path)
    shown = page(feed, Request(view, "scores#1", None, width))
    feed.close()
    fitted = [(drawn, text) for whole, drawn, text in made if not whole]
    assert len(made) - len(fitted) == sum(drawn.cut for drawn, _ in fitted)
    assert all(drawn.cut or drawn.text == text for drawn, text in fitted), "what is not told of is not cut"
    assert not shown.uncut or fitted[0][0].cut


@pytest.mark.parametrize("size", SIZES)
async def test_the_list_leads_to_pages_and_back(path, size):
    async with opened(path, size) as (app, pilot, main):
        await pilot.press("V")
        await settle(pilot)
        assert isinstance(app.screen, ViewsScreen)
        assert all(view.name in text_of(app) for view in VIEWS)
        await pilot.press("j", "j", "j", "enter")
        await settle(pilot)
        assert "compilations" in text_of(app) and "softmax.py:4" in text_of(app)
        await pilot.press("right_square_bracket")
        await settle(pilot)
        assert "output" in screen_text(app)[0]
        await pilot.press("escape", "escape")
        await settle(pilot)
        assert app.screen is main


async def test_the_palette_has_every_view_and_leads_there(path):
    async with opened(path) as (app, pilot, _main):
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert {f"View: {view.name}" for view in VIEWS} <= set(titles)
        await pilot.press("ctrl+p")
        await pilot.pause()
        await pilot.press(*"View: mem")
        await until(pilot, lambda: "View: memory" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ViewsScreen))
        await until(pilot, lambda: "on one device at the most" in text_of(app))


async def test_one_program_all_programs_search_explanation_and_copy(path, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    async with opened(path) as (app, pilot, main):
        main.action_view("memory")
        await settle(pilot)
        assert "scores#1" in screen_text(app)[0]
        await pilot.press("a")
        await settle(pilot)
        assert "all programs" in screen_text(app)[0]
        await pilot.press("slash", *"arg", "enter")
        await settle(pilot)
        shown = app.screen.focused
        assert isinstance(shown, LineView) and "arg" in shown.row_text(shown.cursor)
        await pilot.press("y")
        assert (tmp_path / "xlascope" / "copies" / "all-memory.txt").read_text().count("\n") == shown.row_count()
        await pilot.press("equals_sign")
        await pilot.pause()
        assert isinstance(app.screen, TextOverlay) and "XLA's own figures" in text_of(app)
        await pilot.press("escape", "escape", "escape")
        assert app.screen is main


async def test_a_page_is_read_again_when_the_file_grows_and_keeps_the_place(tmp_path):
    path = write_run(tmp_path / "b.xlascope")
    async with opened(path) as (app, pilot, main):
        main.action_view("compiles")
        await settle(pilot)
        await pilot.press("j", "j")
        before = app.screen._page.cursor
        writer = Writer(path)
        writer.put("compile", {"name": "late", "file": "/x/late.py", "line": 3, "compile_ns": 7, "eager": True})
        writer.close()
        await until(pilot, lambda: "late.py:3" in text_of(app))
        assert app.screen._page.cursor == before == 2


async def test_what_names_a_view_leads_to_it(path):
    async with opened(path) as (app, pilot, main):
        main.query_one(EffectLine).show([])
        header = main.query_one("#header", PartLine)
        at = header.text().index("1 device")
        await pilot.click("#header", offset=(at, 0))
        await settle(pilot)
        assert isinstance(app.screen, ViewsScreen) and "devices" in screen_text(app)[0]


async def test_views_with_a_place_of_their_own_go_there(path):
    async with opened(path) as (_app, pilot, main):
        main.action_view("output")
        await settle(pilot)
        assert main.desk.current == "output"


async def test_what_a_page_lacks_is_collected_once_it_is_opened(path):
    keeper = FixedKeeper()
    async with opened(path, keeper=keeper) as (_app, pilot, main):
        main.action_view("machine")
        await settle(pilot)
        assert ("scores#1", "machine") in [tuple(each[:2]) for each in keeper.collected]


async def test_a_note_closes_with_any_key_and_the_key_acts(path):
    async with opened(path, note="Press F.\nSee it slow down.") as (app, pilot, main):
        assert "See it slow down" in text_of(app)
        await pilot.press("o")
        await until(pilot, lambda: main.desk.current == "output")
        await until(pilot, lambda: not main.query(Note))
        assert "See it slow down" not in text_of(app)


@pytest.mark.parametrize("key", ["escape", "enter", "space"])
async def test_a_note_closes_with_keys_that_do_nothing_else(path, key):
    async with opened(path, note="Press F.") as (_app, pilot, main):
        row = main.query_one(FunctionsList).cursor
        await pilot.press("pagedown", key)
        await until(pilot, lambda: not main.query(Note))
        assert main.desk.current == "functions" and main.query_one(FunctionsList).cursor == row


async def test_a_note_closes_with_a_click_that_acts(path):
    async with opened(path, note="Press F.") as (_app, pilot, main):
        await pilot.click("#a", offset=(5, 3))
        await until(pilot, lambda: not main.query(Note))
        assert main.focused is main.query_one("#a").text_pane


async def test_collectives_of_an_effect_lead_to_those_of_its_variant(path):
    async with opened(path) as (app, pilot, main):
        line = main.query_one(EffectLine)
        line.show([Effect("fusion=off", "1.32x slower  1 collective  equal", "slower", explain="explain_variant")])
        at = line.text().index("1 collective")
        await app.run_action(line.part_at(at, 0).click, main)  # what a click does; a tick may draw another effect
        await until(pilot, lambda: isinstance(app.screen, ViewsScreen))
        await settle(pilot)
        assert "collectives" in screen_text(app)[0] and "fusion=off" in screen_text(app)[0]


async def test_the_mark_of_a_function_compiled_again_and_again_leads_to_why(path):
    async with opened(path) as (app, pilot, main):
        functions = main.query_one(FunctionsList)
        functions.set_functions([replace(functions._functions[0], calls="30 calls", alert=True)])
        await settle(pilot)
        functions.focus()
        functions.go_to(1)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ViewsScreen))
        await settle(pilot)
        assert "compiles" in screen_text(app)[0]
        page = app.screen._page
        assert "scores" in page.row_text(page.cursor)


@pytest.mark.parametrize(
    ("typed", "found"),
    [("coll", "collectives"), ("com", "compiles"), ("emory", "memory"), ("how long alive", "memory")],
)
async def test_a_search_among_views_means_their_names_first(path, typed, found):
    async with opened(path) as (app, pilot, _main):
        await pilot.press("V")
        await settle(pilot)
        await pilot.press("slash", *("space" if key == " " else key for key in typed), "enter")
        await settle(pilot)
        assert app.screen._list.current == found


LONG = "argument weights_of_the_first_layer: f32[3,6] → f32[4,8] (dimensions 0 and 1), which the program before did not have"


@pytest.mark.parametrize("size", SIZES)
async def test_what_a_page_cuts_of_the_row_under_the_cursor_stands_whole_below(tmp_path, size):
    written = write_run(tmp_path / "long.xlascope")
    writer = Writer(written)
    name = "a_function_with_quite_a_long_name_for_a_column"
    writer.put("compile", {"name": name, "file": "/x/late.py", "line": 3, "compile_ns": 7, "eager": False, "reason": LONG})
    writer.close()
    async with opened(written, size) as (app, pilot, main):
        main.action_view("compiles")
        await settle(pilot)
        page = app.screen._page
        row = next(row for row in range(page.row_count()) if "late.py" in page.row_text(row))
        page.go_to(row)
        await settle(pilot)
        below = app.screen.query_one(RowBelow)
        told = "".join(below.text(line) for line in range(8))
        assert (LONG not in page.row_text(row)) is (told != "")
        assert LONG in page.row_text(row) or (LONG in told and name in told)
        page.go_to(page.row_count() - 1)
        await settle(pilot)
        assert not any(below.text(line) for line in range(8))
        await pilot.press("w")
        await settle(pilot)
        assert LONG in page.row_text(row) and max(map(len, map(page.row_text, range(page.row_count())))) > size[0] - 20


@pytest.mark.parametrize(("size", "cut"), [((80, 24), True), ((120, 36), False), ((200, 60), True)])
async def test_what_the_list_of_views_cuts_stands_whole_below(tmp_path, size, cut):
    written = write_run(tmp_path / "one.xlascope")
    async with opened(written, size) as (app, pilot, main):
        main.action_views()
        await settle(pilot)
        below = app.screen.query_one(RowBelow)
        told = "run  the run: script, state, phases, machine, what was lost or not captured"
        assert (told in below.text()) is cut, "at 120 the sentence stands above"
        assert told in "\n".join(screen_text(app)[0 if not cut else 1 :]).replace("VIEWS  ", "")
        await pilot.press("j", "j", "j", "j")
        await settle(pilot)
        assert not below.text(), "what the script wrote fits"
