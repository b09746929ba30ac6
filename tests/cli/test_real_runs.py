"""With the real engine: a script is recorded, then a variant of its program measured from the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_commands import xlascope
from xlascope.runfile import Reader
from xlascope.tui.text.numbers import size
from xlascope.views import open_source, query

_SCRIPT = """
import sys
import jax, jax.numpy as jnp
@jax.jit
def scores(x, w):
    return jax.nn.softmax(x @ w)
x, w = jnp.ones((64, 32)), jnp.ones((32, 16))
for _ in range(20):
    y = scores(x, w)
print(float(y.sum()))
sys.exit(3)
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real")
    (folder / "train.py").write_text(_SCRIPT)
    done = xlascope("record", "-o", "run.xlascope", "train.py", folder=folder)
    assert (done.returncode, done.stdout, done.stderr) == (3, "64.0\n", "run.xlascope\n")
    return folder / "run.xlascope"


def test_a_recorded_run_is_complete(recorded: Path) -> None:
    with Reader(recorded) as reader:
        assert reader.last("dropped") is None and reader.last("not_captured") is None
        program = next(record for record in reader.records("program") if record.json["function"] == "scores")
        stages = {record.json["stage"] for record in reader.records("stage", program.program)}
        assert {"jaxpr", "stablehlo", "optimized"} <= stages
        end = reader.last("end")
        assert end is not None and end.json["exit_code"] == 3


def test_fusion_off_is_measured_and_added(recorded: Path) -> None:
    done = xlascope("measure", str(recorded), "--program", "scores", "--fusion", "off", "--budget", "0.5", "--json",
                    folder=recorded.parent)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    (row,) = answer["rows"]
    assert (answer["schema"], answer["view"]) == (1, "variants")
    assert (row["id"], row["variant"], row["switches"], row["place"]) == ("v1", "fusion=off", {"fusion": "off"}, "lab")
    assert row["median_ns"] > 0 and row["ci_low_ns"] <= row["median_ns"] <= row["ci_high_ns"]
    assert row["verdict"] in ("faster", "slower", "same", "unclear")
    assert row["max_abs_error"] < 1e-5
    with Reader(recorded) as reader:
        assert [record.json["id"] for record in reader.records("variant")] == ["v1"]


def test_eight_devices_are_simulated(recorded: Path) -> None:
    done = xlascope("measure", str(recorded), "--program", "scores", "--devices", "8", "--budget", "0.5",
                    folder=recorded.parent)
    assert done.returncode == 0, done.stderr
    assert "devices=8" in done.stdout and "x split on dimension 0" in done.stdout
    with open_source(recorded) as source:
        row = query("variants", source, program="scores#1").rows[-1]
    before, after = row.changes.peak_bytes.before, row.changes.peak_bytes.after
    assert before != after and f"peak memory {size(before)}→{size(after)}" in done.stdout


def test_jit_off_needs_the_live_run(recorded: Path) -> None:
    done = xlascope("measure", str(recorded), "--program", "scores", "--jit", "off", folder=recorded.parent)
    assert done.returncode == 2 and "live Python process" in done.stderr


def test_switches_are_kept_under_a_name_and_used_again(recorded: Path) -> None:
    there = ["--program", "scores", "--budget", "0.2", "--no-profile", "--json"]
    done = xlascope("measure", str(recorded), "--passes-off", "algsimp", "--name", "plain", *there, folder=recorded.parent)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert row["variant"] == "passes-off=algsimp"
    assert any(note.startswith("the pass algsimp ") and "still ran" not in note for note in row["notes"])
    assert row["changes"]["instructions"]["before"] > 0 and row["max_ulp_error"] is not None
    done = xlascope("measure", str(recorded), "--use", f"{recorded}#plain", "--matmul-precision", "highest", *there,
                    folder=recorded.parent)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert row["switches"] == {"passes_off": ["algsimp"], "matmul_precision": "highest"}
    assert "precision highest set on 1 of 1 matrix multiplications and convolutions" in row["notes"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--passes-off", "fusoin"], "Names near it: fusion"),
        (["--passes-off", "fusion-wrapper"], "no pass of XLA is known"),
        (["--use", "nothing"], "nothing: no switches are kept under this name"),
        (["--x64"], "JAX_ENABLE_X64=1 xlascope record"),
        (["--donate", "0"], "no output has its shape and type; outputs are: float32[64,16]"),
        (["--donate", "nobody"], "the program has no argument 'nobody'; arguments are: 0 x, 1 w"),
        (["--matmul-precision", "enough"], "invalid choice: 'enough'"),
    ],
)
def test_switches_that_cannot_be(recorded: Path, words: list[str], said: str) -> None:
    done = xlascope("measure", str(recorded), "--program", "scores", "--budget", "0.2", *words, folder=recorded.parent)
    assert (done.returncode, done.stdout) == (2, "") and said in done.stderr, done.stderr


def test_a_measurement_without_an_interval_is_described() -> None:
    from xlascope.cli.measure import describe

    told = dict.fromkeys(("ci_low_ns", "ci_high_ns", "ratio_ci_low", "ratio_ci_high", "max_abs_error", "args"))
    told |= {"program": "f#1", "variant": "fusion=off", "id": "v1", "median_ns": 2000, "samples": 1, "notes": [],
             "baseline_median_ns": 1000, "ratio": 2.0, "verdict": "unclear", "compile_ns": 10}
    assert "unclear: time × 2 [no interval: too few samples]" in describe(told)
    told |= {"ratio": 1.16, "ratio_ci_low": 1.02, "ratio_ci_high": 1.26, "median_ns": 890}
    assert "of neighbouring pairs (× 1.3 of the medians" in describe(told | {"median_ns": 1300})
    assert "f#1  fusion=off  (v1)  on 8 simulated devices" in describe(told | {"device_count": 8, "simulated": True})
    lines = describe(told).split("\n")
    assert "  unclear: time × 1.16 [1.02 – 1.26] of neighbouring pairs" in lines
    assert any(line.startswith("  the medians say × 0.89: the machine's speed changed") for line in lines)
