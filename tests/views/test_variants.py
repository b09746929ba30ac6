"""Measured variants: what the views make of their records."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from crafted_run import OPTIMIZED, program_body, small_run
from recorded_scripts import Recorded

from xlascope.ir import fusion_summary, parse_hlo
from xlascope.runfile import Reader, Writer
from xlascope.views import Source, ViewError, open_source, query
from xlascope.views.partitioning.ranking import rank
from xlascope.views.variants import Variant

ROOT = Path(__file__).parents[2]
UNFUSED = """HloModule jit_scores, is_scheduled=true, num_partitions=4

ENTRY %main (x: f32[8,4], w: f32[4,2]) -> f32[8,2] {
  %x = f32[8,4]{1,0} parameter(0)
  %w = f32[4,2]{1,0} parameter(1)
  %dot.1 = f32[8,2]{1,0} dot(%x, %w), lhs_contracting_dims={1}, rhs_contracting_dims={0}, metadata={op_name="jit(scores)/dot_general" source_file="/home/u/train.py" source_line=5}
  %all-reduce.1 = f32[8,2]{1,0} all-reduce(%dot.1), channel_id=1, replica_groups=[2,2]<=[4], to_apply=%add, metadata={op_name="jit(scores)/dot_general" source_file="/home/u/train.py" source_line=5}
  ROOT %exp.1 = f32[8,2]{1,0} exponential(%all-reduce.1), metadata={op_name="jit(scores)/exp" source_file="/home/u/train.py" source_line=5}
}
"""
RESULT = {
    "switches": {"fusion": "off", "devices": 4, "mesh": {"a": 2, "b": 2}}, "mesh": {"a": 2, "b": 2}, "place": "lab",
    "args": "recorded", "median_ns": 2000.4, "ci_low_ns": 1900, "ci_high_ns": 2100, "samples": 30,
    "baseline_median_ns": 1000, "ratio": 2.0, "ratio_ci_low": 1.9, "ratio_ci_high": 2.1, "verdict": "slower",
    "max_abs_error": 1e-7, "compile_ns": 5, "peak_bytes": 64, "device_count": 4, "simulated": True, "notes": ["a note"],
    "equation_ns": [["0", 10], ["1", 5.6], ["odd"], None],
}  # fmt: skip


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    path = small_run(tmp_path / "m.xlascope")
    writer = Writer(path)
    blobs = {"optimized": UNFUSED.encode(), "baseline_optimized": OPTIMIZED.encode()}
    for number, ratio in ((1, 3.0), (2, 2.0)):
        body = {**RESULT, "id": f"v{number}", "ratio": ratio}
        writer.put("variant", body, blobs, program="scores#1", variant="fusion=off,devices=4")
    writer.put("program", program_body("other#7"), program="other#7")
    writer.put("failed", {"switches": {"jit": "off"}, "error": "no", "advice": "do"}, program="scores#1", variant="jit=off")
    writer.close()
    return path


def test_a_row_for_each_measurement_with_fusions_and_collectives(measured: Path) -> None:
    with open_source(measured) as source:
        answer = query("variants", source)
        programs = {row.id: row.variants for row in query("programs", source).programs}
    assert [(row.id, row.ratio) for row in answer.rows] == [("v1", 3.0), ("v2", 2.0)]
    row = answer.rows[1]
    assert (row.variant, row.median_ns, row.verdict, row.predicted_ns) == ("fusion=off,devices=4", 2000, "slower", None)
    assert (row.fusions_before, row.fusions_after, row.fusions_left) == (1, 0, ())
    assert (row.kinds_before, row.kinds_after, row.library_fusions_before) == ({"kLoop": 1}, {}, 0)
    assert [(each.kind, each.bytes, each.count, each.equation) for each in row.collectives] == [("all-reduce", 64, 1, "0")]
    assert [(each.path, each.ns) for each in row.equation_ns] == [("0", 10), ("1", 6)]
    assert [(each.variant, each.error) for each in answer.failed] == [("jit=off", "no")]
    assert programs["scores#1"] == ("fusion=off,devices=4",) and programs["other#7"] == ()


def test_without_a_program_the_hottest_that_was_measured(measured: Path) -> None:
    writer = Writer(measured)
    writer.put("calls", {"program": "other#7", "hook_calls": 1000})
    writer.close()
    with open_source(measured) as source:
        assert query("stage", source, stage="jaxpr", program="scores").program == "scores#1"
        assert query("variants", source).program == "scores#1"
        assert query("variants", source, program="other").rows == ()


@pytest.mark.parametrize("wanted", ["v1", "v2", "fusion=off,devices=4"])
def test_a_variant_is_named_by_id_or_name(measured: Path, wanted: str) -> None:
    with open_source(measured) as source:
        assert query("stage", source, program="scores#1", variant=wanted, stage="optimized").text == UNFUSED
        base = query("stage", source, program="scores#1", variant="baseline", stage="optimized")
        assert (base.text, base.variant, base.available) == (OPTIMIZED, "baseline", ("optimized", "llvm:before", "llvm", "asm"))
        assert query("stage", source, program="scores#1", variant="observed", stage="jaxpr").variant is None
        (row,) = query("collectives", source, program="scores#1", variant=wanted).rows
        assert (row.mesh_axes, row.groups, row.time_ns, row.line) == (("b",), ((0, 1), (2, 3)), None, 5)
        assert query("collectives", source, program="scores#1").rows == ()
        graph = query("graph", source, program="scores#1", variant=wanted)
        assert [node.self_ns for node in graph.nodes] == [None] * 5


def test_equations_dispatched_by_themselves(measured: Path) -> None:
    with open_source(measured) as source:
        answer = query("equations", source, program="scores#1", variant="v2")
    assert [(row.path, row.self_ns, row.exact_ns, row.state) for row in answer.rows] == [
        ("0", 10, 10, "alone"), ("1", 6, 6, "alone"),
    ]  # fmt: skip
    assert (answer.op_ns, answer.equation_coverage, answer.variant) == (16, 1.0, "fusion=off,devices=4")


def test_what_was_not_measured_is_told(measured: Path) -> None:
    with open_source(measured) as source:
        with pytest.raises(ViewError, match=r"no such variant\n.*fusion=off,devices=4"):
            query("ops", source, program="scores#1", variant="devices=8")
        with pytest.raises(ViewError, match="no profile was made"):
            query("ops", source, program="scores#1", variant="v1")
        with pytest.raises(ViewError, match="Leave --variant out"):
            query("devices", source, program="scores#1", variant="baseline")
    writer = Writer(measured)
    body = {"id": "v3", "switches": {"target": "tpu:v5e:2x4"}, "target": "tpu:v5e:2x4", "place": "lab"}
    writer.put("variant", body, {"optimized": UNFUSED.encode()}, program="scores#1", variant="target=tpu:v5e:2x4")
    writer.close()
    with open_source(measured) as source:
        for view in ("ops", "devices"):
            with pytest.raises(ViewError, match="was compiled for tpu:v5e:2x4, not executed: no op has a time"):
                query(view, source, program="scores#1", variant="v3")


@pytest.fixture(scope="module")
def fusion_off(one_device: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("measured") / "run.xlascope"
    shutil.copy(one_device.path, path)
    command = [sys.executable, "-m", "xlascope", "measure", str(path), "--program", "loop", "--fusion", "off"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    subprocess.run([*command, "--budget", "0.5"], check=True, capture_output=True, env=environment, timeout=150)
    return path


def test_a_real_measurement_fits_its_own_texts_and_profile(fusion_off: Path) -> None:
    with open_source(fusion_off) as source, Reader(fusion_off) as reader:
        (row,) = query("variants", source, program="loop").rows
        record = reader.last("variant")
        assert record is not None
        before = fusion_summary(parse_hlo(reader.text(record, "baseline_optimized") or ""))
        assert (row.fusions_before, row.fusions_after) == (before.count, 0) and before.count > 0
        assert row.ratio_ci_low <= row.ratio <= row.ratio_ci_high and row.samples > 0 and row.args == "recorded"
        ops, devices = query("ops", source, program="loop", variant=row.id), query("devices", source, variant=row.id)
        module = parse_hlo(query("stage", source, program="loop", variant=row.id, stage="optimized").text)
    assert {each.op for each in ops.rows} <= set(module.names)
    assert all(each.program == "loop#1" and each.opcode for each in ops.rows)
    assert any(each.equations for each in ops.rows) and any(each.line for each in ops.rows)
    assert sum(each.self_ns for each in ops.rows) == sum(each.op_ns for each in devices.rows)


def test_a_measurement_leaves_what_was_observed_alone(fusion_off: Path, one_device: Recorded) -> None:
    with open_source(fusion_off) as after, open_source(one_device.path) as before:
        assert query("ops", after).rows == query("ops", before).rows
        assert query("functions", after) == query("functions", before)


def test_the_variant_view_as_a_table(run: Source, measured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from xlascope.cli.show import main

    assert main([str(measured), "variants"]) == 0
    text = capsys.readouterr().out
    assert "2.000x" in text and "slower" in text and "1→0" in text and "1 x all-reduce of 64 B (equation 0)" in text
    assert "! not measured: jit=off: no; do" in text
    assert "need not be the ratio of the medians" in text.replace("\n", " ")
    writer = Writer(measured)
    again = {"switches": {"jit": "off"}, "error": "no", "advice": "do"}
    writer.put("failed", again, program="scores#1", variant="jit=off")
    writer.close()
    assert main([str(measured), "variants"]) == 0
    assert capsys.readouterr().out.count("not measured") == 1
    assert main([str(measured), "variants"]) == 0 and "! not measured (2 times): jit=off: no; do" in capsys.readouterr().out
    assert main([str(measured), "variants", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["equation_ns"][0] == {"path": "0", "ns": 10}


def test_a_plan_won_only_where_medians_and_ratios_are_apart(measured: Path) -> None:
    with open_source(measured) as source:
        row = query("variants", source).rows[0]

    def plan(name: str, ms: float, ratio: float) -> Variant:
        return replace(
            row, id=name, variant=name, median_ns=int(ms * 1e6), ci_low_ns=int(ms * 0.9e6), ci_high_ns=int(ms * 1.1e6),
            ratio=ratio, ratio_ci_low=ratio * 0.95, ratio_ci_high=ratio * 1.05,
        )

    apart = rank([plan("b", 4, 2.0), plan("a", 2, 1.0)])
    assert [(each.variant, each.tied) for each in apart.places] == [("a", False), ("b", False)]
    assert apart.verdict == "a won, 2.00 times as fast as b; their intervals are apart"
    for ratio, told in ((1.0, False), (1.1, True)):
        said = rank([plan("a", 2, ratio), plan("b", 4, 2.5)]).verdict or ""
        assert said.endswith("; the baseline beside it was faster still") == told
    # The machine was slower while b was measured: beside its baseline it is no slower than a.
    drifted = rank([plan("a", 2, 1.0), plan("b", 4, 0.99)])
    assert [(each.variant, each.tied) for each in drifted.places] == [("b", False), ("a", True)]
    assert drifted.verdict == "b is the quickest beside its baseline; intervals do not tell it from a"
    unpaired = rank([replace(plan("b", 4, 1.0), ratio=None), plan("a", 2, 1.0)])
    assert unpaired.verdict == "a has the shortest median; intervals do not tell it from b"
    slow = replace(plan("c", 40, 20.0), samples=5, ci_low_ns=None, ci_high_ns=None, ratio_ci_low=None, ratio_ci_high=None)
    few = rank([slow, plan("b", 4, 1.01), plan("a", 2, 1.0)])
    assert [(each.variant, each.tied) for each in few.places] == [("a", False), ("b", True), ("c", True)]
    assert few.verdict == (
        "a is the quickest beside its baseline; intervals do not tell it from b; no interval, for want of samples, has c "
        "(5): a longer --budget gives one"
    )


def test_what_is_missing_in_a_question_is_told_before_anything_is_compiled(
    measured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from xlascope.cli.show import main

    for words, said in (([], "history of what?"), (["--equation", "7"], "7: scores#1 has no such equation")):
        assert main([str(measured), "history", "--program", "scores", *words]) == 2
        told = capsys.readouterr().err
        assert said in told and "compiling" not in told
