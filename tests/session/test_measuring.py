"""Measurements: queued one by one, in warm labs, cancelled, crashed, and stored whole."""

from __future__ import annotations

import os
import queue
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import xlascope.session.measuring as measuring
from tests.session.running import FAKE, Events, plan, script
from tests.session.terminal_user import gone
from xlascope.runfile import Reader, Writer
from xlascope.session.keeper import Keeper
from xlascope.session.lab import Lab as measuring_lab
from xlascope.session.lab import flags_from
from xlascope.session.plan import is_python_with_jax
from xlascope.session.switches import devices_needed, variant_name


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / "a.xlascope"
    writer = Writer(path)
    writer.put("run", {"python": sys.executable, "argv": []})
    writer.put("env", {"variables": {"XLA_FLAGS": "--xla_cpu_enable_fast_math=true --xla_dump_to=/x"}})
    for name in ("ok#1", "ok#2", "crash#1", "hang#1", "refuse#1", "slow#1"):
        body = {"id": name, "function": name[:-2], "x64": name == "ok#2", "platform": "cpu", "device_count": 1}
        writer.put("program", body, program=name)
        writer.put("stage", {"stage": "stablehlo"}, {"text": b"module", "bytecode": b"ML\xefR" + name.encode()},
                   program=name)
        writer.put("stage", {"stage": "optimized"}, {"text": b"HloModule m"}, program=name)
    writer.put("args", {"state": "recorded", "leaves": []}, {"a0": bytes(64), "a1": bytes(8)}, program="ok#1")
    writer.put("program", {"id": "bare#1", "platform": "cpu"}, program="bare#1")
    writer.close()
    return path


@pytest.fixture
def reopened(run: Path):
    keeper = Keeper.reopen(run, boot=FAKE)
    events = Events(keeper)
    keeper.start()
    yield keeper, events
    keeper.stop()


def test_a_variant_is_measured_in_a_lab_and_stored(run: Path, reopened) -> None:
    keeper, events = reopened
    ticket = keeper.measure("ok#1", {"fusion": "off"}, 1.5)
    starting = events.until(lambda event: event["kind"] == "progress")
    assert (starting["id"], starting["activity"]) == (ticket, "starting") and "a lab" in starting["detail"]
    progress = events.until(lambda event: event["kind"] == "progress" and event["activity"] == "measuring")
    assert (progress["id"], progress["done"], progress["total"]) == (ticket, 1, 2)
    answer = events.result(ticket)
    assert answer["ok"] and answer["variant"] == "fusion=off" and answer["variant_id"] == "v1"
    assert answer["got"] == ["a0", "a1", "script_optimized", "stablehlo"]
    assert answer["record"]["id"] == "ok#1" and answer["flags"] == "--xla_cpu_enable_fast_math=true"
    with Reader(run) as reader:
        record = reader.last("variant", "ok#1", "fusion=off")
        assert record is not None
        assert (record.json["id"], record.json["median_ns"], record.json["switches"]) == ("v1", 101, {"fusion": "off"})
        assert reader.text(record, "optimized") == "HloModule v"
        assert reader.text(record, "baseline_optimized") == "HloModule b"
        samples = list(reader.chunks("samples"))
        assert [(one.json["what"], one.json["variant_record"], len(one.data)) for one in samples] == [
            ("variant", record.id, 24), ("baseline", record.id, 24)]
        profile = next(reader.chunks("profile"))
        assert (profile.program, profile.variant, profile.json["why"]) == ("ok#1", "fusion=off", "variant")
        stage = reader.last("stage", "ok#1", "fusion=off")
        assert stage is not None and reader.text(stage, "text") == "HloModule v"


def test_a_lab_stays_warm_for_its_environment(reopened) -> None:
    keeper, events = reopened
    answers = [events.result(keeper.measure(program, switches)) for program, switches in [
        ("ok#1", {"fusion": "off"}), ("ok#1", {"compiler_options": {"a": "1"}}), ("ok#1", {"devices": 8}),
        ("ok#2", {"fusion": "off"}), ("ok#1", {"fusion": "off"})]]
    pids = [answer["pid"] for answer in answers]
    assert pids[0] == pids[1] and len(set(pids)) == 4
    assert [answer["devices"] for answer in answers] == [None, None, 8, None, None]
    assert [answer["x64"] for answer in answers] == [False, False, False, True, False]
    assert [answer["variant_id"] for answer in answers] == ["v1", "v2", "v3", "v4", "v5"]
    assert gone(pids[0])
    keeper.stop()
    assert all(gone(pid) for pid in pids)


def test_a_lab_that_crashes_is_told_and_replaced(run: Path, reopened) -> None:
    keeper, events = reopened
    answer = events.result(keeper.measure("crash#1", {"fusion": "off"}))
    assert not answer["ok"] and "signal 9" in answer["error"] and "the lab's last words" in answer["error"]
    assert events.result(keeper.measure("ok#1", {"fusion": "off"}))["ok"]
    with Reader(run) as reader:
        failed = reader.last("failed", "crash#1")
        assert failed is not None and failed.json["switches"] == {"fusion": "off"}


def test_a_lab_that_hangs_is_ended(reopened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "HEARTBEAT_S", 1.0)
    keeper, events = reopened
    answer = events.result(keeper.measure("hang#1", {"fusion": "off"}))
    assert not answer["ok"] and "no sign of life" in answer["error"]
    assert events.result(keeper.measure("ok#1", {"fusion": "off"}))["ok"]


def test_an_idle_lab_is_ended(reopened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "_IDLE_S", 0.5)
    keeper, events = reopened
    pid = events.result(keeper.measure("ok#1", {"fusion": "off"}))["pid"]
    assert gone(pid)


def test_cancelling_what_runs_what_waits_and_what_does_not_listen(reopened, monkeypatch) -> None:
    monkeypatch.setattr(measuring, "_CANCEL_S", 0.3)
    keeper, events = reopened
    slow = keeper.measure("slow#1", {"fusion": "off"})
    waiting = keeper.measure("ok#1", {"fusion": "off"})
    events.until(lambda event: event["kind"] == "progress" and event["id"] == slow)
    keeper.cancel(waiting)
    assert events.result(waiting)["cancelled"]
    keeper.cancel(slow)
    assert events.result(slow)["cancelled"]
    deaf = keeper.measure("hang#1", {"fusion": "off"})
    started = ("measurement", deaf, "started")
    events.until(lambda event: (event["kind"], event.get("ticket"), event.get("state")) == started)
    keeper.cancel(deaf)
    assert events.result(deaf)["cancelled"]
    assert events.result(keeper.measure("ok#1", {"fusion": "off"}))["ok"]


def test_what_is_collected_is_given_up_at_once(reopened, monkeypatch) -> None:
    monkeypatch.setattr(measuring, "_CANCEL_S", 600.0)
    keeper, events = reopened
    deaf = keeper.collect("hang#1", "passes")
    started = ("measurement", deaf, "started")
    events.until(lambda event: (event["kind"], event.get("ticket"), event.get("state")) == started)
    keeper.cancel(deaf)
    assert events.result(deaf)["cancelled"]
    assert events.result(keeper.measure("ok#1", {"fusion": "off"}))["ok"]


def test_what_cannot_be_measured_says_what_to_do(run: Path, reopened) -> None:
    keeper, events = reopened
    for program, switches in [("ok#1", {"jit": "off"}), ("absent#1", {"fusion": "off"}), ("bare#1", {"fusion": "off"})]:
        answer = events.result(keeper.measure(program, switches))
        assert not answer["ok"] and answer["refused"] and answer["error"] and answer["advice"]
    answer = events.result(keeper.measure("refuse#1", {"fusion": "off"}))
    assert (answer["error"], answer["advice"]) == ("it cannot be done", "do another thing")
    with Reader(run) as reader:
        assert [record.program for record in reader.records("failed")] == ["refuse#1"]


def test_a_python_that_is_gone_is_replaced_by_ours(run: Path) -> None:
    writer = Writer(run)
    writer.put("run", {"python": "/no/such/python"})
    writer.close()
    keeper = Keeper.reopen(run, boot=FAKE)
    events = Events(keeper)
    keeper.start()
    try:
        assert events.result(keeper.measure("ok#1", {"fusion": "off"}))["ok"]
    finally:
        keeper.stop()


@pytest.mark.parametrize("python", ["/no/such/python", "/bin/rm", "python", ""])
def test_a_run_file_does_not_say_what_is_started(run: Path, tmp_path: Path, python: str) -> None:
    evil = tmp_path / "bin/python3"
    evil.parent.mkdir()
    evil.write_text("#!/bin/sh\ntouch started\n")
    evil.chmod(0o755)
    for word in (python, str(evil)):
        assert not is_python_with_jax(word)
    assert is_python_with_jax(sys.executable)


def test_a_warm_lab_is_there_before_it_is_asked_for(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setattr(measuring, "Lab", lambda *a, **k: started.append(measuring_lab(*a, **k)) or started[-1])
    keeper = Keeper.reopen(run, boot=FAKE, warm=True)
    events = Events(keeper)
    keeper.start()
    try:
        events.state("ended")
        # The newest program's environment, which is not ok#2's.
        assert events.result(keeper.measure("ok#1", {"fusion": "off"}))["ok"]
        assert len([lab for lab in started if not lab.fits(lab.spec)]) == 1
    finally:
        keeper.stop()


def test_a_spare_lab_becomes_what_is_asked_for_and_is_replaced(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: queue.Queue[measuring_lab] = queue.Queue()

    def start(*a: Any, **k: Any) -> measuring_lab:
        lab = measuring_lab(*a, **k)
        started.put(lab)
        return lab

    monkeypatch.setattr(measuring, "Lab", start)
    monkeypatch.setattr(measuring, "_SPARE_AFTER_S", 0.0)
    keeper = Keeper.reopen(run, boot=FAKE, warm=True)
    events = Events(keeper)
    keeper.start()
    try:
        first, spare = started.get(timeout=60), started.get(timeout=60)
        assert spare.fits(replace(first.spec, devices=8)) and not first.fits(first.spec)
        answer = events.result(keeper.measure("ok#1", {"devices": 8}))
        assert (answer["pid"], answer["devices"]) == (spare._process.pid, 8)
        assert answer["flags"] == "--xla_cpu_enable_fast_math=true"
        other = started.get(timeout=60)  # for the next one
        assert other is not spare and other.fits(replace(first.spec, devices=4)) and not spare.fits(spare.spec)
        assert events.result(keeper.measure("ok#1", {"fusion": "off"}))["pid"] == first._process.pid
    finally:
        keeper.stop()
    assert all(gone(lab._process.pid) for lab in (first, spare, other))


def test_jit_off_goes_to_the_live_recorder_and_the_rest_to_a_lab(tmp_path: Path) -> None:
    text = """
body = {"id": "ok#1", "platform": "cpu", "device_count": 1}
send("program", **body)
send("stage", {"text": b"m", "bytecode": b"ML"}, program="ok#1", stage="stablehlo")
"""
    keeper = Keeper(plan(script(tmp_path, text), stay=True), tmp_path / "b.xlascope", boot=FAKE)
    events = Events(keeper)
    keeper.start()
    try:
        events.state("idle")
        assert events.result(keeper.measure("ok#1", {"jit": "off"}))["place"] == "recorder"
        assert events.result(keeper.measure("ok#1", {"fusion": "off"}))["place"] == "lab"
        slow = keeper.measure("slow#1", {"jit": "off"})
        events.until(lambda event: event["kind"] == "progress" and event["id"] == slow)
        pid = keeper.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert "gone" in events.result(slow)["error"]
        refused = events.result(keeper.measure("ok#1", {"jit": "off"}))
        assert refused["refused"] and refused["advice"]
    finally:
        keeper.stop()


def test_labs_die_with_a_killed_keeper(run: Path, tmp_path: Path) -> None:
    code = f"""
import sys, queue
from pathlib import Path
from xlascope.session.keeper import Keeper
keeper = Keeper.reopen(Path({str(run)!r}), boot=Path({str(FAKE)!r}))
events = queue.Queue()
keeper.subscribe(events.put)
keeper.start()
keeper.measure("ok#1", {{"fusion": "off"}})
while True:
    event = events.get()
    if event["kind"] == "result": print(event["pid"], flush=True)
"""
    import subprocess

    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    os.kill(pid, 0)
    process.kill()
    process.wait()
    process.stdout.close()
    assert gone(pid)


@pytest.mark.parametrize("switches,name", [
    ({}, "baseline"),
    ({"devices": 8, "fusion": "off"}, "fusion=off,devices=8"),
    ({"jit": "deep-off"}, "jit=deep-off"),
    ({"shard_plan": "batch", "devices": 4}, "devices=4"),
    ({"shard_plan": "replicate", "devices": 4}, "devices=4,shard-plan=replicate"),
    ({"mesh": {"x": 4, "y": 2}, "shard": {"1": "-,y", "0": "x,-"}}, "devices=8,mesh=x:4+y:2,shard:0=x/-,shard:1=-/y"),
    ({"mesh": {"x": 8}, "shard_plan": "fsdp"}, "devices=8,shard-plan=fsdp"),
    ({"mesh": {"x": 8}, "devices": 8, "shard_plan": "batch"}, "devices=8"),
    ({"mesh": {"x": 4, "y": 2}, "shard_plan": "batch"}, "devices=8,mesh=x:4+y:2"),
    ({"devices": 8, "mesh": {"x": 4, "y": 2}}, "devices=8,mesh=x:4+y:2"),
    ({"mesh": {"data": 8}, "shard_plan": "fsdp"}, "devices=8,mesh=data:8,shard-plan=fsdp"),
    ({"compiler_options": {"xla_b": "1", "xla_a": "true"}}, "xla_a=true,xla_b=1"),
])
def test_a_variant_is_named_by_its_switches_in_fixed_order(switches: dict[str, object], name: str) -> None:
    assert variant_name(switches) == name


def test_devices_that_a_lab_must_have() -> None:
    assert devices_needed({}, None) is None and devices_needed({}, 1) is None
    assert devices_needed({"devices": 8}, 1) == 8
    assert devices_needed({"fusion": "off"}, 4) == 4
    assert devices_needed({"mesh": {"x": 4, "y": 2}}, 1) == 8


def test_only_harmless_flags_of_a_run_file_reach_a_lab() -> None:
    flags = ("--xla_cpu_enable_fast_math=true --xla_force_host_platform_device_count=8 --xla_dump_to=/tmp/x "
             "--xla_a=3 --xla_b=1.5 --xla_c=/bin/sh --xla_d=$(id) -x --xla_e")
    assert flags_from({"XLA_FLAGS": flags}) == "--xla_cpu_enable_fast_math=true --xla_a=3 --xla_b=1.5 --xla_e"
    assert flags_from({}) == ""
