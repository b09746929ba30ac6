"""Results of a lab: JAX's own numbers, fusion really off, devices really used, refusals that help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lab_process import ROOT, SAME_CODE, LabProcess, Program

from xlascope.ir.collectives import collectives
from xlascope.ir.fusions import fusion_summary
from xlascope.ir.parse import parse_hlo
from xlascope.protocol.frames import Message

FUSED = ("softmax", "train", "attention", "key", "vmap_grad", "linalg", "scan", "while")


def run_elsewhere(path: Path, devices: int) -> dict[str, float | None]:
    script = Path(__file__).with_name("run_programs.py")
    done = subprocess.run(
        [sys.executable, str(script), str(path), str(devices)],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
    )
    return json.loads(done.stdout.splitlines()[-1])


def multi_op_fusions(text: bytes) -> list[str]:
    summary = fusion_summary(parse_hlo(text.decode()))
    return [fusion.name for fusion in summary.fusions if fusion.members >= 2]


def test_results_are_those_of_jax(programs: dict[str, Program], program_files: dict[str, Path]) -> None:
    found = run_elsewhere(program_files["one"], 1) | run_elsewhere(program_files["wide"], 1)
    runnable = {name for name, program in programs.items() if not program.record["callbacks"]}
    assert found.pop("rng") is not None
    assert found == dict.fromkeys(runnable - {"rng"}, 0.0)


def test_results_on_eight_devices_are_those_of_jax(
    many_device_programs: dict[str, Program], program_files: dict[str, Path]
) -> None:
    assert run_elsewhere(program_files["many"], 8) == dict.fromkeys(many_device_programs, 0.0)


def test_numbers_that_xla_does_not_fix(lab: LabProcess, programs: dict[str, Program]) -> None:
    body = lab.measure(programs["rng"], {"fusion": "off"}).body
    assert body["ok"] and body["sensitive"] is True and body["max_abs_error"] > 0


def test_a_program_with_shardings_for_one_device(lab8: LabProcess, programs: dict[str, Program]) -> None:
    message = lab8.measure(programs["constrained"], {"devices": 8})
    assert message.body["ok"] and message.body["device_count"] == 8 and message.body["max_rel_error"] < 1e-5
    assert parse_hlo(message.blobs["optimized"].decode()).entry is not None
    assert b"num_partitions=8" in message.blobs["optimized"]


def test_ordered_effects_need_consent(lab: LabProcess, programs: dict[str, Program]) -> None:
    program = programs["cond"]
    ordered = Program({**program.record, "id": "ordered#1", "ordered": True}, program.args_record, program.blobs)
    body = lab.measure(ordered, {"fusion": "off"}).body
    assert body["ok"] is False and "consent" in body["advice"]
    assert lab.measure(ordered, {"fusion": "off"}, consent=True).body["ok"]


@pytest.mark.parametrize("name", FUSED)
def test_fusion_off(lab: LabProcess, programs: dict[str, Program], name: str) -> None:
    message = lab.measure(programs[name], {"fusion": "off"})
    body = message.body
    assert body["ok"], body
    assert body["matches_script"] is True
    assert body["max_rel_error"] < 1e-5 and body["mismatched"] == 0 and body["sensitive"] is False
    assert multi_op_fusions(message.blobs["baseline_optimized"])
    assert multi_op_fusions(message.blobs["optimized"]) == []
    assert body["args"] == "recorded" and body["place"] == "lab"
    assert body["compile_ns"] > 0 and body["baseline_compile_ns"] > 0 and body["peak_bytes"] > 0
    check_statistics(message)


def check_statistics(message: Message) -> None:
    body = message.body
    variant = np.frombuffer(message.blobs["samples"], "<i8")
    baseline = np.frombuffer(message.blobs["baseline_samples"], "<i8")
    assert len(variant) == len(baseline) == body["samples"] > 0
    assert body["median_ns"] == round(float(np.median(variant)))
    assert body["baseline_median_ns"] == round(float(np.median(baseline)))
    if body["ci_low_ns"] is not None:
        assert body["ci_low_ns"] <= body["median_ns"] <= body["ci_high_ns"]
        assert body["ratio_ci_low"] <= body["ratio"] <= body["ratio_ci_high"]
    assert body["verdict"] in ("faster", "slower", "same", "unclear")


def test_nothing_to_fuse_is_said(lab: LabProcess, programs: dict[str, Program]) -> None:
    body = lab.measure(programs["cond"], {"fusion": "off"}).body
    assert body["ok"] and body["notes"] == [SAME_CODE]
    assert body["verdict"] == "same"  # however little was sampled


def test_nan_on_both_sides_is_equal(lab: LabProcess, programs: dict[str, Program]) -> None:
    assert any(np.isnan(value).any() for value in programs["nan"].results())
    body = lab.measure(programs["nan"], {"fusion": "off"}).body
    assert (body["max_abs_error"], body["mismatched"]) == (0.0, 0)


def test_profile_holds_the_variants_executions(lab: LabProcess, programs: dict[str, Program]) -> None:
    message = lab.measure(programs["train"], {"fusion": "off"}, profile=True)
    body = message.body
    for name, ids in (("profile", "program_ids"), ("baseline_profile", "baseline_program_ids")):
        meta = body[f"{name}_meta"]
        assert 0 < meta["start_ns"] < meta["end_ns"]
        assert message.blobs[name] and body[ids] and all(int(each) >= 0 for each in body[ids])
    assert body["program_ids"] != body["baseline_program_ids"]
    assert b"dot" in message.blobs["profile"]


def test_batch_plan_on_eight_devices(lab8: LabProcess, programs: dict[str, Program]) -> None:
    message = lab8.measure(programs["train"], {"devices": 8})
    body = message.body
    assert body["ok"], body
    assert (body["device_count"], body["simulated"], body["mesh"]) == (8, True, {"x": 8})
    assert body["max_rel_error"] < 1e-5
    kinds = {each.kind for each in collectives(parse_hlo(message.blobs["optimized"].decode()))}
    assert kinds == {"all-reduce"}
    assert not collectives(parse_hlo(message.blobs["baseline_optimized"].decode()))
    assert body["peak_bytes"] < body["baseline_peak_bytes"]
    assert "64" in body["notes"][0]


@pytest.mark.parametrize(
    ("switches", "kinds"),
    [
        ({"devices": 8, "shard": {"1": "-,x"}}, {"all-reduce"}),
        ({"mesh": {"x": 4, "y": 2}, "shard": {"0": "x,y", "[1]": "y,-"}}, {"all-reduce"}),
        ({"mesh": {"x": 4, "y": 2}, "shard": {"0": "x+y"}}, set()),
        ({"devices": 8, "shard_plan": "replicate"}, set()),
        ({"devices": 8, "fusion": "off"}, set()),
    ],
)
def test_shardings(lab8: LabProcess, programs: dict[str, Program], switches: dict[str, Any], kinds: set[str]) -> None:
    message = lab8.measure(programs["softmax"], switches)
    assert message.body["ok"], message.body
    assert message.body["max_rel_error"] < 1e-4
    assert {each.kind for each in collectives(parse_hlo(message.blobs["optimized"].decode()))} == kinds


@pytest.mark.parametrize("name", ["sharded_jit", "shard_map", "pmap"])
def test_programs_on_eight_devices(lab8: LabProcess, many_device_programs: dict[str, Program], name: str) -> None:
    body = lab8.measure(many_device_programs[name], {"fusion": "off"}).body
    assert body["ok"], body
    assert body["matches_script"] is True and body["device_count"] == 8 and body["max_rel_error"] < 1e-5


@pytest.mark.parametrize(
    ("program", "switches", "error", "advice"),
    [
        ("softmax", {"devices": 16}, "this lab has 8", "16 devices"),
        ("softmax", {"devices": 3}, "dimension 0 of size 128 over 3", "over 2, 4, 8, 16, 32, 64 or 128"),
        ("softmax", {"devices": 8, "shard": {"0": "x,x"}}, "'x' twice", "one dimension"),
        ("softmax", {"devices": 8, "shard": {"0": "z"}}, "no axis 'z'", "x (8)"),
        ("softmax", {"devices": 8, "shard": {"0": "x,-,-"}}, "3 entries and argument 0 ([0]) has 2 dimensions", "at most 2 entries"),
        ("softmax", {"devices": 8, "shard": {"w": "x"}}, "no argument 'w'", "0 [0], 1 [1]"),
        ("softmax", {"devices": 8, "mesh": {"x": 3}}, "3 places", "multiply to 8"),
        ("softmax", {"devices": 8, "shard_plan": "best"}, "no sharding plan", "batch"),
        ("softmax", {"fusion": "maybe"}, "'maybe'", "on, off"),
        ("softmax", {"speed": "on"}, "'speed'", "fusion"),
        ("softmax", {"compiler_options": {"xla_nonsense": 1}}, "No such compile option", "xla_nonsense"),
        ("same_shape", {"devices": 8}, "no argument to split", "--shard 0=x,-"),
        ("print", {"fusion": "off"}, "calls back", "live run"),
        ("pure_callback", {"fusion": "off"}, "calls back", "live run"),
        ("softmax", {"jit": "off"}, "needs the script's", "live run"),
    ],
)
def test_refusals(
    lab8: LabProcess, programs: dict[str, Program], program: str, switches: dict[str, Any], error: str, advice: str
) -> None:
    body = lab8.measure(programs[program], switches).body
    assert body["ok"] is False
    assert error in body["error"] and advice in body["advice"]


def test_a_program_on_more_devices_than_the_lab_has(lab: LabProcess, many_device_programs: dict[str, Program]) -> None:
    body = lab.measure(many_device_programs["pmap"], {"fusion": "off"}).body
    assert body["ok"] is False and "start a lab with 8 devices" in body["advice"]


def test_missing_arguments_are_made_up_and_said(lab: LabProcess, programs: dict[str, Program]) -> None:
    program = programs["softmax"]
    blobs = {name: data for name, data in program.blobs.items() if not name.startswith("a")}
    bare = Program({**program.record, "id": "bare#1"}, {"state": "synthetic", "leaves": []}, blobs)
    body = lab.measure(bare, {"fusion": "off"}).body
    assert body["ok"] and body["args"] == "synthetic"


def test_unused_arguments_are_found_by_name(lab: LabProcess, programs: dict[str, Program]) -> None:
    """Three arguments of one type, of which JAX drops the second."""
    program = programs["unused"]
    assert program.record["kept_inputs"] == [0, 2]
    record = {key: value for key, value in program.record.items() if key != "kept_inputs"}
    names = [{**each, "name": name} for each, name in zip(record["inputs"], "abc", strict=True)]
    body = lab.measure(
        Program({**record, "id": "named#1", "inputs": names}, program.args_record, program.blobs), {"fusion": "off"}
    ).body
    assert body["ok"] and body["args"] == "recorded"


@pytest.mark.parametrize(("what", "found"), [("hlo", b"tanh"), ("optimized", b"is_scheduled=true")])
def test_collect(lab: LabProcess, programs: dict[str, Program], what: str, found: bytes) -> None:
    message = lab.result(lab.begin(programs["train"], "collect", what=what))
    assert message.body["ok"] and found in message.blobs["text"]
    assert parse_hlo(message.blobs["text"].decode()).computations


def test_what_calls_back_into_python_is_compiled_for_its_texts(lab: LabProcess, programs: dict[str, Program]) -> None:
    """Nothing is executed, so that the callback itself is not needed."""
    program = programs["pure_callback"]
    tagged = Program(program.record, program.args_record, {**program.blobs, "tagged": program.blobs["stablehlo"]})
    for what, found in (("tagged", b"is_scheduled=true"), ("hlo", b"custom-call")):
        seen = len(lab.progress)
        message = lab.result(lab.begin(tagged, "collect", what=what))
        assert message.body["ok"], message.body
        assert {each["activity"] for each in lab.progress[seen:]} - {"idle"} == {
            "compiling" if what == "tagged" else "lowering"}
        assert found in message.blobs["text"] and b"callback" in message.blobs["text"]


def test_flags_of_the_run_stay_in_force(programs: dict[str, Program]) -> None:
    """Passes that XLA_FLAGS switches off stay off when fusion is switched off too."""
    flags = {"XLA_FLAGS": "--xla_disable_hlo_passes=algsimp,fusion"}
    with LabProcess(environment=flags) as process:
        message = process.measure(programs["vmap_grad"], {"fusion": "off"})
        assert message.body["ok"] and multi_op_fusions(message.blobs["optimized"]) == []
        assert multi_op_fusions(message.blobs["baseline_optimized"]) == []


def test_a_baseline_runs_where_the_program_was_recorded(lab: LabProcess, programs: dict[str, Program]) -> None:
    program = programs["softmax"]
    assert lab.measure(program, {"target": "cpu"}, budget_s=0.01).body["max_ulp_error"] == 0
    elsewhere = Program({**program.record, "id": "elsewhere#1", "platform": "gpu"}, program.args_record, program.blobs)
    body = lab.measure(elsewhere, {"target": "cpu"}).body
    assert body["ok"] is False and body["refused"] and body["error"] == "JAX finds no gpu on this machine"
