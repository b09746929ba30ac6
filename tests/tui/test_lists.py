"""The list of functions, the output pane and the lines of parts."""

from __future__ import annotations

from dataclasses import replace

from hosting import Host, screen_text, settle
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from xlascope.tui import lines
from xlascope.tui.feeding.live import LiveNow
from xlascope.tui.forms.switches import Switches
from xlascope.tui.model import Overview
from xlascope.tui.widgets.effect_line import Effect, EffectLine
from xlascope.tui.widgets.functions import FunctionItem, FunctionsList, ProgramItem
from xlascope.tui.widgets.line_view import LineView
from xlascope.tui.widgets.output_pane import OutputLog, OutputPane, plain_text
from xlascope.tui.widgets.part_line import Part, PartLine
from xlascope.tui.widgets.status import HeaderState, StatusHeader, Switch, SwitchBar

FUNCTIONS = (
    FunctionItem(
        "scores", "train.py:12",
        (ProgramItem("scores#1", "f32[128,256]", "~201k"), ProgramItem("scores#2", "f32[64,256]", "1", True)),
        0.71, True, "2 programs",
    ),
    FunctionItem("step", "train.py:31", (ProgramItem("step#1", "f32[]"),), 0.24, True, "~67k calls"),
    FunctionItem("eager ops (37)", "train.py:40", share=0.01, alert=True, calls="×33"),
)  # fmt: skip
SIZE = (34, 16)


def functions() -> FunctionsList:
    made = FunctionsList()
    made.set_functions(FUNCTIONS)
    return made


async def test_functions_show_share_place_and_programs():
    app = Host(functions())
    async with app.run_test(size=SIZE):
        shown = screen_text(app)
        assert shown[1].startswith("►▾scores") and "71%" in shown[1] and "~" in shown[1]
        assert "train.py:12" in shown[2] and "2 programs" in shown[2]
        assert "#1 f32[128,256]" in shown[3] and shown[3].endswith("~201k")
        assert shown[4].endswith("1!")
        assert shown[5].startswith(" ▸step")


async def test_a_share_that_is_a_bound_says_so_and_is_rounded_down():
    made = FunctionsList()
    made.set_functions((FunctionItem("some", "", share=0.8579, estimated=True, at_least=True),))
    app = Host(made)
    async with app.run_test(size=SIZE):
        assert "≥ 85% " in screen_text(app)[1]


async def test_the_cursor_chooses_a_program():
    app = Host(functions())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("j", "j", "j")
        await pilot.pause()
        chosen = app.last(FunctionsList.Chosen)
        assert (chosen.function.name, chosen.program.id) == ("scores", "scores#2")
        await pilot.press("j")
        await pilot.pause()
        assert app.last(FunctionsList.Chosen).program.id == "step#1"


async def test_enter_and_arrows_fold_and_unfold():
    app = Host(functions())
    async with app.run_test(size=SIZE) as pilot:
        rows = app.widget.row_count()
        await pilot.press("enter")
        assert app.widget.row_count() == rows - 2
        await pilot.press("right")
        assert app.widget.row_count() == rows
        await pilot.press("left", "left")
        assert app.widget.row_count() == rows - 2
        await pilot.press("l")
        assert app.widget.row_count() == rows


MANY = (
    FunctionItem("big", "train.py:1", tuple(ProgramItem(f"big#{n}", f"f32[{n}]", time_ns=n) for n in range(1, 25)), 0.2,
                 alert=True, calls="24 compiles"),
    FunctionItem("small", "train.py:9", (ProgramItem("small#1", "f32[]", time_ns=90),), 0.7),
)  # fmt: skip


async def test_of_many_programs_the_hottest_are_shown_and_enter_opens_the_others():
    made = FunctionsList()
    made.set_functions(MANY)
    app = Host(made)
    async with app.run_test(size=(34, 40)) as pilot:
        text = "\n".join(screen_text(app))
        assert "#24 f32[24]" in text and "#19 f32[19]" in text and "#18" not in text
        assert "… 18 more, enter opens" in text and "small" in text
        await pilot.press("G", "k", "k", "enter")
        await pilot.pause()
        assert made.chosen[1].id == "big#1" and "more, enter" not in "\n".join(screen_text(app))
        await pilot.press("g", "g", "enter", "enter")
        await pilot.pause()
        assert "… 18 more, enter opens" in "\n".join(screen_text(app)), "folded and unfolded it is short again"
        assert made.choose("big#3") and made.chosen[1].id == "big#3"
        assert "#3 f32[3]" in "\n".join(screen_text(app)) and "… 17 more, enter opens" in "\n".join(screen_text(app))


async def test_h_goes_to_the_hottest_function_and_its_hottest_program_in_sight():
    made = FunctionsList()
    made.set_functions(MANY)
    app = Host(made)
    async with app.run_test(size=(34, 40)) as pilot:
        made.action_hottest()
        assert made.chosen[0].name == "small"
        made.set_functions((replace(MANY[0], share=0.9), MANY[1]))
        made.action_hottest()
        await pilot.pause()
        assert made.chosen[1].id == "big#24" and made.row_text(made.cursor).startswith("big#24")


class Hearing(Host):
    def on_functions_list_alert_chosen(self, message):
        self.heard.append(message)


async def test_what_has_no_program_says_on_enter_why_it_was_compiled_and_is_not_begun_with():
    made = FunctionsList()
    made.set_functions((FUNCTIONS[2], *FUNCTIONS[:2]))
    app = Hearing(made)
    async with app.run_test(size=SIZE) as pilot:
        assert made.chosen[0].name == "scores"
        await pilot.press("g", "g", "enter")
        await pilot.pause()
        assert app.last(FunctionsList.AlertChosen).function.name == "eager ops (37)"


async def test_a_new_order_leaves_the_cursor_on_its_program():
    app = Host(functions())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("j", "j", "j")
        app.widget.set_functions(tuple(reversed(FUNCTIONS)))
        await pilot.pause()
        assert app.widget.chosen[1].id == "scores#2"
        app.widget.set_functions(())
        await pilot.pause()
        assert app.widget.chosen == (None, None)
        await pilot.press("j", "enter", "right", "G")


async def test_choosing_by_id_opens_the_function():
    app = Host(functions())
    async with app.run_test(size=SIZE):
        assert app.widget.choose("step#1")
        assert app.widget.chosen[1].id == "step#1"
        assert not app.widget.choose("none#9")


def timed(*times):
    programs = tuple(ProgramItem(f"f#{number}", "f32[]", time_ns=ns) for number, ns in enumerate(times, 1))
    return (FunctionItem("f", "train.py:1", programs),)


async def test_a_function_stands_for_its_hottest_program():
    made = FunctionsList()
    app = Host(made)
    async with app.run_test(size=SIZE):
        for times, hottest in ((None, None), "f#1"), ((None, 0), "f#2"), ((5, 9, 7), "f#2"), ((9, 9), "f#1"):
            made.set_functions(timed(*times))
            assert made.chosen[1].id == hottest


async def test_a_program_chosen_by_hand_stays_chosen_when_its_function_is_folded():
    made = FunctionsList()
    made.set_functions(timed(5, 9, 7))
    app = Host(made)
    async with app.run_test(size=SIZE) as pilot:
        assert made.choose("f#1") and made.row_text(made.cursor).startswith("f#1")
        await pilot.press("left")
        made.set_functions(timed(5, 10, 7))
        await pilot.pause()
        assert made.cursor == 0 and made.chosen[1].id == "f#1"


async def test_functions_of_equal_name_and_place_are_told_apart():
    twins = tuple(FunctionItem("f", "", (ProgramItem(f"f#{number}", "f32[]"),)) for number in (4, 8, 12))
    made = FunctionsList()
    made.set_functions((FunctionItem("g", "", (ProgramItem("g#1", "f32[]"),)), *twins))
    app = Host(made)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("j", "j", "j")
        before, rows = made.cursor, made.row_count()
        assert made.chosen[1].id == "f#8"
        await pilot.press("enter")
        assert made.row_count() == rows + 1 and made.cursor == before and made.chosen[1].id == "f#8"
        made.set_functions((twins[2], *twins[:2]))  # another order of times: what is open and where one is stay
        assert made.chosen[1].id == "f#8" and made.row_text(made.cursor + 1).startswith("f#8")


async def test_the_cursor_stays_on_the_eager_operations_while_they_grow_more():
    def eager(number: int, line: int) -> FunctionItem:
        return FunctionItem(f"eager ops ({number})", f"train.py:{line}", share=0.3, is_eager=True)

    app = Host(functions())
    async with app.run_test(size=SIZE) as pilot:
        app.widget.set_functions((*FUNCTIONS[:2], eager(2, 40)))
        await pilot.press("G")
        assert app.widget.chosen[0].name == "eager ops (2)"
        app.widget.set_functions((*FUNCTIONS[:2], eager(5, 41)))
        await pilot.pause()
        assert app.widget.chosen[0].name == "eager ops (5)"
        assert app.widget.row_text(app.widget.cursor).strip() == "train.py:41"


async def test_enter_on_a_program_asks_to_open_it():
    app = Host(functions())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("j", "j", "enter")
        await pilot.pause()
        assert app.last(LineView.Activated).row == 2


def output(text: str = "", **options) -> tuple[OutputPane, OutputLog]:
    log = OutputLog(**options)
    log.write(text)
    pane = OutputPane()
    pane.log_source = log
    return pane, log


async def test_output_follows_its_tail_until_the_cursor_moves_up():
    pane, log = output("".join(f"step {n}\n" for n in range(100)))
    app = Host(pane)
    async with app.run_test(size=SIZE) as pilot:
        pane.update_tail()
        await pilot.pause()
        assert "step 99" in screen_text(app)[-1]
        log.write("step 100\n")
        pane.update_tail()
        await pilot.pause()
        assert "step 100" in screen_text(app)[-1]
        await pilot.press("k", "k")
        log.write("step 101\nstep 102\n")
        pane.update_tail()
        await pilot.pause()
        assert "step 100" in screen_text(app)[-1]
        await pilot.press("f")
        await pilot.pause()
        assert "step 102" in screen_text(app)[-1]


async def test_output_keeps_colours_and_drops_what_steers():
    pane, _ = output("\x1b[31mred\x1b[0m plain\x1b[2J\x1b[10;10H\x1b]0;title\x07 end\nbell\x07\n")
    app = Host(pane)
    async with app.run_test(size=SIZE) as pilot:
        pane.update_tail()
        await settle(pilot)
        strip = pane.render_line(1)
        assert strip.text.startswith("red plain end")
        red = next(segment for segment in strip if segment.text == "red")
        assert red.style is not None and red.style.color is not None
        assert all(line.isprintable() for line in screen_text(app))


async def test_old_output_is_dropped_and_the_cursor_stays_with_its_line():
    pane, log = output("".join(f"line {n}\n" for n in range(50)), max_chars=400)
    app = Host(pane)
    async with app.run_test(size=SIZE) as pilot:
        pane.set_source(log)
        await pilot.press("k", "k", "k")
        before = pane.row_text(pane.cursor)
        log.write("".join(f"line {n}\n" for n in range(50, 60)))
        pane.update_tail()
        await pilot.pause()
        assert pane.row_text(pane.cursor) == before
        assert log.first > 0
        assert pane.row_text(0) == "(earlier output is left out here)" and pane.row_text(1).startswith("line ")


async def test_where_the_beginning_was_never_there_a_line_says_so():
    pane, log = output("line 1\nline 2\n")
    app = Host(pane)
    async with app.run_test(size=SIZE) as pilot:
        pane.update_tail()
        await pilot.press("k")
        log.cut()
        log.write("line 3\n")
        pane.update_tail()
        await pilot.pause()
        assert [pane.row_text(row) for row in range(4)] == ["(earlier output is left out here)", *(
            f"line {n}" for n in (1, 2, 3))]  # fmt: skip
        assert pane.row_text(pane.cursor) == "line 1"


@given(st.lists(st.text(alphabet="ab\n\r\x1b[3m", max_size=30), max_size=20))
def test_output_does_not_depend_on_how_it_was_cut(pieces):
    whole, parts = OutputLog(), OutputLog()
    whole.write("".join(pieces))
    for piece in pieces:
        parts.write(piece)
    assert [whole.line(n) for n in range(len(whole))] == [parts.line(n) for n in range(len(parts))]


@given(st.lists(st.text(alphabet="abc\n", max_size=60), max_size=30), st.integers(20, 200))
def test_output_stays_within_its_bound(pieces, bound):
    log = OutputLog(bound)
    for piece in pieces:
        log.write(piece)
    held = [log.line(n) for n in range(log.first, log.first + len(log))]
    lost = bool(held) and "earlier output" in held[0]
    assert sum(len(line) + 1 for line in held[lost:]) <= bound + 61
    assert "".join(pieces).count("\n") == log.first + lost + len(log._lines)
    assert lost == (log.first + lost > 0)


def test_a_carriage_return_starts_the_line_again():
    log = OutputLog()
    log.write("10%\r")
    log.write("20%\r\n30%\r40%")
    assert [log.line(0).rstrip("\r"), log.line(1), log.last_line] == ["20%", "40%", "40%"]


def test_plain_text_has_no_sequences():
    assert plain_text("\x1b[1;31mred\x1b[0m\x1b]8;;http://x\x1b\\link\x07") == "redlink␇"
    assert Text.from_ansi("\x1b[31mred").plain == plain_text("\x1b[31mred")


def test_the_header_says_when_a_run_is_not_recorded_any_more():
    full = lines.header(Overview(script="s.py"), LiveNow(state="running", recording=False), True, "s.py")
    fine = lines.header(Overview(script="s.py"), LiveNow(state="running"), True, "s.py")
    assert full.facts == ("! not recorded any more",) and fine.facts == ()


async def test_a_narrow_header_keeps_what_matters_most():
    header = StatusHeader()
    header.show(HeaderState("train.py", "running", 41, ("cpu·1 device", "jax 0.12.0", "rec 14 MB")))
    app = Host(header)
    async with app.run_test(size=(100, 2)) as pilot:
        assert screen_text(app)[0].endswith("rec 14 MB")
        await pilot.resize_terminal(44, 2)
        await pilot.pause()
        assert screen_text(app)[0] == " xlascope  train.py   ● RUNNING 0:41"
        await pilot.resize_terminal(30, 2)
        await pilot.pause()
        assert "train.py" in screen_text(app)[0] and "RUNNING" in screen_text(app)[0]


async def test_touched_switches_are_told_without_colour():
    bar = SwitchBar()
    bar.show([Switch("J", "jit", "ON"), Switch("F", "fusion", "off", True)], "baseline 124 µs")
    app = Host(bar)
    async with app.run_test(size=(80, 2)):
        assert screen_text(app)[0] == " J jit ON  F fusion *off │ baseline 124 µs"


async def test_effects_are_side_by_side_with_a_gauge_for_those_under_way():
    line = EffectLine()
    line.show([Effect("jit=off", "measuring 4/9", None, True, 0.5), Effect("fusion=off", "1.32x slower", "slower")])
    app = Host(line)
    async with app.run_test(size=(90, 2)):
        shown = screen_text(app)[0]
        assert "measuring 4/9 ▕█████" in shown and "esc cancels" in shown and "1.32x slower" in shown


class Clicked(Host):
    clicks = 0

    def action_count(self) -> None:
        self.clicks += 1


async def test_parts_are_buttons():
    line = PartLine()
    line.set_parts([Part("left "), Part("press", "key", "app.count", "tells what")])
    app = Clicked(line)
    async with app.run_test(size=(40, 3)) as pilot:
        await pilot.click(offset=(1, 0))
        assert app.clicks == 0
        await pilot.click(offset=(6, 0))
        await pilot.pause()
        assert app.clicks == 1
        await pilot.hover(offset=(6, 0))
        assert line.tooltip == "tells what"


@given(st.lists(st.tuples(st.text(min_size=1, max_size=12), st.integers(1, 9)), max_size=8), st.integers(1, 60))
def test_fitted_parts_never_pass_the_width(parts, width):
    from rich.cells import cell_len

    line = PartLine()
    line._lines[0] = tuple(Part(text, "text", rank=rank) for text, rank in parts)
    fitted = line._fitted(0, width)
    assert sum(cell_len(text) for _, text in fitted) <= width


def test_a_line_whose_beginning_had_no_room_does_not_begin_with_a_separator():
    line = PartLine()
    line._lines[0] = (Part(" import 1 s", rank=4), Part(" │ now running", rank=8), Part(" │ step#1 4 calls", rank=7))
    assert [text for _, text in line._fitted(0, 33)] == [" now running", " │ step#1 4 calls"]
    assert "".join(text for _, text in line._fitted(0, 60)) == " import 1 s │ now running │ step#1 4 calls"


async def test_until_the_cursor_is_moved_it_is_on_the_hottest_function():
    app = Host(functions())
    async with app.run_test(size=SIZE) as pilot:
        app.widget.set_functions((FUNCTIONS[1], FUNCTIONS[0]))
        await pilot.pause()
        assert app.widget.chosen[0].name == "step"
        await pilot.press("j")
        app.widget.set_functions(FUNCTIONS)
        await pilot.pause()
        assert app.widget.chosen[0].name == "step"


async def test_switches_without_their_words_keep_key_and_value_apart():
    bar = SwitchBar()
    bar.show([Switch("J", "jit", "ON"), Switch("T", "target", "as-run")])
    app = Host(bar)
    async with app.run_test(size=(20, 2)):
        assert screen_text(app)[0] == " J jit ON  T as-run"


async def test_each_key_stays_beside_what_it_is_turned_to_where_little_fits():
    turned = Switches(
        fusion="off", devices=8, plan="replicate", mesh=(("data", 4), ("model", 2)), shard=(("0", "x"),),
        more=(("target", "tpu:v5e:2x4"), ("passes_off", ["cse"]), ("matmul_precision", "highest")),
    )  # fmt: skip
    bar = SwitchBar()
    app = Host(bar)
    async with app.run_test(size=(80, 2)) as pilot:
        for own, coming, said in (
            (turned, None, " J ON  F *off  D *8 simulated  S *replicate 4x2 +specs  T *tpu:v5e:2x4  + *2"),
            (Switches(), turned, " J  F ON→off  D 1→8 simulated  S →replicate 4x2 +specs  T →tpu:v5e:2x4  + →2"),
            (turned, Switches(), " J  F *off→ON  D *8 simulated→1  S →as-run  T →as-run  + →none"),
        ):
            bar.show(own.bar("1", coming), "baseline 124 µs")
            await pilot.pause()
            assert screen_text(app)[0] == said
