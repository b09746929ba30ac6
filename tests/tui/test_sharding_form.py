"""The form of key S: what is typed is checked by the rules of `measure`, and becomes the switches it names."""

from __future__ import annotations

import pytest
from fixed import FixedFeed, FixedKeeper
from hosting import screen_text, settle
from on_screen import shown, until
from rich.cells import cell_len
from textual.app import App
from textual.events import Key
from textual.widgets import Input

from xlascope.protocol.specs import Leaf
from xlascope.tui.forms.sharding_checks import Draft, Subject, check, drawn, label, subject_of
from xlascope.tui.forms.sharding_form import PlanChoice, ShardingForm
from xlascope.tui.forms.switches import Switches
from xlascope.tui.glyphs import ASCII, UNICODE

W, X = Leaf("params['w']", (16, 4), "float32"), Leaf("x", (64, 16), "float32")
STEP = Subject("step#1", (W, X), (W,))
OWN = Subject("step#1", (W, X), (W,), 8, {"data": 4, "model": 2})


def test_a_draft_becomes_the_switches_of_measure() -> None:
    assert check(STEP, Draft("8", "fsdp")).commands == ({"devices": 8, "shard_plan": "fsdp"},)
    made = check(STEP, Draft("4x2", "batch", {0: "-,y", 1: " "}))
    assert made.commands == (
        {"devices": 8, "mesh": {"x": 4, "y": 2}, "shard_plan": "batch", "shard": {"0": "-,y"}},
    )  # fmt: skip
    assert made.specs == (((), ("y",)), (("x",), ()))
    assert [each["shard_plan"] for each in check(STEP, Draft("4", "auto")).commands] == ["replicate", "batch", "fsdp"]


def test_a_program_that_the_script_spread_keeps_its_mesh() -> None:
    assert check(OWN, Draft("data=4,model=2", "as-script")).commands == ({"shard_plan": "as-script"},)
    assert check(OWN, Draft("data=4,model=2", "replicate", {1: "data,-"})).commands == (
        {"shard_plan": "replicate", "shard": {"1": "data,-"}},
    )
    assert check(OWN, Draft(OWN.first_mesh, "auto")).commands[0] == {"shard_plan": "as-script"}


@pytest.mark.parametrize(
    ("subject", "draft", "field", "said"),
    [
        (STEP, Draft("", "batch"), "mesh", "the mesh is empty; a mesh is 8, 4x2"),
        (STEP, Draft("1", "batch"), "mesh", "more than one device"),
        (OWN, Draft("4", "batch"), "mesh", "itself a program on 8 devices"),
        (OWN, Draft("8", "batch"), "mesh", "over the mesh data=4,model=2"),
        (STEP, Draft("7", "batch"), "plan", "64 is not a multiple of 7"),
        (STEP, Draft("8", "as-script"), "plan", "on one device"),
        (STEP, Draft("8", "auto", {0: "x"}), "plan", "specs of your own"),
        (STEP, Draft("8", "batch", {0: "-,x"}), 0, "its size 4 is not a multiple of 8; of [16, 4] can be split"),
        (STEP, Draft("8", "batch", {1: "x,x"}), 1, "'x' twice"),
        (STEP, Draft("8", "batch", {1: "q"}), 1, "no axis 'q'"),
        (STEP, Draft("8", "batch", {1: "-,-,x"}), 1, "3 entries"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(subject: Subject, draft: Draft, field: str | int, said: str) -> None:
    checked = check(subject, draft)
    assert checked.commands == () and said in checked.problems[field]


def test_specs_are_checked_under_a_plan_that_cannot_be() -> None:
    assert set(check(STEP, Draft("7", "batch", {0: "q", 1: "-"})).problems) == {"plan", 0}


def test_the_picture_of_an_argument() -> None:
    lines = drawn(STEP, check(STEP, Draft("4x2", "batch", {1: "x,y"})), 1, ascii_only=True)
    assert lines[:2] == ["x  x,y", "8 blocks of [16,8]; dimension 1 to the right, dimension 0 down"]
    assert lines[2:5] == ["+---+---+", "| 0 | 1 |", "+---+---+"]
    assert drawn(STEP, check(STEP, Draft("8", "batch")), 0)[1] == "devices 0 to 7 each hold all of [16,4]"
    assert drawn(STEP, check(STEP, Draft("x", "batch")), 0) == []


def test_a_subject_is_read_from_a_record() -> None:
    record = {"inputs": [{"name": "x", "shape": [8], "dtype": "float32"}], "device_count": 8, "mesh": {"x": 8}}
    assert subject_of("f#1", record) == Subject("f#1", (Leaf("x", (8,), "float32"),), (), 8, {"x": 8})
    assert subject_of("f#1", {"mesh": 3}).first_mesh == "8"


def test_switches_keep_what_the_form_chose() -> None:
    command = {"devices": 8, "shard_plan": "fsdp", "mesh": {"x": 4, "y": 2}, "shard": {"0": "x,-"}}
    switches = Switches(jit="off", fusion="off").laid(command)
    assert switches.command() == {"fusion": "off", **command} and Switches.of(switches.command()) == switches
    assert "fsdp 4x2 +specs" in [each.value for each in switches.bar("1")]
    assert switches.turned("devices").command() == {"fusion": "off"}


async def test_typing_is_checked_and_enter_measures() -> None:
    keeper = FixedKeeper()
    async with shown(keeper=keeper, feed=FixedFeed("running", variants=False)) as (app, pilot, _screen):
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, ShardingForm))
        form = app.screen
        await settle(pilot)
        assert any("x  x,-" in line for line in screen_text(app)) and form.query_one("#mesh", Input).has_focus
        await pilot.press("end", "backspace", *"4x2", "tab", "right")
        assert form.query_one(PlanChoice).value == "fsdp"
        await pilot.press("tab", *"q")
        await settle(pilot)
        assert any("the mesh has no axis 'q'" in line for line in screen_text(app))
        await pilot.press("enter")
        assert app.screen is form and not keeper.measured
        await pilot.press("backspace", *"x,y")
        await settle(pilot)
        text = "\n".join(screen_text(app))
        assert "8 blocks of [32,128]" in text and "no axis" not in text
        await pilot.press("enter")
        await until(pilot, lambda: keeper.measured)
        assert keeper.measured == [(
            "scores#1", {"devices": 8, "shard_plan": "fsdp", "mesh": {"x": 4, "y": 2}, "shard": {"0": "x,y"}}
        )]  # fmt: skip


async def test_a_plan_turned_just_before_the_next_field_is_turned() -> None:
    async with shown(feed=FixedFeed("running", variants=False)) as (app, pilot, _screen):
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, ShardingForm))
        form = app.screen
        await until(pilot, lambda: form.query_one("#mesh", Input).has_focus)
        for key in ("tab", "left", "tab", "q"):
            app.post_message(Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: form.query_one("#spec-0", Input).value == "q")
        await until(pilot, lambda: form.query_one(PlanChoice).value == "replicate")


async def test_the_field_that_one_types_in_stays_in_sight_with_what_is_wrong_with_it() -> None:
    leaves = tuple(Leaf(f"w{at}", (30, 64), "float32") for at in range(12))
    app: App[None] = App()
    async with app.run_test(size=(80, 24)) as pilot:
        form = ShardingForm(Subject("f#1", leaves, ()), Draft("4x2", "replicate"))
        await app.push_screen(form)
        await until(pilot, lambda: form.query_one("#mesh", Input).has_focus)
        for key in ("tab", *("tab", "z") * len(leaves)):
            app.post_message(Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: form.query_one("#spec-11", Input).value == "z")
        told = form.query_one("#problem-11")
        inside = form.query_one("#arguments").region
        await until(pilot, lambda: inside.contains_region(told.region) and told.region.height > 1)
        assert inside.contains_region(form.query_one("#spec-11").region)


async def test_auto_measures_each_plan_and_esc_gives_up() -> None:
    keeper = FixedKeeper()
    async with shown(keeper=keeper, feed=FixedFeed("running", variants=False)) as (app, pilot, screen):
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, ShardingForm))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        assert not keeper.measured
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, ShardingForm))
        await pilot.press("tab", "right", "right", "right")
        await pilot.press("enter")
        await until(pilot, lambda: len(keeper.measured) == 3)
        assert [each[1]["shard_plan"] for each in keeper.measured] == ["replicate", "batch", "fsdp"]


DEEP = tuple(
    Leaf(f"p['params']['{layer}']['{leaf}']", shape, dtype)
    for layer, leaf, shape, dtype in (
        ("Conv_0", "bias", (16,), "float32"), ("Conv_0", "kernel", (3, 3, 1, 16), "bfloat16"),
        ("TransformerDecoderBlock_0", "kernel", (4096, 4096), "float32"), ("步" * 12, "bias", (8,), "int32"),
    )
)  # fmt: skip


def test_a_path_that_is_too_long_keeps_its_end_and_its_shape() -> None:
    assert label(0, DEEP[0], None, UNICODE) == "0 p['params']['Conv_0']['bias'] f32[16]"
    assert label(1, DEEP[1], 44, UNICODE) == "1 …['Conv_0']['kernel'] bf16[3,3,1,16]"
    assert label(1, DEEP[1], 44, ASCII) == "1 ~['Conv_0']['kernel'] bf16[3,3,1,16]"
    assert label(2, DEEP[2], 34, UNICODE) == "2 …['kernel'] f32[4096,4096]"
    assert label(2, DEEP[2], 22, UNICODE) == "2 …el'] f32[4096,4096]"
    for room in range(12, 60):
        assert cell_len(label(3, DEEP[3], room, UNICODE)) <= room


@pytest.mark.parametrize(
    ("size", "said"),
    [((80, 24), "2 …['kernel'] f32[4096,4096]"), ((120, 36), "2 p['params']['TransformerDecoderBlock_0']['kernel'] f32["),
     ((200, 60), "3 p['params']['" + "步" * 12 + "']['bias'] i32[8]")],
)
async def test_each_argument_shows_its_path_and_shape(size: tuple[int, int], said: str) -> None:
    app: App[None] = App()
    async with app.run_test(size=size) as pilot:
        await app.push_screen(ShardingForm(Subject("f#1", DEEP, ()), Draft("8", "replicate")))
        ends = ("bias'] f32[16]", "kernel'] bf16[3,3,1,16]", "kernel'] f32[4096,4096]", "bias'] i32[8]")

        def all_told() -> bool:
            rows = [row for row in screen_text(app) if "(by the plan)" in row]
            return any(said in row for row in rows) and all(any(end in row for row in rows) for end in ends)

        await until(pilot, all_told)


async def test_a_question_mark_and_f1_open_the_help_of_the_form() -> None:
    app: App[None] = App()
    async with app.run_test(size=(120, 36)) as pilot:
        form = ShardingForm(STEP, Draft("8", "batch"))
        await app.push_screen(form)
        await until(pilot, lambda: form.query_one("#mesh", Input).has_focus)
        for key in ("question_mark", "f1"):
            await pilot.press(key)
            await until(pilot, lambda: any("Help: sharding" in line for line in screen_text(app)))
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is form)
        assert form.query_one("#mesh", Input).value == "8" and form.query_one("#mesh", Input).has_focus
        assert any("? or F1: help" in line for line in screen_text(app))
