"""A variant compiled for hardware that is not there: its ops are foretold, and told as that everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixed import TEXTS
from hosting import screen_text, settle
from on_screen import opened, until
from written_run import write_run

from xlascope.ir import parse_hlo
from xlascope.runfile import Writer
from xlascope.tui.feeding.feed import Feed
from xlascope.tui.glyphs import UNICODE
from xlascope.tui.lines import explain_op, ops_title

TARGET = "target=tpu:v5e:1x1"


def _first_fusion() -> str:
    entry = parse_hlo(TEXTS["optimized"]).entry
    assert entry is not None
    return next(each.name for each in entry.instructions if each.opcode == "fusion")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with a variant for a TPU of which one op has 900 cycles, and one that was not profiled."""
    path = write_run(tmp_path / "a.xlascope")
    at = TEXTS["optimized"].index(f"%{_first_fusion()} = ")
    end = TEXTS["optimized"].index("\n", at)
    text = TEXTS["optimized"][:end] + ', backend_config={"estimated_cycles":"900"}' + TEXTS["optimized"][end:]
    writer = Writer(path)
    device = {"clock_ghz": 1.5, "flops_per_s": 197e12, "bytes_per_s": 819e9}
    body = {"id": "v7", "target": "tpu:v5e:1x1", "device": device, "switches": {"target": "tpu:v5e:1x1"}}
    blobs = {"optimized": text.encode()}
    writer.put("variant", {"id": "v8", "switches": {}}, blobs, program="scores#1", variant="passes_off=cse")
    writer.put("variant", body, blobs, program="scores#1", variant=TARGET)
    writer.close()
    return path


def test_ops_are_foretold_never_the_scripts(run: Path) -> None:
    """An instruction of the script's module and one of the target's may bear one name."""
    feed = Feed(run)
    try:
        ops = feed.ops("scores#1", TARGET)
        assert ops.predicted == "cycles" and ops.variant == TARGET
        told = [(row.op, row.self_ns, row.device, row.predicted) for row in ops.rows[:1]]
        assert told == [(_first_fusion(), 600, "tpu", True)]
        title = "".join(part.text for part in ops_title(ops, "scores#1", UNICODE))
        assert f"predicted, not executed {TARGET}" in title and "coverage" not in title
        said = " ".join(explain_op(ops.rows[0], ops))
        assert "~600 ns" in said and "compiler itself expects" in said and "no verdict" in said
        assert "nothing is foretold" in " ".join(explain_op(ops.rows[-1], ops))
        none = feed.ops("scores#1", "passes_off=cse")
        assert (none.rows, none.note) == ((), "no op of passes_off=cse was timed")
        marks = feed.stage("scores#1", "optimized", TARGET, ops, feed.equations("scores#1")).marks
        assert [mark.share for mark in marks.values() if mark.share] == [1.0]
        assert all(mark.estimated for mark in marks.values() if mark.share)
    finally:
        feed.close()


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_the_screen_marks_what_is_foretold(run: Path, size: tuple[int, int]) -> None:
    async with opened(run, size) as (app, pilot, main):
        await until(pilot, lambda: main.desk.calls is not None)
        await pilot.press("v")
        await until(pilot, lambda: main.desk.ops.predicted == "cycles")
        await pilot.press("7")
        await settle(pilot)
        text = "\n".join(screen_text(app))
        assert f"predicted, not executed {TARGET}" in text
        (row,) = [line for line in screen_text(app) if _first_fusion() in line and "100%" in line and "fusion " in line][:1]
        assert "~600 ns" in row
        if size[0] == 80:
            assert any("predicted ~600 ns 100%" in line for line in screen_text(app))


async def test_before_variants_are_read_no_one_is_told_that_there_are_none(run: Path) -> None:
    async with opened(run) as (app, pilot, main):
        await until(pilot, lambda: main.desk.calls is not None)
        main.desk.calls, main.desk.variants = None, ()
        main.action_variant()
        await settle(pilot)
        assert any("still being read" in each.message for each in app._notifications)
