"""What is told of measured variants: the line of effects at any width, the baseline, how far outputs agree."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fixed import FixedFeed, variant_row
from hosting import Host, screen_text, settle
from on_screen import shown, text_of
from rich.cells import cell_len

from xlascope.tui.effects import baseline, effects, explain_variant, why_apart
from xlascope.tui.feeding.live import LiveNow, LiveState
from xlascope.tui.feeding.rows import variant_row as made_row
from xlascope.tui.glyphs import UNICODE
from xlascope.tui.model import ProgramInfo
from xlascope.tui.text.agreement import agreement, brief_agreement
from xlascope.tui.widgets.dialogs import TextOverlay
from xlascope.tui.widgets.effect_line import Effect, EffectLine

FUSION = made_row(variant_row(), ((), ()))
JIT = replace(
    FUSION, name="jit=off", switches={"jit": "off"}, ratio=7.5, ratio_ci_low=7.4, ratio_ci_high=7.7, fusions_before=None,
    baseline_median_ns=90_000, baseline_ci_low_ns=None, max_abs_error=0.0,
)  # fmt: skip
MANY = [
    Effect("fusion=off,devices=2", "1.62x slower [1.60-1.65]  outputs equal to 6 ULP  simulated", "slower",
           brief="1.62x slower"),
    Effect("devices=4", "2.56x slower [2.47-2.65]  outputs equal to 5 ULP  simulated", "slower", brief="2.56x slower"),
    Effect("fusion=off", "1.70x slower [1.55-1.94]  outputs equal to 6 ULP", "slower", brief="1.70x slower"),
]  # fmt: skip


def told(names, variant=None):
    return [each.variant for each in effects(names, LiveNow(), "scores#1", variant, UNICODE)]


def test_the_newest_result_comes_first_and_before_it_that_of_the_variant_shown():
    assert told([FUSION, JIT]) == ["jit=off", "fusion=off"]
    assert told([FUSION, JIT], "fusion=off") == ["fusion=off", "jit=off"]
    assert told([FUSION, JIT, replace(FUSION, ratio=2.0)]) == ["fusion=off", "jit=off"]


def test_the_baseline_is_that_of_the_variant_shown():
    assert baseline([FUSION, JIT], None, UNICODE).startswith("baseline 90.0 µs")
    assert baseline([FUSION, JIT], "baseline", UNICODE).startswith("baseline 90.0 µs")
    assert baseline([FUSION, JIT], "fusion=off", UNICODE) == "baseline 124 µs ±0.4% n=212"


def test_why_a_call_in_the_script_and_the_baseline_took_different_times_is_told_where_they_did():
    slow = ProgramInfo("scores#1", "scores", per_call_ns=400_000)
    first, *rest = why_apart(slow, [FUSION, JIT], "fusion=off")
    assert first == "scores#1: 400 µs a call in the script, 124 µs as the baseline." and len(rest) == 2
    assert why_apart(slow, [FUSION, JIT], None)[0].endswith("90.0 µs as the baseline.")
    assert why_apart(slow, [], None) == why_apart(None, [FUSION], None) == []
    assert why_apart(replace(slow, per_call_ns=124_000), [FUSION], None) == []


async def test_two_times_side_by_side_are_told_apart_and_explained_on_request():
    async with shown() as (app, pilot, screen):
        known = screen.desk.overview.programs["scores#1"]
        slow = {"scores#1": replace(known, per_call_ns=400_000)}
        screen.desk.overview = replace(screen.desk.overview, programs=slow)
        screen.draw_status()
        await pilot.pause()
        assert "400 µs in the script, the baseline alone (= why)" in screen_text(app)[1]
        await pilot.press("equals_sign")
        await settle(pilot)
        assert "scores#1: 400 µs a call in the script, 124 µs as the baseline." in text_of(app)


@pytest.mark.parametrize(
    ("facts", "brief"),
    [
        ({}, "1.32x slower"),
        ({"mismatched": 12}, "1.32x slower NaN or inf"),
        ({"verdict": None}, "1.32x slower no verdict"),
        ({"verdict": None, "mismatched": 1}, "1.32x slower no verdict NaN or inf"),
        ({"predicted_ns": 5_000, "ratio": None, "memory": {"fits": True, "needs_bytes": 1, "has_bytes": 2}},
         "predicted 5.00 µs"),
        ({"predicted_ns": 5_000, "ratio": None, "memory": {"fits": False, "needs_bytes": 2, "has_bytes": 1}},
         "predicted 5.00 µs does not fit"),
    ],
)  # fmt: skip
def test_few_words_still_say_what_makes_a_number_worth_nothing(facts, brief):
    row = variant_row()
    vars(row).update(facts)
    (effect,) = effects([made_row(row, ((), ()))], LiveNow(), "scores#1", None, UNICODE)
    assert effect.brief == brief
    assert effect.text.count("no verdict") == brief.count("no verdict"), "said once"
    assert effect.text.count("NaN") == brief.count("NaN") and effect.text.count("fit") == brief.count("fit")


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (220, [f" {MANY[0].variant}  {MANY[0].text} │ devices=4  {MANY[1].text} │ fusion=off  {MANY[2].text}"]),
        (132, [f" {MANY[0].variant}  {MANY[0].text} │ devices=4  2.56x slower │ +1 V variants"]),
        (104, [f" {MANY[0].variant}  {MANY[0].text} │ +2 V variants"]),
        (80, [f" {MANY[0].variant}  1.62x slower [1.60-1.65]  outputs equal to 6 ULP",
              "   simulated │ devices=4  2.56x slower │ fusion=off  1.70x slower"]),
        (60, [f" {MANY[0].variant}  1.62x slower [1.60-1.65]",
              "   outputs equal to 6 ULP  simulated │ +2 V variants"]),
    ],
)  # fmt: skip
async def test_every_result_is_told_or_counted_and_none_without_its_number(width, said):
    line = EffectLine()
    line.show(MANY)
    app = Host(line)
    async with app.run_test(size=(width, 3)) as pilot:
        await settle(pilot)
        assert [row for row in screen_text(app) if row] == said
        assert all(cell_len(row) <= width for row in said)


async def test_a_line_never_ends_within_a_word_where_the_facts_come_in_pieces():
    text = "1.29x slower [1.27-1.31]  fusions 6→0  1 collective  outputs differ by up to 2e-07 of their largest value"
    line = EffectLine()
    line.show([Effect("fusion=off,devices=2", text, "slower")])
    app = Host(line)
    async with app.run_test(size=(80, 3)) as pilot:
        await settle(pilot)
        assert [row for row in screen_text(app) if row] == [
            " fusion=off,devices=2  1.29x slower [1.27-1.31]  fusions 6→0  1 collective",
            "   outputs differ by up to 2e-07 of their largest value"]  # fmt: skip


async def test_a_measurement_stays_on_one_line_with_the_key_that_cancels_it():
    line = EffectLine()
    going = Effect("fusion=off,devices=2", "measuring: 526 of about 909 pairs, 1.3 s left", None, True, 0.5)
    line.show([going, MANY[1]])
    app = Host(line)
    async with app.run_test(size=(80, 3)) as pilot:
        await settle(pilot)
        assert [row for row in screen_text(app) if row] == [f" {going.variant}  {going.text} esc cancels"]
        await pilot.resize_terminal(120, 3)
        await settle(pilot)
        gauge = UNICODE.gauge(0.5, 12)
        assert screen_text(app)[0] == f" {going.variant}  {going.text} {gauge} esc cancels │ devices=4  2.56x slower"


async def test_how_far_a_measurement_is_has_room_beside_a_long_name():
    line = EffectLine()
    name = "fusion=off,devices=8,mesh=x:4+y:2,shard-plan=fsdp,passes-off=cse+dce+algsimp,matmul-precision=highest"
    going = Effect(name, "waits for what is measured before it, 3 s", None, True)
    line.show([going])
    app = Host(line)
    async with app.run_test(size=(80, 3)) as pilot:
        await settle(pilot)
        assert [row for row in screen_text(app) if row] == [f" fusion=off,devices=8,me…  {going.text} esc cancels"]
        await pilot.resize_terminal(200, 3)
        await settle(pilot)
        assert screen_text(app)[0] == f" {name}  {going.text}  esc cancels"


async def test_others_go_below_a_result_that_fills_its_line():
    line = EffectLine()
    line.show([MANY[0], MANY[1]])
    app = Host(line)
    async with app.run_test(size=(cell_len(f" {MANY[0].variant}  {MANY[0].text}"), 3)) as pilot:
        await settle(pilot)
        assert screen_text(app)[1] == "   devices=4  2.56x slower"


async def test_a_result_is_explained_by_a_click_on_it():
    async with shown() as (app, pilot, screen):
        screen.desk.variants = (FUSION, JIT)
        screen.draw_status()
        await settle(pilot)
        line = screen.query_one(EffectLine)
        at = line.text().index("fusion=off")
        await app.run_action(line.part_at(at + 1, 0).click, screen)
        await settle(pilot)
        assert isinstance(app.screen, TextOverlay) and "fusion=off: median 164 µs" in text_of(app)


class TwoVariants(FixedFeed):
    """Both from the feed: what is set on the screen itself a late answer would replace."""

    def variants(self, program):
        return FUSION, JIT


async def test_a_switch_turned_to_what_was_measured_before_shows_that_result_first():
    async with shown(feed=TwoVariants()) as (app, pilot, screen):
        await settle(pilot)
        assert screen_text(app)[3].startswith(" jit=off  7.50x slower")
        screen.show_variant("fusion=off")
        await pilot.pause()
        assert screen.query_one(EffectLine).text().startswith(" fusion=off  1.32x slower")


@pytest.mark.parametrize(
    ("differences", "brief"),
    [
        ((None, None, None, None), ""),
        ((0.0, 0.0, 0, 0), "outputs equal"),
        ((0.0, 0.0, None, 0), "outputs equal"),
        ((1.1e-8, 2e-7, 6, 0), "outputs equal to 6 ULP"),
        ((3.0, 0.5, 6, 0), "outputs differ by up to 5e-01 of their largest value"),
        ((2e-7, 3e-7, 4_000_000, 0), "outputs differ by up to 3e-07 of their largest value"),
        ((2e-7, None, None, None), "outputs differ by up to 2e-07"),
        ((1e-8, 2e-7, 6, 12), "outputs: NaN or infinite on one side only: 12"),
    ],
)
def test_how_far_outputs_agree_says_in_which_unit(differences, brief):
    assert brief_agreement(*differences) == brief


def test_how_far_outputs_agree_in_full():
    assert agreement(1.1e-8, 2e-7, 6, 0) == (
        "outputs equal to 6 ULP (largest difference 1.1e-08: 2.0e-07 of the largest value of that output)"
    )
    assert "value, 4,000,000 ULP (largest difference 2.0e-07:" in agreement(2e-7, 3e-7, 4_000_000, 0)
    said = explain_variant(replace(FUSION, max_abs_error=1.1e-8, max_rel_error=2e-7, max_ulp_error=6))
    assert any(line.startswith("Beside the baseline: outputs equal to 6 ULP") for line in said)
    assert sum(line.startswith("ULP: ") for line in said) == 1
    assert any(line.startswith("Fusions 4→0: those of two or more operations.") for line in said)
    assert not any("wrapped_" in line for line in explain_variant(JIT))


def test_the_start_of_a_lab_is_told_even_where_it_came_before_the_ticket():
    live = LiveState()
    live.take({"kind": "progress", "activity": "running", "name": "f#1"})
    live.take({"kind": "progress", "id": 7, "name": "f#1", "activity": "starting", "detail": "a lab, which imports jax"})
    assert live.now.activity == "running"
    live.measuring(7, "f#1", "links of equations of f#1")
    told = effects((), live.now, "f#1", None, UNICODE)[0]
    assert told.variant == "links of equations of f#1" and told.text.startswith("starting: a lab, which imports jax")
    live.take({"kind": "progress", "id": 7, "activity": "compiling", "detail": "the form with a tag for each equation"})
    assert effects((), live.now, "f#1", None, UNICODE)[0].text.startswith("compiling: the form with a tag")
