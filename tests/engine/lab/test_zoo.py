"""The zoo, whole: in a lab, and without jit. A campaign: `pytest -m slow`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lab_process import ROOT, LabProcess, Program, make_programs
from test_lab_results import multi_op_fusions, run_elsewhere

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def zoo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("zoo") / "zoo"


@pytest.fixture(scope="module")
def zoo(zoo_file: Path) -> dict[str, Program]:
    return make_programs(zoo_file, "1", "zoo")


def test_every_program_without_fusion(lab: LabProcess, zoo: dict[str, Program]) -> None:
    for name, program in zoo.items():
        message = lab.measure(program, {"fusion": "off"}, budget_s=0.01)
        body = message.body
        assert body["ok"] and body["matches_script"] and body["args"] == "recorded", (name, body)
        assert multi_op_fusions(message.blobs["optimized"]) == [], name
        assert (body["max_rel_error"] or 0.0) < 1e-4 and not body["sensitive"], (name, body)


def test_every_result_is_that_of_jax(zoo: dict[str, Program], zoo_file: Path) -> None:
    found = run_elsewhere(zoo_file, 1)
    assert found == dict.fromkeys(zoo, 0.0) | {"no_results": None}


@pytest.mark.parametrize("kind", ["EagerProgram", "DeepEagerProgram"])
def test_every_program_without_jit(kind: str) -> None:
    script = Path(__file__).with_name("run_zoo_eagerly.py")
    done = subprocess.run(
        [sys.executable, str(script), kind],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
    )
    assert (done.returncode, done.stdout) == (0, "57 programs\n"), done.stderr
