"""The view `sharding` of a recorded run against what JAX itself says, and `measure` with several plans."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from xlascope.cli.errors import CommandError
from xlascope.cli.measure import main

SCRIPT = '''
import json, sys
import jax
jax.config.update("jax_num_cpu_devices", 8)
import jax.numpy as jnp, numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P

mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(AxisType.Auto,) * 2)
random = np.random.default_rng(0)
normal = lambda *shape: jnp.asarray(random.standard_normal(shape), jnp.float32)
put = lambda a, *spec: jax.device_put(a, NamedSharding(mesh, P(*spec)))

@jax.jit
def layer(w, b, x, odd):
    h = jax.nn.relu(x @ w + b)
    return h.sum(), h, jnp.sort(jnp.cos(odd) + 1, axis=1), jnp.cumsum(x, axis=0)

@jax.jit
def step(params, x, y):
    def loss(p):
        return jnp.mean((jnp.tanh(x @ p["w1"] + p["b1"]) @ p["w2"] - y) ** 2)
    value, gradients = jax.value_and_grad(loss)(params)
    return jax.tree.map(lambda p, g: p - 0.1 * g, params, gradients), value

args = put(normal(64, 128), None, "model"), put(normal(128), "model"), put(normal(256, 64), "data"), normal(5, 7)
results = jax.block_until_ready(layer(*args))
for _ in range(3):
    step({"w1": normal(16, 32), "b1": normal(32), "w2": normal(32, 4)}, normal(64, 16), normal(64, 4))

def parts(x, w):
    return jax.lax.psum(jnp.tanh(x @ w), "model")

mapped = jax.shard_map(parts, mesh=mesh, in_specs=(P("data", "model"), P("model", None)), out_specs=P("data", None))
jax.jit(mapped)(put(normal(64, 16), "data", "model"), put(normal(16, 4), "model"))

def summed(x):
    return jax.lax.psum(x.sum(0), ("data", "model")), 2 * x

jax.jit(jax.shard_map(summed, mesh=mesh, in_specs=P(("data", "model")), out_specs=(P(), P(("data", "model")))))(
    normal(64, 5))

def held(array):
    rows = array.sharding.devices_indices_map(array.shape)
    return {device.id: [list(each.indices(size)[:2]) for each, size in zip(index, array.shape)]
            for device, index in rows.items()}

facts = {"arguments": [held(each) for each in args[:3]], "outputs": [held(each) for each in results]}
json.dump(facts, open(sys.argv[1], "w"))
'''


def xlascope(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    return subprocess.run([sys.executable, "-m", "xlascope", *words], capture_output=True, text=True, env=environment)


def told(*words: str) -> dict[str, Any]:
    done = xlascope(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("sharded")
    (folder / "spread.py").write_text(SCRIPT)
    run, facts = folder / "a.xlascope", folder / "facts.json"
    done = xlascope("record", "-o", str(run), str(folder / "spread.py"), str(facts))
    assert done.returncode == 0, done.stderr
    yield str(run), json.loads(facts.read_text())


def held(array: dict[str, Any]) -> dict[str, Any]:
    return {str(device): block["part"] for block in array["blocks"] for device in block["devices"]}


def test_arrays_lie_as_jax_says(recorded: tuple[str, dict[str, Any]]) -> None:
    run, facts = recorded
    answer = told("show", run, "sharding", "--program", "layer")
    arrays = answer["arrays"]
    assert (answer["held"], answer["mesh"], answer["device_count"]) == (True, {"data": 4, "model": 2}, 8)
    assert answer["simulated"] is True and len(answer["devices"]) == 8
    arguments = [each for each in arrays if each["role"] == "argument"]
    outputs = [each for each in arrays if each["role"] == "output"]
    assert [each["name"] for each in arguments] == ["w", "b", "x", "odd"]
    assert [each["spec"] for each in arguments] == ["-,model", "model", "data,-", "-,-"]
    assert [held(each) for each in arguments[:3]] == facts["arguments"]
    assert [held(each) for each in outputs] == facts["outputs"]
    assert [each["name"] for each in outputs] == [f"result[{at}]" for at in range(4)]
    assert [each["bytes_per_device"] for each in arguments] == [64 * 64 * 4, 64 * 4, 64 * 64 * 4, 5 * 7 * 4]
    assert arguments[3]["why"] == (
        "no annotation reached it: the script gave it no sharding; and not divisible: dimension 0 of size 5, dimension "
        "1 of size 7 by data=4 or model=2"
    )
    line = SCRIPT.split("\n").index(next(each for each in SCRIPT.split("\n") if "jnp.cos(odd)" in each)) + 1
    made_of = re.match(r"no annotation reached it: computed from whole arrays alone \((.*?)\)", outputs[2]["why"])
    assert made_of is not None and re.fullmatch(rf"add of equation [\d.]+ at spread.py:{line}", made_of[1])
    (needed,) = arguments[2]["gathered_for"]
    assert needed.startswith("reduce-window") and "through all-gather" in needed
    made = next(each for each in arrays if each["opcode"] == "dot")
    assert (made["role"], made["shape"], made["equation"]) == ("intermediate", [256, 128], "0")
    assert made["spec"] == "data,model" and made["line"] == SCRIPT.split("\n").index(
        "    h = jax.nn.relu(x @ w + b)") + 1


def test_inside_of_a_shard_map_shapes_are_of_one_device(recorded: tuple[str, dict[str, Any]]) -> None:
    arrays = told("show", recorded[0], "sharding", "--program", "parts")["arrays"]
    made = next(each for each in arrays if each["opcode"] == "dot")
    assert (made["shape"], made["bytes_per_device"], made["bytes"]) == ([16, 4], 16 * 4 * 4, None)
    whole = {each["name"]: (each["bytes_per_device"], each["bytes"]) for each in arrays if each["role"] != "intermediate"}
    assert whole == {"x": (16 * 8 * 4, 64 * 16 * 4), "w": (8 * 4 * 4, 16 * 4 * 4), "result": (16 * 4 * 4, 64 * 4 * 4)}
    text = xlascope("show", recorded[0], "sharding", "--program", "parts").stdout
    assert "In a shard_map shapes are those of one device's part." in text


def test_a_result_that_out_specs_leave_whole_is_told_so(recorded: tuple[str, dict[str, Any]]) -> None:
    arrays = told("show", recorded[0], "sharding", "--program", "summed")["arrays"]
    outputs = [(each["shape"], each["replicated"], each["why"]) for each in arrays if each["role"] == "output"]
    assert outputs == [
        ([5], True, "the shard_map that makes it leaves it whole (out_specs)"), ([64, 5], False, None),
    ]  # fmt: skip


def test_auto_measures_all_and_ranks_them_by_their_times_beside_the_baseline(recorded: tuple[str, dict[str, Any]]) -> None:
    run, _ = recorded
    switches = ["--program", "step", "--devices", "8", "--shard-plan", "auto", "--budget", "0.05", "--no-profile"]
    rows = told("measure", run, *switches)["rows"]
    assert {row["switches"]["shard_plan"] for row in rows} == {"replicate", "batch", "fsdp"}
    assert [row["ratio"] for row in rows] == sorted(row["ratio"] for row in rows)
    assert all(row["simulated"] and row["max_rel_error"] < 1e-4 for row in rows)
    answer = told("show", run, "sharding", "--program", "step", "--variant", "devices=8")
    places = answer["ranking"]["places"]
    assert [(place["rank"], place["id"], place["median_ns"]) for place in places] == [
        (number, row["id"], row["median_ns"]) for number, row in enumerate(rows, 1)
    ]
    assert places[0]["variant"] in answer["ranking"]["verdict"]
    by_name = {each["name"]: each for each in answer["arrays"]}
    assert by_name["x"]["spec"] == "x,-" and by_name["params['w1']"]["spec"] == "-,-"
    assert by_name["params['w1']"]["why"] == "the plan batch keeps parameters whole"
    sums = [each["why"] for each in answer["arrays"] if each["opcode"] == "dot" and each["replicated"]]
    assert len(sums) == 2 and all("sums over the split dimension 0" in why for why in sums)
    rows = told("show", run, "collectives", "--program", "step", "--variant", "devices=8")["rows"]
    gradients_and_loss = 4 * (16 * 32 + 32 + 32 * 4 + 1)
    assert {row["kind"] for row in rows} == {"all-reduce"} and sum(row["bytes"] for row in rows) == gradients_and_loss
    assert all(row["mesh_axes"] == ["x"] and row["line"] is not None for row in rows)


def test_time_against_the_number_of_devices(recorded: tuple[str, dict[str, Any]]) -> None:
    run, _ = recorded
    done = xlascope("measure", run, "--program", "step", "--devices", "1,2,3,4", "--budget", "0.05", "--no-profile")
    assert done.returncode == 0 and "not tried: 3 devices: the batch plan would split x, y on dimension 0 of size 64" in done.stderr
    scales = [each for each in told("show", run, "sharding", "--program", "step")["scaling"] if each["plan"] == "batch"]
    assert {1, 2, 4} <= {each["devices"] for each in scales}
    one = next(each for each in scales if each["devices"] == 1)
    assert all(each["ideal_ns"] == round(one["median_ns"] / each["devices"]) for each in scales)
    text = xlascope("show", run, "sharding", "--program", "step").stdout
    assert "time against the number of devices (simulated" in text and ". ideal" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--devices", "8", "--shard", "param['w1']=x"], "perhaps params['w1']"),
        (["--mesh", "4x2", "--shard", "y=-,x+y"], "of [64, 4] can be split"),
        (["--mesh", "4x2", "--devices", "4"], "must multiply to 4"),
        (["--mesh", "4xtwo"], "a mesh is 8, 4x2 or x=4,y=2"),
        (["--devices", "8", "--shard", "x=q"], "axes are: x (8)"),
        (["--shard-plan", "as-script"], "ran on one device"),
        (["--devices", "2,4", "--shard-plan", "auto"], "give one number"),
        (["--devices", "8", "--shard-plan", "auto", "--shard", "x=x"], "one of your own"),
        (["--devices", "8", "--shard-plan", "best"], "fsdp"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_started(
    recorded: tuple[str, dict[str, Any]], words: list[str], said: str
) -> None:
    with pytest.raises(CommandError) as raised:
        main([recorded[0], "--program", "step", *words])
    assert raised.value.code == 2 and said in str(raised.value)
