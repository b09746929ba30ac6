"""The lab as a process: commands in order, cancel, kill, broken streams."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from lab_process import TIMEOUT_S, LabProcess, Program


def wait_for_progress(lab: LabProcess, activity: str, done: bool = False) -> dict[str, Any]:
    while True:
        message = lab.read()
        assert message.kind == "progress", message.body
        if message.body["activity"] == activity and (not done or message.body["done"]):
            return message.body


def test_progress_tells_what_is_done(lab: LabProcess, programs: dict[str, Program]) -> None:
    seen = len(lab.progress)
    lab.measure(programs["slow"], {"fusion": "off"}, budget_s=0.6)
    told = lab.progress[seen:]
    assert next(each["activity"] for each in told if each["detail"] == "variant") == "compiling"
    counted = [each for each in told if each["done"]]
    assert counted and all(each["name"] == "slow#1" and each["total"] >= each["done"] for each in counted)


def test_cancel_between_samples(lab: LabProcess, programs: dict[str, Program]) -> None:
    command = lab.begin(programs["slow"], switches={"fusion": "off"}, budget_s=3600)
    wait_for_progress(lab, "measuring", done=True)
    lab.send({"kind": "cancel", "id": command})
    body = lab.result(command).body
    assert (body["ok"], body["cancelled"]) == (False, True)
    assert lab.measure(programs["cond"], {"fusion": "off"}).body["ok"]


def test_cancel_of_a_command_that_waits(lab: LabProcess, programs: dict[str, Program]) -> None:
    first = lab.begin(programs["slow"], switches={"fusion": "off"}, budget_s=0.1)
    second = lab.begin(programs["slow"], switches={"fusion": "off"}, budget_s=3600)
    lab.send({"kind": "cancel", "id": second})
    assert lab.result(first).body["ok"]
    assert lab.result(second).body["cancelled"]


def test_unknown_program_and_command(lab: LabProcess) -> None:
    body = lab.result(lab.begin(None, program="nobody#1", switches={})).body
    assert body["ok"] is False and "nobody#1" in body["error"] and body["advice"]
    body = lab.result(lab.begin(None, "dance")).body
    assert body["ok"] is False and "'dance'" in body["error"]


def test_code_that_is_none(lab: LabProcess, programs: dict[str, Program]) -> None:
    softmax = programs["softmax"]
    for code in (b"nothing", softmax.blobs["stablehlo"][:200], b"ML\xefR" + bytes(50)):
        broken = Program({**softmax.record, "id": "broken#1"}, softmax.args_record, {"stablehlo": code})
        body = lab.measure(broken, {"fusion": "off"}).body
        assert body["ok"] is False and "StableHLO" in body["error"] and "\n" not in body["error"]
    assert lab.measure(softmax, {"fusion": "off"}).body["ok"]


def test_a_program_is_loaded_once(lab: LabProcess, programs: dict[str, Program]) -> None:
    """A second command needs no blobs, and the baseline is not compiled again."""
    first = lab.measure(programs["attention"], {"fusion": "off"}).body
    again = lab.result(
        lab.begin(
            None,
            program="attention#1",
            switches={"compiler_options": {"xla_backend_optimization_level": "0"}},
            budget_s=0.05,
        )
    ).body
    assert again["ok"] and again["baseline_compile_ns"] == first["baseline_compile_ns"]


@pytest.mark.parametrize("how", ["close", "stop", "noise"])
def test_the_lab_ends_with_its_keeper(programs: dict[str, Program], how: str) -> None:
    with LabProcess() as process:
        process.begin(programs["slow"], switches={"fusion": "off"}, budget_s=3600)
        wait_for_progress(process, "measuring", done=True)
        if how == "stop":
            process.send({"kind": "stop"})
        elif how == "noise":
            process.raw(b"not a frame at all")
        else:
            process.close()
        assert process.process.wait(TIMEOUT_S) == 0


def test_a_killed_lab_is_replaced(programs: dict[str, Program]) -> None:
    with LabProcess() as process:
        process.begin(programs["slow"], switches={"fusion": "off"}, budget_s=3600)
        wait_for_progress(process, "measuring", done=True)
        os.kill(process.process.pid, signal.SIGKILL)
        with pytest.raises((EOFError, ConnectionError)):
            while True:
                process.read()
        assert process.process.wait(TIMEOUT_S) == -signal.SIGKILL
    with LabProcess() as process:
        assert process.measure(programs["slow"], {"fusion": "off"}).body["ok"]


def test_a_lab_writes_nothing(programs: dict[str, Program]) -> None:
    process = LabProcess()
    with process:
        assert process.measure(programs["train"], {"fusion": "off"}, profile=True).body["ok"]
        assert process.close() == ""


@pytest.mark.parametrize(("devices", "flags"), [(3, ""), (None, "--xla_force_host_platform_device_count=3")])
def test_a_spare_lab_is_what_it_is_told_to_be(programs: dict[str, Program], devices: int | None, flags: str) -> None:
    lab = LabProcess(8, spare=True)  # 8: what it becomes counts
    try:
        assert lab.read().kind == "hello"
        wait_for_progress(lab, "idle")
        lab.send({"kind": "become", "devices": devices, "flags": flags})
        wait_for_progress(lab, "idle")
        assert lab.measure(programs["softmax"], {"devices": 2}).body["device_count"] == 2
        assert "this lab has 3" in lab.measure(programs["softmax"], {"devices": 4}).body["error"]
    finally:
        lab.close()
