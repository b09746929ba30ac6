"""Compiling a recorded program for hardware that is not there: the messages always, the compilers where they are."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.cli.test_commands import xlascope
from xlascope.runfile import Reader
from xlascope.session.lab import _NO_TPU

SCHEMA = Path(__file__).parents[2] / "xlascope" / "report" / "schemas" / "variants.json"
PROGRAM = """
import jax, jax.numpy as jnp
@jax.jit
def scores(x, w):
    def turn(x, _):
        return jnp.tanh(x @ w), None
    return jax.nn.softmax(jax.lax.scan(turn, x, None, length=5)[0])
"""
SCRIPT = PROGRAM + """
@jax.jit
def chatty(x):
    jax.debug.print("{x}", x=x.sum())
    return x * 2
@jax.jit
def lapack(x):
    return jnp.linalg.cholesky(x)
@jax.jit
def general(x):
    return jnp.linalg.eig(x)[0]
@jax.jit
def large(x):
    return jnp.sin(x) @ x
large.lower(jax.ShapeDtypeStruct((60000, 60000), jnp.float32)).compile()
scores(jnp.ones((64, 32)), jnp.ones((32, 32)))
chatty(jnp.ones(4))
lapack(jnp.eye(4))
general(jnp.eye(4))
"""
# The compiler's own numbers, without anything of ours in between.
DIRECT = PROGRAM + """
import json, re
from jax.experimental import topologies
device = topologies.get_topology_desc("v5e:2x4", platform="tpu").devices[0]
place = jax.sharding.SingleDeviceSharding(device)
def shape(*sizes):
    return jax.ShapeDtypeStruct(sizes, jnp.float32, sharding=place)
made = scores.lower(shape(64, 32), shape(32, 32)).compile()
print(json.dumps({"peak": made.memory_analysis().peak_memory_in_bytes, "text": made.as_text()}))
"""
needs_tpu = pytest.mark.skipif(importlib.util.find_spec("libtpu") is None, reason="libtpu is not installed")


def _has_cuda() -> bool:
    try:
        return all(importlib.util.find_spec(name) for name in ("jax_plugins.xla_cuda12", "nvidia.cuda_nvcc"))
    except ImportError:
        return False


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("targets")
    (folder / "train.py").write_text(SCRIPT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_PLATFORMS", "cpu")  # JAX itself warns of a libtpu without a TPU, in any script
        done = xlascope("record", "-o", "run.xlascope", "--finish-budget", "100", "train.py", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder / "run.xlascope"


def measured(run: Path, *words: str) -> dict[str, object]:
    done = xlascope("measure", str(run), *words, "--json", folder=run.parent)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    answer = json.loads(done.stdout)
    jsonschema.validate(answer | {"program": "scores#1", "failed": []}, json.loads(SCHEMA.read_text()))
    return answer["rows"][0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--target", "tpu:v5f:2x4"], "did you mean v5"),
        (["--target", "npu"], "no target 'npu'; targets are written tpu:v5e:2x4"),
        (["--target", "tpu:v5e:2"], "'2' is no topology of v5e; it has 2 sizes"),
    ],
)
def test_unknown_targets(recorded: Path, words: list[str], said: str) -> None:
    done = xlascope("measure", str(recorded), *words, folder=recorded.parent)
    assert (done.returncode, done.stdout) == (2, "") and said in done.stderr


def test_a_platform_of_this_machine(recorded: Path) -> None:
    """The one there is, in turn with where it was recorded; one that is not there is refused."""
    row = measured(recorded, "--program", "scores", "--target", "cpu", "--budget", "0.05")
    assert (row["variant"], row["place"], row["max_ulp_error"]) == ("target=cpu", "lab", 0)
    assert row["predicted_ns"] is None and row["target"] is None and row["median_ns"] > 0 and row["ratio"] > 0
    done = xlascope("measure", str(recorded), "--program", "scores", "--target", "gpu", folder=recorded.parent)
    assert (done.returncode, done.stdout) == (2, "") and "JAX finds no gpu on this machine" in done.stderr


@pytest.mark.parametrize("platform", ["tpu", "cuda"])
def test_a_compiler_that_is_not_installed(recorded: Path, platform: str) -> None:
    if importlib.util.find_spec("libtpu") if platform == "tpu" else _has_cuda():
        pytest.skip("it is installed here")
    target = {"tpu": "tpu:v5e:2x4", "cuda": "cuda:h100:1x1x4"}[platform]
    done = xlascope("measure", str(recorded), "--program", "scores", "--target", target, folder=recorded.parent)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"pip install 'xlascope[{platform}]'" in done.stderr


@needs_tpu
def test_memory_and_cycles_are_the_compilers_own(recorded: Path) -> None:
    row = measured(recorded, "--program", "scores", "--target", "tpu:v5e:2x4")
    assert (row["verdict"], row["median_ns"], row["samples"], row["place"]) == (None, None, None, "lab")
    environment = {**os.environ, **_NO_TPU, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", DIRECT], capture_output=True, text=True, check=True, env=environment)
    direct = json.loads(done.stdout.splitlines()[-1])
    assert row["peak_bytes"] == direct["peak"] == row["memory"]["needs_bytes"]
    assert row["memory"]["has_bytes"] == 16 << 30 and row["memory"]["fits"]
    entry = direct["text"].partition("\nENTRY")[2]
    inside = re.search(r"body=%([\w.\-]+)", entry)
    assert inside is not None
    body = direct["text"].partition(f"\n%{inside[1]} ")[2].partition("\n}")[0]
    cycles = sum(map(int, re.findall(r'"estimated_cycles":"(\d+)"', entry)))
    cycles += 5 * sum(map(int, re.findall(r'"estimated_cycles":"(\d+)"', body)))
    assert row["prediction"]["cycles"] == cycles and row["prediction"]["unknown_loops"] == []
    assert row["predicted_ns"] == round(cycles / 1.5)
    done = xlascope("show", str(recorded), "predictions", "--program", "scores", "--variant", str(row["id"]), "--json",
                    folder=recorded.parent)  # fmt: skip
    foretold = json.loads(done.stdout)
    assert sum((each["cycles"] or 0) * each["times"] for each in foretold["rows"]) == cycles == foretold["cycles"]
    assert foretold["total_ns"] == row["predicted_ns"] and {1, 5} <= {each["times"] for each in foretold["rows"]}
    assert any(each["equations"] and each["line"] for each in foretold["rows"])


@needs_tpu
def test_a_sharding_over_a_topology(recorded: Path) -> None:
    row = measured(recorded, "--program", "scores", "--target", "tpu:v5e:2x4", "--mesh", "x=4,y=2", "--shard", "0=x,-",
                   "--shard", "1=-,y")
    assert row["variant"].endswith("target=tpu:v5e:2x4") and row["device_count"] == 8
    assert {each["kind"] for each in row["collectives"]} >= {"all-gather"}
    done = xlascope("measure", str(recorded), "--program", "scores", "--target", "tpu:v5e:1x1", "--devices", "8",
                    folder=recorded.parent)
    assert done.returncode == 2 and "8 devices are wanted and tpu:v5e:1x1 has 1" in done.stderr


@needs_tpu
def test_a_program_that_does_not_fit(recorded: Path) -> None:
    done = xlascope("measure", str(recorded), "--program", "large", "--target", "tpu:v5e:1x1", folder=recorded.parent)
    assert done.returncode == 2
    assert re.search(r"does not fit: it needs [\d.]+G of [\d.]+G a device; choose a larger device", done.stderr)


@needs_tpu
@pytest.mark.parametrize(("program", "said"), [("chatty", "calls back into Python"), ("general", "JAX cannot lower it for tpu")])
def test_programs_that_no_target_can_compile(recorded: Path, program: str, said: str) -> None:
    done = xlascope("measure", str(recorded), "--program", program, "--target", "tpu:v5e:2x4", folder=recorded.parent)
    assert (done.returncode, done.stdout) == (2, "") and said in done.stderr, done.stderr


def test_what_has_calls_of_its_platform_is_lowered_for_targets_while_its_trace_is_there(recorded: Path) -> None:
    with Reader(recorded) as reader:
        found = {(each.program, each.json["platform"]): (each.json["error"], set(each.json.get("blobs") or ()))
                 for each in reader.records("lowered")}
    assert set(found) == {(name, platform) for name in ("lapack#1", "general#1") for platform in ("tpu", "cuda")}
    assert found["lapack#1", "tpu"] == found["lapack#1", "cuda"] == (None, {"bytecode"})
    error, blobs = found["general#1", "tpu"]
    assert "'eig' not found for platform tpu" in error and not blobs


@needs_tpu
def test_a_program_with_calls_of_lapack_compiles_from_its_other_lowering(recorded: Path) -> None:
    row = measured(recorded, "--program", "lapack", "--target", "tpu:v5e:1x1")
    assert row["prediction"]["by"] == "cycles" and any("(lapack_spotrf_ffi)" in note for note in row["notes"])


@pytest.mark.skipif(not _has_cuda(), reason="the CUDA compiler is not installed")
def test_an_h100_with_its_launches(recorded: Path) -> None:
    row = measured(recorded, "--program", "scores", "--target", "cuda:h100:1x1x4")
    assert row["prediction"]["by"] == "roofline" and row["predicted_ns"] > 0 and row["verdict"] is None
    done = xlascope("show", str(recorded), "stage", "--program", "scores", "--variant", str(row["variant"]), "--stage",
                    "thunks", folder=recorded.parent)
    assert "grid: [" in done.stdout
    with Reader(recorded) as reader:
        (own,) = {each.json["memory_analysis"]["peak"] for each in reader.records("variant")
                  if each.json.get("target") == "cuda:h100:1x1x4"}
    assert row["peak_bytes"] == own
