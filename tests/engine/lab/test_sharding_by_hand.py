"""Plans against the same shardings written by hand with `in_shardings`, compiled by JAX itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from lab_process import ROOT, LabProcess, Program

from xlascope.ir import collectives, parse_hlo
from xlascope.protocol.frames import FrameDecoder, Message

X8, X4Y2 = {"x": 8}, {"x": 4, "y": 2}
PLANS = [
    ("mlp", "replicate", X8),
    ("mlp", "batch", X8),
    ("mlp", "fsdp", X8),
    ("mlp", "fsdp", X4Y2),
    ("attention_block", "batch", X8),
    ("attention_block", "fsdp", X4Y2),
    ("attention_step", "batch", X8),
    ("attention_step", "fsdp", X8),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Message]:
    path = tmp_path_factory.mktemp("by_hand") / "programs"
    script = Path(__file__).with_name("by_hand.py")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, str(script), str(path), "8"], check=True, env=environment)
    return list(FrameDecoder().feed(path.read_bytes()))


def exchanged(text: bytes) -> Counter[Any]:
    return Counter((each.kind, each.bytes, each.groups) for each in collectives(parse_hlo(text.decode())))


@pytest.mark.parametrize(("name", "plan", "mesh"), PLANS)
def test_a_plan_is_what_one_writes_by_hand(
    lab8: LabProcess, made: list[Message], name: str, plan: str, mesh: dict[str, int]
) -> None:
    body = next(each for each in made if each.kind == "fixture" and each.body["name"] == name)
    hand = next(
        each
        for each in made
        if each.kind == "by hand" and (each.body["name"], each.body["plan"], each.body["mesh"]) == (name, plan, mesh)
    )
    program = Program(body.body["record"], body.body["args_record"], body.blobs)
    message = lab8.measure(program, {"devices": 8, "mesh": mesh, "shard_plan": plan}, budget_s=0.01)
    assert message.body["ok"], message.body
    assert exchanged(message.blobs["optimized"]) == exchanged(hand.blobs["optimized"])
    assert message.body["output_shardings"] == hand.body["output_shardings"]
    assert message.body["max_rel_error"] < 1e-4 and message.body["mismatched"] == 0
    needed = plan != "replicate" and (name, plan) != ("attention_block", "batch")
    assert bool(exchanged(hand.blobs["optimized"])) == needed


def test_a_program_of_the_script_on_several_devices(
    lab8: LabProcess, many_device_programs: dict[str, Program]
) -> None:
    program = many_device_programs["sharded_jit"]
    kept = lab8.measure(program, {"shard_plan": "as-script"}).body
    assert kept["ok"] and kept["device_count"] == 8 and kept["input_specs"] is None
    assert kept["input_shardings"] == ["{devices=[8,1]<=[8]}"]
    given = lab8.measure(program, {"shard": {"0": "-,-"}}).body
    assert given["ok"] and given["input_specs"] == ["-,-"] and given["input_why"] == ["its spec is '-,-'"]
    whole = lab8.measure(program, {"shard_plan": "replicate"})
    assert whole.body["ok"] and whole.body["input_shardings"] == ["{replicated}"] and whole.body["device_count"] == 8
    assert not exchanged(whole.blobs["optimized"]) and exchanged(whole.blobs["baseline_optimized"])


@pytest.mark.parametrize(
    ("name", "switches", "error", "advice"),
    [
        ("sharded_jit", {"devices": 4}, "itself a program on 8 devices", "ask for no number of devices, or for 8"),
        ("sharded_jit", {"shard_plan": "as-script", "shard": {"0": "x"}}, "a spec changes one", "leave one"),
    ],
)
def test_refused_of_a_program_on_several_devices(
    lab8: LabProcess, many_device_programs: dict[str, Program], name: str, switches: Any, error: str, advice: str
) -> None:
    body = lab8.measure(many_device_programs[name], switches).body
    assert body["ok"] is False and error in body["error"] and advice in body["advice"]


def test_one_device_has_no_sharding_of_the_script(lab8: LabProcess, made: list[Message]) -> None:
    first = made[0]
    program = Program(first.body["record"], first.body["args_record"], first.blobs)
    body = lab8.measure(program, {"shard_plan": "as-script"}).body
    assert body["ok"] is False and "ran on one device" in body["error"] and "fsdp" in body["advice"]
