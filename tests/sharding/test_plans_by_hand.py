"""Plans against the same program written by hand with ``in_shardings``: collectives, their bytes, how outputs lie."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

MODEL = '''
import jax, jax.numpy as jnp, numpy as np

def normal(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape), jnp.float32) / 10

def loss(p, x, y):
    q, k, v = (x @ p[name] for name in ("q", "k", "v"))
    weights = jax.nn.softmax(jnp.einsum("btd,bsd->bts", q, k), axis=-1)
    h = jax.nn.gelu(jnp.einsum("bts,bsd->btd", weights, v) @ p["up"] + p["bias"])
    return jnp.mean((h @ p["down"] + p["odd"].sum() - y) ** 2)

def step(p, x, y):
    value, gradients = jax.value_and_grad(loss)(p, x, y)
    return jax.tree.map(lambda p, g: p - 0.1 * g, p, gradients), value

params = {"q": normal(1, 32, 32), "k": normal(2, 32, 32), "v": normal(3, 32, 32), "up": normal(4, 32, 64),
          "bias": normal(5, 64), "down": normal(6, 64, 32), "odd": normal(7, 7)}
x, y = normal(8, 16, 8, 32), normal(9, 16, 8, 32)
'''
SCRIPT = MODEL + "f = jax.jit(step)\nfor _ in range(3):\n    f(params, x, y)\n"
BY_HAND = '''
import json, re, sys
import jax
jax.config.update("jax_num_cpu_devices", 8)
''' + MODEL + '''
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(AxisType.Auto,) * 2)
of_params = {
    "replicate": {}, "batch": {},
    "fsdp": {"q": P("model", None), "k": P("model", None), "v": P("model", None), "up": P(None, "model"),
             "bias": P("model"), "down": P("model", None)},
}
def held(sharding, shape):
    rows = sharding.devices_indices_map(shape)
    return {str(device.id): [list(each.indices(size)[:2]) for each, size in zip(index, shape)]
            for device, index in rows.items()}
def size(text):
    return sum(4 * int(np.prod([int(each) for each in dims.split(",") if each])) for dims in
               re.findall(r"f32\\\\[([\\\\d,]*)\\\\]", text))
found = {}
for plan, specs in of_params.items():
    laid = {name: NamedSharding(mesh, specs.get(name, P())) for name in params}
    of_batch = NamedSharding(mesh, P() if plan == "replicate" else P("data"))
    made = jax.jit(step, in_shardings=(laid, of_batch, of_batch)).lower(params, x, y).compile()
    text = re.sub(r"/\\\\*.*?\\\\*/", "", made.as_text())
    line = r"= (\\\\(.*?\\\\)|\\\\S+) (all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute)\\\\("
    shapes = [each.shape for each in jax.tree.leaves(jax.eval_shape(step, params, x, y))]
    found[plan] = {
        "collectives": sorted([kind, size(result)] for result, kind in re.findall(line, text)),
        "outputs": [held(each, shape) for each, shape in zip(jax.tree.leaves(made.output_shardings), shapes)],
    }
print(json.dumps(found))
'''.replace("\\\\", "\\")


def xlascope(*words: str) -> Any:
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-m", "xlascope", *words], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if "--json" in words else None


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("by_hand")
    (folder / "train.py").write_text(SCRIPT)
    xlascope("record", "-o", str(folder / "a.xlascope"), str(folder / "train.py"))
    yield str(folder / "a.xlascope")


@pytest.fixture(scope="module")
def by_hand() -> dict[str, Any]:
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", BY_HAND], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("plan", ["replicate", "batch", "fsdp"])
def test_a_plan_is_the_program_with_in_shardings(run: str, by_hand: dict[str, Any], plan: str) -> None:
    words = ["--program", "step", "--mesh", "data=4,model=2", "--shard-plan", plan, "--budget", "0.05", "--no-profile"]
    (row,) = xlascope("measure", run, *words, "--json")["rows"]
    told = sorted([each["kind"], each["bytes"]] for each in row["collectives"] for _ in range(each["count"]))
    assert told == by_hand[plan]["collectives"] and bool(told) is (plan != "replicate")
    assert row["max_rel_error"] < 1e-5 and row["device_count"] == 8
    arrays = xlascope("show", run, "sharding", "--variant", row["id"], "--no-collect", "--json")["arrays"]
    outputs = [each for each in arrays if each["role"] == "output"]
    held = [{str(device): block["part"] for block in each["blocks"] for device in block["devices"]} for each in outputs]
    assert held == by_hand[plan]["outputs"]
    assert [each["name"] for each in outputs] == [*(f"result[0][{name!r}]" for name in
                                                   ("bias", "down", "k", "odd", "q", "up", "v")), "result[1]"]  # fmt: skip
