"""Switches, their measurements, and what became of them."""

from __future__ import annotations

import threading
from dataclasses import replace

from fixed import FixedFeed, FixedKeeper
from hosting import screen_text, settle
from on_screen import shown, text_of, until

from xlascope.tui.forms.sharding_form import ShardingForm
from xlascope.tui.forms.switches import Switches
from xlascope.tui.model import VariantRow


async def test_a_switch_is_measured_and_its_stages_are_shown_when_the_result_is_there():
    keeper, feed = FixedKeeper(), FixedFeed("running", variants=False)
    async with shown(keeper=keeper, feed=feed) as (app, pilot, screen):
        await pilot.press("F")
        await pilot.pause()
        assert keeper.measured == [("scores#1", {"fusion": "off"})]
        assert "F fusion ON→off" in text_of(app) and "fusion=off  starting" in text_of(app)
        assert "esc cancels  till then the panes show it as run" in screen_text(app)[3]
        keeper.tell({"kind": "progress", "id": 1, "activity": "measuring", "done": 4, "total": 9})
        screen.draw_status()
        await pilot.pause()
        assert "measuring: 4 of about 9 pairs" in text_of(app)
        await pilot.press("v")
        await pilot.pause()
        assert screen.desk.variant is None
        assert [str(note.message) for note in app._notifications] == ["the first variant is still being measured"]
        feed.with_variants, feed.number = True, 2
        keeper.tell({"kind": "result", "id": 1, "ok": True})
        screen.reload()
        await until(pilot, lambda: screen.desk.variant == "fusion=off")
        await settle(pilot)
        assert "1.32x slower" in screen_text(app)[3] and "*off" in screen_text(app)[2]
        assert "6 graph  fusion=off" in text_of(app) and "till then" not in text_of(app)
        await pilot.press("v")
        await settle(pilot)
        assert screen.desk.variant == "baseline" and "F fusion ON" in screen_text(app)[2]
        await pilot.press("v")
        await settle(pilot)
        assert screen.desk.variant is None
        await pilot.press("v")
        await settle(pilot)
        assert screen.desk.variant == "fusion=off"
        await pilot.press("F")
        await settle(pilot)
        assert screen.desk.variant is None and "F fusion ON" in screen_text(app)[2]


async def test_a_failed_measurement_says_why_until_it_is_dismissed():
    keeper = FixedKeeper()
    async with shown(keeper=keeper, feed=FixedFeed("running", variants=False)) as (app, pilot, screen):
        await pilot.press("F")
        keeper.tell({"kind": "result", "id": 1, "ok": False, "error": "the recorder is gone", "advice": "use a lab"})
        screen.draw_status()
        await pilot.pause()
        assert "fusion=off  the recorder is gone. use a lab" in text_of(app)
        screen._tick()
        assert not screen.desk.switches.touched
        await pilot.press("escape")
        await pilot.pause()
        assert "recorder is gone" not in text_of(app)


async def test_jit_off_is_not_offered_where_there_is_no_python():
    keeper = FixedKeeper()
    async with shown(keeper=keeper, feed=FixedFeed("ended", variants=False)) as (app, pilot, screen):
        assert "J jit ON" in screen_text(app)[2]
        app.run_at_hand = screen.run_at_hand = replace(screen.run_at_hand, live=False)
        screen.draw_status()
        await pilot.press("F")
        await pilot.pause()
        assert "J jit –" in screen_text(app)[2]
        await pilot.press("J")
        await pilot.pause(1.0)
        # The fusion that was turned stays so, and nothing else is measured.
        assert keeper.measured == [("scores#1", {"fusion": "off"})] and screen.desk.switches == Switches(fusion="off")
        assert "needs the script's live Python process" in str(list(app._notifications)[-1].message)
        # What was measured while it was live can be shown.
        screen.desk.variants = (*screen.desk.variants, VariantRow(
            **{**dict.fromkeys(VariantRow.__dataclass_fields__), "name": "jit=deep-off", "switches": {"jit": "deep-off"},
               "simulated": False, "sensitive": False, "notes": (), "exchanges": (), "equation_ns": (), "series": ((), ())}
        ))  # fmt: skip
        assert screen.can_turn_jit()
        await pilot.press("J")
        await pilot.pause()
        assert screen.desk.variant == "jit=deep-off" and keeper.measured == [("scores#1", {"fusion": "off"})]


async def test_escape_cancels_a_measurement():
    keeper = FixedKeeper()
    async with shown(keeper=keeper, feed=FixedFeed("running", variants=False)) as (_app, pilot, screen):
        await pilot.press("F", "escape")
        await pilot.pause()
        assert keeper.cancelled == [1]
        keeper.tell({"kind": "result", "id": 1, "ok": False, "error": "cancelled", "cancelled": True})
        screen.draw_status()
        await pilot.pause()
        assert not screen.live.now.measuring and not screen.live.now.failures
        screen._tick()
        assert not screen.desk.switches.touched


async def test_a_refusal_that_comes_before_its_ticket_is_known_counts():
    keeper = FixedKeeper()
    asked = keeper.measure

    def refusing(program, switches, budget_s):
        ticket = asked(program, switches)
        keeper.tell({"kind": "result", "id": ticket, "ok": False, "error": "needs the live process", "refused": True})
        return ticket

    keeper.measure = refusing
    async with shown(keeper=keeper, feed=FixedFeed("running", variants=False)) as (app, pilot, screen):
        await pilot.press("F")
        await pilot.pause()
        assert "fusion=off  needs the live process" in text_of(app) and not screen.live.now.measuring
        screen._tick()
        assert not screen.desk.switches.touched


def test_jit_and_the_other_switches_put_each_other_back():
    fused = Switches().turned("fusion").turned("devices")
    assert fused.turned("jit") == Switches(jit="off")
    assert set(fused.turned("jit").put_back(fused)) == {"fusion", "devices", "sharding"}
    assert Switches(jit="off").turned("fusion") == Switches(fusion="off")
    assert Switches.of(fused.command()) == fused


async def test_devices_and_sharding_go_together():
    keeper = FixedKeeper()
    async with shown(keeper=keeper, feed=FixedFeed("running", variants=False)) as (app, pilot, _screen):
        await pilot.press("D", "D", "D")
        await until(pilot, lambda: keeper.measured)
        assert keeper.measured == [("scores#1", {"devices": 8, "shard_plan": "batch"})]
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, ShardingForm))
        await pilot.press("enter")
        await until(pilot, lambda: len(keeper.measured) == 2)
        assert keeper.measured[1][1] == {"devices": 8, "shard_plan": "batch"}


async def test_switches_are_buttons_too():
    keeper = FixedKeeper()
    async with shown(keeper=keeper, feed=FixedFeed("running", variants=False)) as (_app, pilot, _screen):
        await pilot.click("#switches", offset=(12, 0))
        await pilot.pause()
        assert keeper.measured == [("scores#1", {"fusion": "off"})]


async def test_without_a_keeper_a_switch_says_how_to_measure():
    async with shown(feed=FixedFeed(variants=False)) as (app, pilot, _screen):
        await pilot.press("F")
        await settle(pilot)
        assert any("reading only" in str(note.message) for note in app._notifications)


async def test_a_result_is_shown_before_the_next_look_at_everything():
    keeper, feed = FixedKeeper(), FixedFeed("running", variants=False)
    async with shown(keeper=keeper, feed=feed) as (_app, pilot, screen):
        await pilot.press("F")
        await until(pilot, lambda: keeper.measured)
        feed.with_variants = True  # the file's generation stays: nothing else would be asked again
        keeper.tell({"kind": "result", "id": 1, "ok": True})
        await until(pilot, lambda: screen.desk.variant == "fusion=off")


async def test_another_program_begins_with_its_switches_untouched():
    keeper, feed = FixedKeeper(), FixedFeed("running", variants=False)
    async with shown(keeper=keeper, feed=feed) as (app, pilot, screen):
        await pilot.press("F")
        await until(pilot, lambda: keeper.measured)
        screen.take_program("step#1")
        await settle(pilot)
        assert not screen.desk.switches.touched and screen.desk.awaited is None
        assert "fusion=off of scores#1" in text_of(app)


async def test_with_jit_off_no_hlo_bears_the_times_of_other_programs():
    async with shown((120, 36), feed=FixedFeed()) as (app, pilot, screen):
        await pilot.press("tab", "4")
        await settle(pilot)
        screen.show_variant("jit=off")
        await until(pilot, lambda: "4 optimized HLO" in text_of(app) and "no HLO of the whole" in text_of(app))
        held = screen.stage_pane("a").content
        assert held is not None and not held.marks and not len(held.lines)


async def test_until_a_turned_switch_is_measured_its_line_says_so_and_esc_puts_it_back():
    keeper = FixedKeeper()
    async with shown(keeper=keeper, feed=FixedFeed("running", variants=False)) as (app, pilot, screen):
        await pilot.press("D", "D")
        await pilot.pause()
        assert "D devices 1→4 simulated" in screen_text(app)[2] and not keeper.measured
        assert screen_text(app)[3].startswith(" devices=4  turned: is measured in a moment")
        await pilot.press("escape")
        await pilot.pause()
        assert "D devices 1 " in screen_text(app)[2] and "turned" not in screen_text(app)[3]
        assert screen.desk.coming is None


async def test_the_awaited_measurement_is_told_first_and_is_what_esc_cancels():
    keeper = FixedKeeper()
    async with shown((200, 60), keeper=keeper, feed=FixedFeed("running", variants=False)) as (app, pilot, screen):
        await pilot.press("F")
        await until(pilot, lambda: keeper.measured)
        screen.live.measuring(200, "scores#1", "machine code of scores#1")
        screen.live.now = replace(screen.live.now, measuring=screen.live.now.measuring[::-1])
        screen.draw_status()
        await pilot.pause()
        line = screen_text(app)[3]
        assert line.startswith(" fusion=off  waits for what is measured before it") and "machine code" in line
        assert line.count("esc cancels") == 1
        await pilot.press("escape")
        await pilot.pause()
        assert keeper.cancelled == [1]


class Slow(FixedFeed):
    """Answers about times and graphs of what is held back only when it is let go."""

    def __init__(self, held):
        super().__init__()
        self.held, self.go = held, threading.Event()

    def _wait(self, program, variant):
        if self.held in (program, variant):
            assert self.go.wait(20)

    def ops(self, program, variant=None):
        self._wait(program, variant)
        return replace(super().ops(program, variant), variant=variant)


async def test_while_a_variant_is_read_each_pane_names_what_it_shows():
    feed = Slow("fusion=off")
    async with shown(feed=feed) as (app, pilot, screen):
        screen.show_variant("fusion=off")
        await until(pilot, lambda: "reading fusion=off" in text_of(app))
        told = text_of(app)
        assert "observed in the script" in told and "6 graph  optimized HLO" in told
        feed.go.set()
        await settle(pilot)
        assert "measured fusion=off" in text_of(app) and "reading" not in text_of(app)
        assert "6 graph  fusion=off" in text_of(app)


async def test_of_another_program_nothing_of_the_one_before_stands_beside_its_texts():
    feed = Slow("step#1")
    async with shown((200, 60), feed=feed) as (app, pilot, screen):
        screen.take_program("step#1")
        await until(pilot, lambda: screen.stage_pane("a").content.program == "step#1")
        await pilot.pause()
        told = text_of(app)
        assert "reading the graph of step#1" in told and "reading the calls of step#1" in told
        assert "reading what the profile windows saw" in told and not screen.ops_table().row_count()
        assert "ynn_fusion.1  " not in "\n".join(screen_text(app)[44:])
        feed.go.set()
        await settle(pilot)
        assert "reading" not in text_of(app) and screen.ops_table().row_count()
