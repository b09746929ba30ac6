"""The main screen over fixed data: panes, keys, search, help, terminals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from fixed import FixedFeed, FixedKeeper
from hosting import screen_text, settle
from on_screen import SIZES, opened, shown, text_of, until
from textual.events import Key
from textual.widgets import Input

from xlascope.tui.actions import ACTIONS, bindings
from xlascope.tui.lines import explain_op
from xlascope.tui.screens.compare import CompareScreen
from xlascope.tui.screens.main import MainScreen
from xlascope.tui.screens.passes import PassesScreen
from xlascope.tui.screens.views import ViewsScreen
from xlascope.tui.widgets.chart import Chart
from xlascope.tui.widgets.dialogs import HelpOverlay, PromptLine, TextOverlay
from xlascope.tui.widgets.functions import FunctionsList
from xlascope.tui.widgets.graph_pane import GraphPane
from xlascope.tui.widgets.ops_table import OpsTable
from xlascope.tui.widgets.output_pane import OutputPane
from xlascope.tui.widgets.passes_list import PassesList
from xlascope.tui.widgets.status import ExplainLine
from xlascope.tui.widgets.text_pane import TextPane
from xlascope.views.run import Dropped


@pytest.mark.parametrize("size", SIZES)
async def test_every_size_shows_the_run_and_its_hottest_program(size):
    async with shown(size) as (app, _pilot, _screen):
        lines = screen_text(app)
        assert "softmax.py --steps 3000" in lines[0] and "ENDED exit 0" in lines[0]
        assert "scores#1 199k to 203k calls" in lines[1]
        assert "J jit –" in lines[2] and "F fusion ON" in lines[2]
        assert "fusion=off  1.32x slower [1.29-1.35]  fusions 4→0" in lines[3]
        assert len(lines) == size[1] and "? help" in lines[-1]


async def test_the_panes_show_jaxpr_source_graph_ops_and_output():
    async with shown() as (app, _pilot, _screen):
        shot = text_of(app)
        assert "c:f32[128,64] = dot_general[" in shot
        assert "def scores(x, w):" in shot
        assert "ynn_fusion.1 5 ops  71%" in shot
        assert "coverage 99.6%" in shot
        assert "step 2900 loss 0.0411" in shot


@pytest.mark.parametrize("size", SIZES)
async def test_every_view_is_one_key_away(size):
    async with shown(size) as (app, pilot, screen):
        wanted = {
            "1": (TextPane, "dot_general["), "2": (TextPane, "stablehlo.dot_general"),
            "3": (TextPane, "hlo is not captured yet"), "4": (TextPane, "ROOT "), "5": (TextPane, "return "),
            "6": (GraphPane, "ynn_fusion.1"), "7": (OpsTable, "coverage"), "8": (Chart, "seconds"),
            "9": (FunctionsList, "scores"), "o": (OutputPane, "step 2900"),
        }  # fmt: skip
        for key, (kind, words) in wanted.items():
            await pilot.press(key)
            await settle(pilot)
            assert isinstance(screen.focused, kind), key
            assert screen.focused.region.width > 20 and screen.focused.region.height > 3, key
            assert words in text_of(app), key


@pytest.mark.parametrize("size", SIZES)
async def test_tab_goes_round_all_panes_and_back(size):
    async with shown(size) as (_app, pilot, screen):
        ids = screen.pane_ids()
        seen = []
        for _ in ids:
            await pilot.press("tab")
            await settle(pilot)
            seen.append(screen.desk.current)
            assert screen.focused is screen.pane(screen.desk.current)
            assert screen.focused.display and screen.focused.region.area > 0
        assert sorted(seen) == sorted(ids)
        await pilot.press("shift+tab")
        assert screen.desk.current == seen[-2]


async def test_keys_typed_ahead_are_taken_in_order():
    """All of them are on their way before the first is answered; the outcome is that of typing slowly."""
    keys = [Key("slash", "/"), *(Key(each, each) for each in "reduce"), Key("enter", "\r"), Key("n", "n")]
    places = []
    for ahead in (False, True):
        async with shown() as (app, pilot, screen):
            await pilot.press("1", "g", "g")
            await settle(pilot)
            for key in keys:
                app.post_message(Key(key.key, key.character))
                if not ahead:
                    await settle(pilot)
            await settle(pilot)
            view = screen.stage_pane("a").text_pane
            await until(pilot, lambda view=view: not view._sought)
            assert screen.focused is view and view.needle == "reduce", (ahead, view.needle, screen.query_one(PromptLine).value)
            places.append(view.cursor)
    assert places == [11, 11]


async def test_what_is_explained_follows_a_filter():
    async with shown() as (_app, pilot, screen):
        await pilot.press("7", "f", *"broadcast")
        await settle(pilot)
        assert screen.desk.focus.nodes >= {"broadcast_multiply_fusion"}
        assert screen.query_one(ExplainLine).said.startswith("broadcast_multiply_fusion")
        await pilot.press(*"x", "enter")
        await settle(pilot)
        assert not screen.desk.focus.nodes and not screen.query_one(ExplainLine).said


async def test_approximate_equations_of_ops_are_marked():
    feed = FixedFeed("ended")
    rows = [replace(row, exact=False) for row in feed.ops("scores#1").rows]
    columns = {column.key: column for column in OpsTable().columns}
    told = {columns["equations"].text(row) for row in rows}
    assert told == {" ".join(f"~{path}" for path in row.equations) for row in rows}
    assert all("~" not in columns["equations"].text(row) for row in feed.ops("scores#1").rows)


def test_only_what_calls_has_a_total():
    table = FixedFeed("ended").ops("scores#1")
    row = replace(table.rows[0], opcode="dot", total_ns=table.rows[0].self_ns + 5_000_000)
    said = "\n".join(explain_op(row, table))
    assert "5.00 ms of it while other ops ran at the same time" in said and "Total" not in said
    assert "Total, what it called included" in "\n".join(explain_op(replace(row, opcode="while"), table))
    assert "same time" not in "\n".join(explain_op(table.rows[0], table))
    kernels = "\n".join(explain_op(replace(row, device="8 devices", by_device=(("gpu:0", 1), ("gpu:1", 2))), table))
    assert " kernels," in kernels and "Per kernel of the op" in kernels and "Per kernel" not in said
    in_name = [any("fusion in name only" in line for line in explain_op(replace(row, opcode=opcode), table, members))
               for opcode, members in (("fusion", 1), ("fusion", 2), ("fusion", None), ("add", 1))]  # fmt: skip
    assert in_name == [True, False, False, False]
    told = replace(table, left_out=("the first call of step#1 took 90 ms, later ones 9 ms: it is left out",))
    assert "The first call of step#1 took 90 ms, later ones 9 ms: it is left out." in explain_op(row, told)
    assert not any("left out" in line for line in explain_op(row, table))


async def test_search_is_typed_below_and_moves_the_cursor():
    async with shown() as (_app, pilot, screen):
        await pilot.press("1", "slash", *"reduce_s")
        await settle(pilot)
        prompt = screen.query_one(PromptLine)
        assert prompt.is_open and isinstance(screen.focused, Input)
        assert screen.stage_pane("a").text_pane.cursor == 11
        await pilot.press("enter")
        await settle(pilot)
        assert not prompt.is_open and screen.focused is screen.stage_pane("a").text_pane
        assert screen.desk.focus.equations == {"7"}
        await pilot.press("escape")
        assert screen.stage_pane("a").text_pane.needle == ""


async def test_escape_gives_a_search_up():
    async with shown() as (_app, pilot, screen):
        await pilot.press("1", "slash", *"exp", "escape")
        await settle(pilot)
        assert not screen.query_one(PromptLine).is_open
        assert screen.stage_pane("a").text_pane.needle == ""


async def test_filter_of_the_table_is_typed_below():
    async with shown() as (_app, pilot, screen):
        await pilot.press("7", "f", *"broadcast", "enter")
        await settle(pilot)
        assert screen.ops_table().row_count() == 2
        await pilot.press("escape")
        assert screen.ops_table().row_count() == 4


async def test_zoom_shows_one_pane_alone_and_escape_brings_the_others_back():
    async with shown() as (_app, pilot, screen):
        await pilot.press("6", "z")
        await settle(pilot)
        assert screen.focused.region.width >= 118
        assert not screen.query_one(FunctionsList).region.area
        await pilot.press("escape")
        await settle(pilot)
        assert screen.query_one(FunctionsList).region.area


async def test_help_belongs_to_the_focused_pane():
    async with shown() as (app, pilot, screen):
        await pilot.press("6", "question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpOverlay)
        words = app.screen.shown_text()
        assert "Along an edge down" in words and "Switch fusion" in words and "Sort, left" not in words
        await pilot.press("escape")
        await pilot.press("7", "f1")
        await pilot.pause()
        assert "Sort, left" in app.screen.shown_text()
        await pilot.press("q")
        await pilot.pause()
        assert app.screen is screen


async def test_equals_explains_the_number_under_the_cursor():
    async with shown() as (app, pilot, _screen):
        await pilot.press("7", "equals_sign")
        await pilot.pause()
        assert isinstance(app.screen, TextOverlay)
        words = text_of(app)
        assert "self time 1.24 s in 14,070 executions" in words and "6 profile windows" in words
        await pilot.press("escape")
        await pilot.click("#effects", offset=(4, 0))
        await pilot.pause()
        assert "Variant / baseline of neighbouring pairs 1.32, 95 % interval 1.29 to 1.35" in text_of(app)


@pytest.mark.parametrize(("keys", "words"), [
    (("5", "H"), ("softmax.py:5: 1 equation, ~53% of the op time of scores#1", "ynn_fusion.1 71%", "split among",
      "25% is exactly one equation's, 75% estimated")),
    (("1", "g", "g", *["j"] * 11), ("line 12 of the jaxpr: 1 equation, 11% of the op time", "alone: exact")),
    (("1", "g", "g", *["j"] * 8), ("line 9 of the jaxpr: 1 equation.", "folded or merged them, which is not 0 ns")),
    (("5", "g", "g"), ("No equation of scores#1 belongs to this line",)),
    (("9",), ("scores: 199k–203k calls; 199k of them counted", "Share ~71%: time per call × calls")),
    (("8",), ("12 profile windows", "Vertical lines are its compiles")),
])  # fmt: skip
async def test_equals_explains_the_number_of_every_pane(keys, words):
    async with shown() as (app, pilot, _screen):
        await pilot.press(*keys)
        await settle(pilot)
        await pilot.press("equals_sign")
        await pilot.pause()
        assert isinstance(app.screen, TextOverlay)
        told = " ".join(text_of(app).replace("│", " ").split())
        assert all(each in told for each in words), told


async def test_the_header_opens_what_is_known_of_the_run():
    feed = FixedFeed()
    run = feed._view_run
    lost = Dropped("profile events", 12, "the window was full")
    feed._view_run = lambda: SimpleNamespace(**{**vars(run()), "dropped": (lost,)})  # type: ignore[method-assign]
    async with shown(feed=feed) as (app, pilot, _screen):
        await pilot.press("ctrl+r")
        await pilot.pause()
        words = text_of(app)
        assert "12 profile events dropped: the window was full" in words and "import jax     1.10 s" in words
        await pilot.press("escape")
        await pilot.click("#header", offset=(42, 0))
        await pilot.pause()
        assert isinstance(app.screen, TextOverlay)


async def test_copying_writes_the_line_and_the_whole_pane(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    async with shown() as (app, pilot, screen):
        await pilot.press("1", "g", "g", "j", "y")
        await pilot.pause()
        assert "dot_general" in app.clipboard
        written = next((tmp_path / "xlascope" / "copies").iterdir())
        assert written.read_text() == (Path(__file__).parent / "data" / "jaxpr.txt").read_text()
        assert written.stat().st_mode & 0o077 == 0
        assert written.name.startswith("scores#1-")
        await pilot.press("o", "y")
        await pilot.pause()
        copies = {path.name for path in (tmp_path / "xlascope" / "copies").iterdir()} - {written.name}
        assert copies == {f"{screen.run_at_hand.path.stem}-output.txt"}


async def test_what_was_said_of_a_program_goes_with_it():
    async with shown() as (_app, pilot, screen):
        await pilot.press("7", "j")
        await pilot.pause()
        line = screen.query_one(ExplainLine)
        assert line.said
        other = next(name for name in screen.desk.overview.programs if name != screen.desk.program)
        screen.take_program(other)
        assert not line.said
        await pilot.pause()


async def test_the_editor_opens_at_the_line(monkeypatch):
    opened = []
    monkeypatch.setattr("xlascope.tui.main_screen.acting.edit_file", lambda app, file, line: opened.append((file, line)))
    async with shown() as (_app, pilot, _screen):
        await pilot.press("e")
        await pilot.press("1", "g", "g", "j", "j", *["j"] * 4, "e")
        await pilot.pause()
        assert opened == [("/home/user/softmax.py", 5), ("/home/user/softmax.py", 6)]


async def test_tabs_of_a_pane_are_buttons():
    async with shown() as (_app, pilot, screen):
        pane = screen.stage_pane("a").text_pane
        places = {part.tooltip: at for at, _, part in pane.placed_title() if part and part.click}
        await pilot.click("#a-text", offset=(places["stablehlo"] + 1, 0))
        await settle(pilot)
        assert screen.stage_pane("a").showing == "stablehlo"


async def test_the_palette_is_made_from_the_registry():
    async with shown() as (app, pilot, screen):
        titles = [command.title for command in app.get_system_commands(screen)]
        assert {"Switch fusion", "Optimized HLO", "quit", "Theme"} <= set(titles)
        await pilot.press("ctrl+p")
        await pilot.pause()
        assert app.screen is not screen
        await pilot.press("escape")


async def test_every_action_has_its_method_a_key_and_words():
    owners = {"main": MainScreen, "list": TextPane, "text": TextPane, "table": OpsTable, "functions": FunctionsList,
              "graph": GraphPane, "output": OutputPane, "passes": PassesScreen, "views": ViewsScreen, "passlist": PassesList,
              "compare": CompareScreen}  # fmt: skip
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    for action in ACTIONS:
        name = "action_" + action.method.partition("(")[0]
        assert callable(getattr(owners[action.scope], name)), action.id
        assert action.keys and action.description and action.tooltip
    for scope in owners:
        keys = [key for binding in bindings(scope) for key in binding.key.split(",")]
        assert len(keys) == len(set(keys)), scope


async def test_keys_can_be_changed_by_their_id():
    keeper = FixedKeeper()
    async with shown(keeper=keeper, feed=FixedFeed("running", variants=False)) as (app, pilot, _screen):
        app.set_keymap({"main.fusion": "ctrl+t"})
        await pilot.press("ctrl+t")
        await pilot.pause()
        assert keeper.measured == [("scores#1", {"fusion": "off"})]


async def test_a_view_that_fails_is_told_and_the_screen_goes_on():
    feed = FixedFeed()
    feed._view_variants = lambda program: 1 / 0  # type: ignore[method-assign]
    async with shown(feed=feed) as (app, pilot, screen):
        await until(pilot, lambda: screen.desk.failure)
        assert "ZeroDivisionError" in screen.desk.failure
        assert "dot_general[" in text_of(app)


@pytest.mark.parametrize(("environ", "checks"), [({"LC_ALL": "C"}, "ascii"), ({"NO_COLOR": "1"}, "colour")])
async def test_terminals_without_unicode_or_colour(environ, checks, monkeypatch):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    async with shown() as (app, pilot, screen):
        await pilot.press("1", "j")
        await settle(pilot)
        strips = screen._compositor.render_strips()
        if checks == "ascii":
            drawn = "".join(line for number, line in enumerate(screen_text(app)))
            borders = set("▏▎│▂▃▄▅▆▇█▔▕")
            assert all(character.isascii() or character in borders for character in drawn)
            assert "J jit -" in drawn and "~53%" in drawn
        else:
            for strip in strips:
                for segment in strip:
                    style = segment.style
                    assert style is None or style.color is None or style.color.is_default or not app.native_ansi_color
            assert app.no_color and app.native_ansi_color


def test_the_screen_starts_without_what_it_does_not_need():
    import subprocess
    import sys

    code = (
        "import sys, json; import xlascope.tui.app; "
        "print(json.dumps([name for name in ('jax', 'jaxlib', 'numpy', 'plotext', 'sqlite3', 'xlascope.views', "
        "'google.protobuf', 'xlascope.tui.screens.main') if name in sys.modules]))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == []
    code = "import sys; import xlascope.tui.screens.main; print([n for n in sys.modules if n in ('jax', 'numpy')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("name", "text", "title", "graph"),
    [
        ("given.hlo", "HloModule m\n\nENTRY e {\n  x = f32[4] parameter(0)\n  ROOT u = f32[4] negate(x)\n}\n", "3 HLO  m#1", "u negate ROOT"),
        ("done.hlo", "HloModule m, is_scheduled=true\n\nENTRY e {\n  x = f32[4] parameter(0)\n  ROOT u = f32[4] negate(x)\n}\n",
         "4 optimized HLO  m#1", "u negate ROOT"),
        ("m.mlir", "module @m {\n  func.func public @main(%arg0: tensor<2xf32>) -> tensor<2xf32> {\n"
         "    %0 = stablehlo.sine %arg0 : tensor<2xf32>\n    return %0 : tensor<2xf32>\n  }\n}\n",
         "2 StableHLO  m#1", "is not in this file"),
    ],
)  # fmt: skip
async def test_a_file_of_one_form_begins_with_that_form(tmp_path, name, text, title, graph):
    file = tmp_path / name
    file.write_text(text)
    async with opened(file) as (app, pilot, _screen):
        await until(pilot, lambda: title in text_of(app) and graph in text_of(app))
        assert text_of(app).count("not in this file") == (graph == "is not in this file")


async def test_eager_operations_have_nothing_to_switch():
    async with shown() as (app, pilot, screen):
        await pilot.press("G", "k")
        await settle(pilot)
        function, program = screen.functions().chosen
        assert function.name.startswith("eager ops") and program is None and screen.desk.program == "scores#1"
        said = screen.query_one(ExplainLine).said
        assert said.startswith("eager ops (37)  softmax.py:40 took most of their time: ~1% of all device time, ")
        assert said.endswith("×33 dispatches at least. The other panes show scores#1; = tells more")
        for key in ("F", "S", "plus"):
            await pilot.press(key)
            await settle(pilot)
            assert not screen.desk.switches.touched and app.screen is screen
