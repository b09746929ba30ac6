"""What a run did not record is made when a pane asks for it."""

from __future__ import annotations

from fixed import FixedFeed, FixedKeeper
from hosting import settle
from on_screen import shown, text_of, until


async def test_a_missing_stage_is_asked_for_once_when_it_is_shown():
    keeper = FixedKeeper()
    async with shown(keeper=keeper) as (app, pilot, screen):
        assert keeper.collected == []
        await pilot.press("3")
        await until(pilot, lambda: keeper.collected)
        screen.reload()
        await settle(pilot)
        assert keeper.collected == [("scores#1", "hlo")]
        assert "HLO before optimization of scores#1" in text_of(app)
        keeper.tell({"kind": "result", "id": 101, "ok": False, "error": "no lab could be started"})
        screen.draw_status()
        await pilot.pause()
        assert "no lab could be started" in text_of(app)


async def test_links_are_made_exact_once_the_program_was_seen_at_work():
    keeper, feed = FixedKeeper(), FixedFeed("running")
    feed.untagged = True
    async with shown(keeper=keeper, feed=feed) as (_app, pilot, screen):
        assert screen.desk.ops.rows
        await until(pilot, lambda: keeper.collected)
        assert keeper.collected == [("scores#1", "tagged")]


async def test_links_are_made_exact_after_the_script_has_ended():
    keeper, feed = FixedKeeper(), FixedFeed("running")
    feed.untagged, feed.unseen = True, True
    async with shown(keeper=keeper, feed=feed) as (_app, pilot, screen):
        assert keeper.collected == []
        keeper.tell({"kind": "state", "state": "idle", "exit_code": 0})
        screen.reload()
        await until(pilot, lambda: keeper.collected)
        assert keeper.collected == [("scores#1", "tagged")]


async def test_machine_code_is_made_when_it_is_asked_for_and_its_forms_follow_each_other():
    keeper = FixedKeeper()
    async with shown(keeper=keeper) as (app, pilot, _screen):
        await pilot.press("x")
        await until(pilot, lambda: keeper.collected)
        await settle(pilot)
        assert keeper.collected == [("scores#1", "machine")] and "x machine code" in text_of(app)
        for name in ("x LLVM IR", "x LLVM IR before", "x machine code"):
            await pilot.press("x")
            await settle(pilot)
            assert name in text_of(app)
        assert keeper.collected == [("scores#1", "machine")]
