"""What a run did not record is made when a pane asks for it."""

from __future__ import annotations

from fixed import TEXTS, FixedFeed, FixedKeeper
from hosting import settle
from on_screen import shown, text_of, until

from xlascope.ir import parse_hlo
from xlascope.ir.machine import split_llvm
from xlascope.views.compiler.machine_code import Kernel, MachineCode, kernel_lines


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


async def test_machine_code_follows_the_cursor(monkeypatch):
    text = "\n".join(["; ===== one: 9 instructions", *["  nop"] * 99, "; ===== two: 9 instructions", *["  nop"] * 99])
    monkeypatch.setitem(TEXTS, "asm", text)
    feed = FixedFeed("ended")
    monkeypatch.setattr(feed, "kernels", lambda program, stage: {"broadcast_multiply_fusion": (100,)})
    async with shown(feed=feed) as (_app, pilot, screen):
        await pilot.press("7", "H")
        assert screen.ops_table().current.op == "ynn_fusion.1"
        await pilot.press("x")
        await settle(pilot)
        pane = next(pane for pane in screen.stage_panes() if pane.showing == "asm")
        assert screen.machine_about(pane.content).startswith("no kernel: ynn_fusion.1, which runs in a library")
        await pilot.press("7")
        while screen.ops_table().current.op != "broadcast_multiply_fusion":
            await pilot.press("j")
        await settle(pilot)
        view = pane.text_pane
        assert view.first_visible <= 100 < view.first_visible + view.body_height
        assert screen.machine_about(pane.content) == pane.content.about
        assert pane.content.kernels_at(150) == ["broadcast_multiply_fusion"] and pane.content.kernels_at(50) == []
        await pilot.press("7", "H")
        screen.go_to_pane(pane.id)
        await pilot.press("G")
        await settle(pilot)
        assert screen.desk.focus.nodes >= {"broadcast_multiply_fusion"}, "and the other panes follow its cursor"
        # Of another variant there is none, though instructions of both may bear one name.
        screen.show_variant("fusion=off")
        await until(pilot, lambda: screen.desk.linked == ("scores#1", "fusion=off"))
        await settle(pilot)
        assert screen.machine_about(pane.content) == f"as run, not of fusion=off · {pane.content.about}"
        assert screen.rows_in("asm", None) == [] and screen.focus_of(view, 150) is None


def test_lines_of_kernels_by_instruction():
    module = parse_hlo(TEXTS["optimized"])
    names = [each.name for each in module.of_opcode("fusion")][-2:]
    text = "".join(f"; ===== m{at}\ndefine noalias ptr @{name}(ptr %0) {{\n}}\n" for at, name in enumerate(names))
    llvm = tuple(split_llvm(text))
    code = MachineCode(tuple(Kernel(f"m{at}", name, None, None) for at, name in enumerate(names)), (), llvm, None)
    found = kernel_lines(code, "llvm", module)
    lines = text.split("\n")
    assert set(found) >= set(names)
    assert all(f"@{name}(" in lines[found[name][0] - 1] for name in names)
