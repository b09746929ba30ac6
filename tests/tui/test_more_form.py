"""The form of keys T and +: what is typed is checked by the rules of `measure`, and becomes the switches it names."""

from __future__ import annotations

from typing import Any

import pytest
from fixed import FixedFeed, FixedKeeper
from hosting import screen_text, settle
from on_screen import shown, until
from textual.events import Key
from textual.widgets import Input

from xlascope.tui.effects import verdict_text
from xlascope.tui.forms.more_checks import check, completion, in_words, needs, typed
from xlascope.tui.forms.more_form import MoreForm
from xlascope.tui.forms.switches import Switches
from xlascope.tui.glyphs import UNICODE
from xlascope.tui.model import VariantRow

SUBJECT = FixedFeed().more_subject("scores#1")
ALL = {
    "target": "tpu:v5e:2x4", "passes_off": ["dce", "algsimp"], "matmul_precision": "highest",
    "donate": {"w": "on", "0": "off"}, "compiler_options": {"xla_a": "1", "xla_b": "x=y"},
}  # fmt: skip


def test_the_fields_become_the_switches_of_measure_and_back() -> None:
    assert SUBJECT is not None
    texts = typed(ALL)
    assert texts["donate"] == "w,0=off" and texts["compiler_options"] == "xla_a=1 xla_b=x=y"
    checked = check(SUBJECT, texts | {"name": " mine "})
    assert (checked.command, checked.name, checked.problems) == (ALL, "mine", {})
    assert check(SUBJECT, dict.fromkeys(texts, " ")).command == {}


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("target", "tpu:v5f:2x4", "did you mean v5"),
        ("target", "tpu:v5e:2", "tpu:v5e:2x4"),
        ("target", "cuda:h100", "pip install 'xlascope[cuda]'"),
        ("passes_off", "dce,fusoin", "Names near it: fusion"),
        ("matmul_precision", "enough", "none of default"),
        ("donate", "x,y", "no argument 'y'; arguments are: 0 x, 1 w"),
        ("donate", "x=maybe", "x=maybe: maybe is neither on nor off; write x or x=off"),
        ("donate", "x,0=off", "0=off: argument 0 stands there as x too; give it once"),
        ("target", "h100", "did you mean cuda:h100:1x1x1?"),
        ("name", "run#mine", "# stands between a run file and a name"),
        ("compiler_options", "xla_a", "KEY=VALUE"),
        ("compiler_options", "xla_cpu_parallel_codegen_split_count=-1", "it is a whole number from 1 to 1024"),
        ("compiler_options", "xla_a=1 xla_cpu_ftz=maybe", "xla_cpu_ftz=maybe: it is true or false"),
        ("compiler_options", "xla_backend_optimization_level=high", "it is a whole number"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(field: str, text: str, said: str) -> None:
    assert SUBJECT is not None
    checked = check(SUBJECT, typed({}) | {field: text})
    assert checked.command is None and list(checked.problems) == [field] and said in checked.problems[field]


def test_an_option_that_is_not_known_is_doubted_and_left_to_xla() -> None:
    assert SUBJECT is not None
    checked = check(SUBJECT, typed({}) | {"compiler_options": "xla_cpu_enable_fast_maht=true"})
    assert checked.problems == {} and checked.command == {"compiler_options": {"xla_cpu_enable_fast_maht": "true"}}
    assert "near it: xla_cpu_enable_fast_math" in checked.doubts["compiler_options"]
    known = {"compiler_options": "xla_cpu_enable_fast_math=True xla_backend_optimization_level=0 xla_dump_to=/x"}
    assert check(SUBJECT, typed({}) | known).doubts == {}
    nothing_near = check(SUBJECT, typed({}) | {"compiler_options": "xla_nope=1"}).doubts["compiler_options"]
    assert "xla_nope is no option known of JAX 0.10 and 0.12; no name is near it" in nothing_near
    word = check(SUBJECT, typed({}) | {"compiler_options": "xla_cpu_scheduler_type=foo"}).doubts["compiler_options"]
    assert word.startswith("xla_cpu_scheduler_type knows no foo: it is one of CPU_SCHEDULER_TYPE_DEFAULT, ")
    of_a_tpu = {"compiler_options": "xla_tpu_anything=1", "target": "tpu:v5e:2x4"}
    assert check(SUBJECT, typed({}) | of_a_tpu).doubts == {}


def test_the_last_part_is_completed() -> None:
    assert completion(["xla_b"], "xla_a=1 xla", " ") == "xla_a=1 xla_b"
    assert completion(["algsimp", "cse"], "cse, al") == "cse, algsimp"
    assert completion(["algsimp"], "algsimp,") is None and completion(["algsimp"], "x") is None


def test_other_switches_stay_when_one_is_turned() -> None:
    switches = Switches().with_more(ALL)
    assert switches.command() == ALL and Switches.of(ALL) == switches
    assert switches.turned("fusion").command() == {"fusion": "off", **ALL}
    assert [(each.value, each.touched) for each in switches.bar("1")][-2:] == [("tpu:v5e:2x4", True), ("4", True)]
    assert switches.turned("jit") == Switches(jit="off")


def test_a_prediction_is_marked_as_one() -> None:
    told: dict[str, Any] = {"by": "cycles", "cycles": 6150, "clock_ghz": 1.5, "counted": 3, "without": 1,
                            "unknown_loops": ["while.1"]}
    words = in_words("tpu:v5e:2x4", told)
    assert "predicted, not measured" in words and "6,150 cycles at 1.5 GHz" in words and "while.1" in words
    row = VariantRow("target=tpu:v5e:2x4", {}, *[None] * 11, predicted_ns=4100, fusions_after=3,
                     needs=needs({"needs_bytes": 20 << 30, "has_bytes": 16 << 30, "fits": False}))
    assert verdict_text(row, UNICODE) == "predicted 4.10 µs  needs 20.0 GiB of 16.0 GiB does not fit  fusions 3"


def test_jit_off_of_a_program_of_one_equation_says_that_it_is_dispatched_whole() -> None:
    row = VariantRow("jit=off", {"jit": "off"}, *[None] * 7, 1.0, 0.99, 1.01, "same", whole_equation="shard_map")
    assert verdict_text(row, UNICODE) == "1.00x same [0.99-1.01]  one equation, shard_map, dispatched whole"


async def test_typing_is_checked_and_enter_measures() -> None:
    keeper = FixedKeeper()
    async with shown(keeper=keeper, feed=FixedFeed("running", variants=False)) as (app, pilot, _screen):
        await pilot.press("T")
        await until(pilot, lambda: isinstance(app.screen, MoreForm))
        form = app.screen
        assert form.query_one("#field-target", Input).has_focus
        await pilot.press(*"tpu:v5f:2x4")
        await settle(pilot)
        assert any("no tpu device 'v5f'" in line for line in screen_text(app))
        await pilot.press("enter")
        assert app.screen is form and not keeper.measured
        form.query_one("#field-target", Input).value = "tpu:v5e:2x4"
        await pilot.press("tab", *"dce")
        await settle(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: keeper.measured)
        assert keeper.measured == [("scores#1", {"target": "tpu:v5e:2x4", "passes_off": ["dce"]})]
        await pilot.press("plus")
        await until(pilot, lambda: isinstance(app.screen, MoreForm))
        assert app.screen.query_one("#field-passes_off", Input).value == "dce"


async def test_what_is_typed_faster_than_the_screen_follows_goes_to_its_own_field() -> None:
    async with shown(feed=FixedFeed("running", variants=False)) as (app, pilot, _screen):
        await pilot.press("T")
        await until(pilot, lambda: isinstance(app.screen, MoreForm))
        form = app.screen
        await until(pilot, lambda: form.query_one("#field-target", Input).has_focus)
        for key in ("g", "tab", "d", "down", "h", "down", "up", "i"):
            app.post_message(Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: form.query_one("#field-matmul_precision", Input).value == "hi")
        assert [form.query_one(f"#field-{name}", Input).value for name in ("target", "passes_off")] == ["g", "d"]


async def test_what_a_compiler_refused_is_told_at_its_field_when_the_form_is_opened_again() -> None:
    keeper = FixedKeeper()
    async with shown(keeper=keeper, feed=FixedFeed("running", variants=False)) as (app, pilot, screen):
        await pilot.press("plus")
        await until(pilot, lambda: isinstance(app.screen, MoreForm))
        app.screen.query_one("#field-compiler_options", Input).value = "xla_nonsense=1"
        await settle(pilot)
        assert any("xla_nonsense is no option known" in line for line in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: keeper.measured)
        keeper.tell({"kind": "result", "id": 1, "ok": False, "error": "XLA has none of it", "refused": True})
        await until(pilot, lambda: not screen.desk.switches.touched)
        await pilot.press("plus")
        await until(pilot, lambda: isinstance(app.screen, MoreForm))
        field = app.screen.query_one("#field-compiler_options", Input)
        await until(pilot, lambda: field.has_focus)
        assert field.value == "xla_nonsense=1"
        await settle(pilot)
        assert any("XLA has none of it" in line for line in screen_text(app))
        field.value = ""
        await settle(pilot)
        assert not any("XLA has none of it" in line for line in screen_text(app) if "nonsense=1" not in line)


async def test_a_question_mark_is_a_letter_where_text_is_free_and_help_elsewhere() -> None:
    async with shown(feed=FixedFeed("running", variants=False)) as (app, pilot, _screen):
        await pilot.press("T")
        await until(pilot, lambda: isinstance(app.screen, MoreForm))
        form = app.screen
        await until(pilot, lambda: form.query_one("#field-target", Input).has_focus)
        await pilot.press("question_mark")
        await until(pilot, lambda: any("Help: more switches" in line for line in screen_text(app)))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is form)
        form.query_one("#field-name", Input).focus()
        await until(pilot, lambda: form.query_one("#field-name", Input).has_focus)
        await pilot.press("question_mark")
        assert form.query_one("#field-name", Input).value == "?" and app.screen is form
        await pilot.press("f1")
        await until(pilot, lambda: app.screen is not form)
        assert form.query_one("#field-target", Input).value == ""
