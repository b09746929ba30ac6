"""Switches that change the module itself: what is compiled has them, and the baseline stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_process import SAME_CODE, LabProcess, Program


@pytest.mark.parametrize(
    ("program", "donate", "aliases", "said"),
    [
        ("same_shape", {"0": "on"}, "{}: (0, {}, may-alias)", "is donated to result"),
        ("train", {"0": "off", "1": "off", "2": "off"}, None, "is not donated any more"),
        ("train", {"0": "on"}, "may-alias", "is donated already"),
    ],
)
def test_donation(
    lab: LabProcess, programs: dict[str, Program], program: str, donate: dict[str, str], aliases: str | None, said: str
) -> None:
    result = lab.measure(programs[program], {"donate": donate})
    assert result.body["ok"], result.body
    header = result.blobs["optimized"].decode().splitlines()[0]
    assert aliases in header if aliases else "input_output_alias" not in header
    assert any(said in note for note in result.body["notes"])
    assert (result.body["max_abs_error"], result.body["max_ulp_error"], result.body["first_different"]) == (0.0, 0, None)
    again = lab.measure(programs[program], {"fusion": "off"})
    assert again.body["ok"], again.body


def test_donation_needs_an_output_of_the_same_shape(lab: LabProcess, programs: dict[str, Program]) -> None:
    result = lab.measure(programs["softmax"], {"donate": {"1": "on"}})
    assert result.body["refused"] and "no output has its shape and type" in result.body["error"]
    assert result.body["advice"] == "outputs are: float32[128,64]"


@pytest.mark.parametrize("precision", ["highest", "bf16_bf16_f32"])
def test_matmul_precision(lab: LabProcess, programs: dict[str, Program], precision: str) -> None:
    result = lab.measure(programs["attention"], {"matmul_precision": precision, "fusion": "off"})
    assert result.body["ok"], result.body
    text = result.blobs["optimized"].decode()
    assert ("operand_precision={highest,highest}" if precision == "highest" else "algorithm=dot_bf16_bf16_f32") in text
    assert precision not in result.blobs["baseline_optimized"].decode()
    assert any(note.startswith(f"precision {precision} set on 2 of 2") for note in result.body["notes"])


def test_precision_needs_something_to_multiply(lab: LabProcess, programs: dict[str, Program]) -> None:
    result = lab.measure(programs["while"], {"matmul_precision": "high"})
    assert result.body["refused"] and "no matrix multiplications" in result.body["error"]


def test_passes_off_is_verified(lab: LabProcess, programs: dict[str, Program], tmp_path: Path) -> None:
    off = ["fusion", "topk-rewriter", "fusoin"]
    result = lab.measure(programs["train"], {"passes_off": off}, folder=str(tmp_path))
    assert result.body["ok"], result.body
    notes = result.body["notes"]
    assert "the pass fusion changes this program, and was off" in notes
    assert any(note.startswith("no pass named fusoin") and "fusion" in note for note in notes)
    assert any("topk-rewriter" in note and "no effect" in note for note in notes)
    assert list(tmp_path.iterdir()) == []


def test_a_switch_that_changes_no_machine_code_is_measured_with_one_executable(
    lab: LabProcess, programs: dict[str, Program]
) -> None:
    message = lab.measure(programs["softmax"], {"compiler_options": {"xla_llvm_disable_expensive_passes": False}},
                          profile=True)
    assert SAME_CODE in message.body["notes"] and message.body["verdict"] == "same" and message.body["max_ulp_error"] == 0
    assert message.body["program_ids"] == message.body["baseline_program_ids"]
    for switches in ({"fusion": "off"}, {"compiler_options": {"xla_cpu_multi_thread_eigen": True}}):
        assert SAME_CODE not in lab.measure(programs["softmax"], switches, budget_s=0.01).body["notes"]
