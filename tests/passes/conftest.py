"""One recorded script whose passes are collected, and the dump that XLA writes of the same script by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recording import record_script
from xlascope.cli.collect import collect
from xlascope.views import Source, open_source
from xlascope.views.sources.missing import missing

ROOT = Path(__file__).parents[2]
SCRIPT = """
import jax, jax.numpy as jnp

@jax.jit
def scores(x, w):
    return jax.nn.softmax(jnp.tanh(x @ w), axis=-1)

@jax.jit
def loop(x):
    def body(carry, row):
        carry = carry * 0.5 + row
        return carry, carry.sum()
    return jax.lax.scan(body, x[0], x)

x = jnp.arange(128.0 * 64).reshape(128, 64) / 9000
scores(x, x.T).block_until_ready()
jax.block_until_ready(loop(x))
"""


def run(folder: Path, *command: str, **environment: str) -> None:
    script = folder / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, *command, str(script)], capture_output=True, text=True, timeout=150, cwd=folder,
                          env={**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", **environment})  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run file with the passes of both programs."""
    folder = tmp_path_factory.mktemp("passes")
    path = record_script(folder, SCRIPT)
    with open_source(path) as source:
        lacking = missing(source, "passes", None, None)
    assert {each.program for each in lacking} == {"scores#1", "loop#1"}
    collect(path, lacking)
    return path


@pytest.fixture
def source(recorded: Path) -> Iterator[Source]:
    with open_source(recorded) as opened:
        yield opened


@pytest.fixture(scope="session")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What XLA itself writes of every pass."""
    folder = tmp_path_factory.mktemp("dump")
    run(folder, XLA_FLAGS=f"--xla_dump_to={folder / 'out'} --xla_dump_hlo_pass_re=.*")
    return folder / "out"
