"""Compiles inside of an installed package are told with the user's own line that leads there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from xlascope.report.text import render
from xlascope.views import open_source, query
from xlascope.views.compiles import Compiles

ROOT = Path(__file__).parents[2]
PACKAGE = """\
import functools
import jax, jax.numpy as jnp

def solve(x):
    for _ in range(3):
        x = jax.lax.cond(x.sum() > 0, lambda y: y * 2, lambda y: y, x)
    return jnp.tanh(x) + jnp.cos(x)

@functools.partial(jax.jit, static_argnums=0)
def masked(fn, x):
    return fn(x)

def energy(x):
    return masked(lambda y: y - 1, x)

def made(x):
    return jax.jit(lambda y: y + 1)(x)
"""
SCRIPT = """\
import jax.numpy as jnp
import solver

def main():
    for x in (jnp.ones(4), jnp.ones(5)):
        solver.solve(x)
    for _ in range(2):
        solver.energy(x)
        solver.made(x)

main()
"""


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Compiles:
    folder = tmp_path_factory.mktemp("packages")
    packages = folder / "lib" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "solver.py").write_text(PACKAGE)
    (folder / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{packages}", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "xlascope", "record", "--profile-window", "0", "-o", "run.xlascope", "script.py"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, timeout=120)
    assert done.returncode == 0, done.stderr
    with open_source(folder / "run.xlascope") as source:
        return query("compiles", source)


def test_the_user_s_line_that_leads_into_a_package(answer: Compiles) -> None:
    advice = {each.name: each.advice for each in answer.storms}
    assert advice["cond"] == (
        "`cond` at solver.py:6 runs outside of jit, where JAX compiles it for each new function object; script.py:6 leads "
        "there: put `jax.jit` around what that line calls."
    )
    assert advice["masked"] == (
        "static `fn` is a function made anew for each call at solver.py:14: define that function once, at module level; "
        "script.py:8 leads there: or put `jax.jit` around what that line calls."
    )
    assert advice["<lambda>"] == (
        "`jax.jit` at solver.py:17, in a package, is called again and again; script.py:9 leads there: put `jax.jit` around "
        "what that line calls."
    )
    (eager,) = [each for each in answer.storms if each.names]
    assert (eager.name, eager.line) == ("main", 6)
    assert eager.advice is not None and "put `jax.jit` around what script.py:6 calls" in eager.advice
    assert {"tanh", "cos"} <= {each.partition(" ×")[0] for each in eager.names}
    cond = next(row for row in answer.compiles if row.name == "cond")
    assert (cond.call_line, cond.own_line, cond.own_function) == (6, 6, "main")
    table = render("compiles", answer, whole=True).splitlines()
    (shown,) = [line.split() for line in table if line.startswith("tanh#1 ")]
    assert shown[1:3] == ["script.py:6", "solver.py:7"]
