"""Where the time of a run goes, from Python's start to its end, and what the persistent cache saved."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from xlascope.report.text import render
from xlascope.views import open_source, query
from xlascope.views.compiles import Compiles
from xlascope.views.run import Run

ROOT = Path(__file__).parents[2]
PACKAGE = "import colorsys\nX = sum(i * i for i in range(500_000))\n"
SCRIPT = """\
import own_package, jax, threading
import jax.numpy as jnp

@jax.jit
def step(x):
    return jnp.tanh(x) @ x.T

step(jnp.ones((4, 5)))
import wave
thread = threading.Thread(target=lambda: step(jnp.ones((6, 7))))
thread.start()
thread.join()
"""


def recorded(folder: Path) -> tuple[Run, Compiles]:
    path = folder / "run.xlascope"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    environment.update(JAX_COMPILATION_CACHE_DIR=str(folder / "cache"), JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0",
                       JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES="-1")  # fmt: skip
    command = [sys.executable, "-m", "xlascope", "record", "--profile-window", "0", "-o", str(path), "script.py"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, timeout=120)
    assert done.returncode == 0, done.stderr
    with open_source(path) as source:
        return query("run", source), query("compiles", source)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Run, Compiles]]:
    """Two runs of one script, the second of which finds what the first compiled."""
    folder = tmp_path_factory.mktemp("start")
    (folder / "own_package.py").write_text(PACKAGE)
    (folder / "script.py").write_text(SCRIPT)
    return [recorded(folder), recorded(folder)]


def test_phases_add_up_to_the_wall_time(runs: list[tuple[Run, Compiles]]) -> None:
    for run, _ in runs:
        assert run.phases_add_up and run.wall_exact
        assert sum(each.ns or 0 for each in run.phases) == run.wall_ns
        assert all(each.ns is not None and each.ns > 0 for each in run.phases)
        assert [each.name for each in run.phases] == [
            "start python", "import jax", "import others", "start backend", "trace", "lower", "compile", "eager ops",
            "xlascope", "run", "finish"]  # fmt: skip
        counts = {each.name: each.count for each in run.phases}
        assert (counts["lower"], counts["compile"]) == (1, 1), "the thread's and the eager one's are not among them"
        assert {each.name for each in run.elsewhere} >= {"trace", "lower", "compile"}


def test_imports_before_the_first_compile_are_told(runs: list[tuple[Run, Compiles]]) -> None:
    found = {each.name: each for each in runs[0][0].imports}
    jax, own = found["jax"], found["own_package"]
    assert jax.ns is not None and jax.own_ns is not None and 0 < jax.own_ns < jax.ns
    assert own.ns is not None and own.own_ns is not None and own.ns > own.own_ns, "colorsys is imported by it"
    assert "wave" not in found, "imported once the script was running"
    import_jax = next(each for each in runs[0][0].phases if each.name == "import jax")
    assert import_jax.ns is not None and import_jax.ns >= jax.ns
    text = render("run", runs[0][0], 150)
    assert "Heaviest imports: jax " in text and "In other threads meanwhile: " in text and "do not add up" not in text


def test_hits_of_the_persistent_cache_are_told_apart(runs: list[tuple[Run, Compiles]]) -> None:
    (_, first), (_, second) = runs
    assert {row.cache for row in first.compiles if row.name == "step"} == {"miss"}
    steps = [row for row in second.compiles if row.name == "step"]
    assert [row.cache for row in steps] == ["hit", "hit"]
    assert all(row.retrieval_ns and row.compile_ns and row.retrieval_ns < row.compile_ns for row in steps)
    assert all(row.retrieval_ns is None for row in first.compiles)
    text = render("compiles", second, 150)
    assert f"{sum(row.cache == 'hit' for row in second.compiles)} were found in JAX's persistent compilation cache" in text
