"""A storm of a package's function is told at the user's lines; a module of the user's own is no package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from xlascope.report.text.compiles import storm_says
from xlascope.views import open_source, query
from xlascope.views.compiler.storms import Storm
from xlascope.views.compiles import Compiles

ROOT = Path(__file__).parents[2]
PACKAGE = """\
import functools
import jax

def descend(energy, x):
    grad = jax.grad(energy)
    def apply(v):
        return v - 0.1 * grad(v)
    return jax.jit(apply)(x)

def loop(fun, x):
    return jax.lax.while_loop(lambda s: s[1] < 3, lambda s: (fun(s[0]), s[1] + 1), (x, 0))[0]

class Solver:
    def __init__(self):
        self.step = jax.jit(self.update)
    def update(self, x):
        return x - 1
    def run(self, x):
        return self.step(x)

def filtered(fn):
    @functools.partial(jax.jit, static_argnums=1)
    def wrapped(x, static):
        return fn(x, *static)
    return lambda x, *static: wrapped(x, static)
"""
HELPERS = """\
import jax

def make_step(rate):
    def step(w):
        return w - rate * w
    return jax.jit(step)
"""
SCRIPT = """\
import jax.numpy as jnp
import helpers
import minimizers

x = jnp.zeros(4)

def quad(v):
    return (v ** 2).sum()

def train():
    for _ in range(3):
        helpers.make_step(0.1)(x)

def relax():
    for _ in range(3):
        minimizers.descend(quad, x)
    for _ in range(2):
        minimizers.descend(quad, x)
    for _ in range(2):
        minimizers.loop(lambda v: v * 2, x)

@minimizers.filtered
def scaled(v, by):
    return v * by

def rates():
    for number in range(6):
        scaled(x, number)
    for _ in range(5):
        minimizers.filtered(lambda v: v + 1)(x)

def solvers():
    for _ in range(3):
        minimizers.Solver().run(x)

solvers()
train()
relax()
rates()
"""


@pytest.fixture(scope="module")
def storms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Storm]:
    folder = tmp_path_factory.mktemp("leading")
    packages = folder / "lib" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "minimizers.py").write_text(PACKAGE)
    (folder / "helpers.py").write_text(HELPERS)
    (folder / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{packages}", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "xlascope", "record", "--profile-window", "0", "-o", "run.xlascope", "script.py"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, timeout=120)
    assert done.returncode == 0, done.stderr
    with open_source(folder / "run.xlascope") as source:
        found = query("compiles", source)
    assert isinstance(found, Compiles)
    return {each.name: each for each in found.storms}


def test_a_module_of_the_user_s_own_is_no_package(storms: dict[str, Storm]) -> None:
    assert storms["step"].advice == (
        "`jax.jit` at helpers.py:6 is called in each call of `make_step`: call it once, outside of `make_step`, and keep "
        "what it returns. What it makes is called at script.py:12, in the loop at script.py:11."
    )
    assert storms["step"].own_line is None


def test_all_of_the_user_s_lines_that_lead_there(storms: dict[str, Storm]) -> None:
    assert storms["apply"].compiles == 5
    assert storms["apply"].advice == (
        "`jax.jit` at minimizers.py:8, in a package, is called again and again; script.py:16 (and 18) lead there: put "
        "`jax.jit` around what those lines call."
    )


def test_the_head_of_a_storm_begins_with_the_user_s_line(storms: dict[str, Storm]) -> None:
    assert (storms["apply"].own_file or "").endswith("script.py")
    assert storm_says(storms["apply"]).startswith("apply  script.py:16 → minimizers.py:6  compiled 5 times")
    assert storm_says(storms["while"]).startswith("while (outside of jit)  script.py:20 → minimizers.py:11  compiled 2")


def test_objects_of_a_package_that_jit_a_method_each(storms: dict[str, Storm]) -> None:
    assert storms["Solver.update"].advice == (
        "`jax.jit` at minimizers.py:15, in a package, wraps a method of each new object, called at script.py:34: make "
        "that object once, outside of the loop at script.py:33, and use it again."
    )


def test_a_second_cause_that_is_frequent_too(storms: dict[str, Storm]) -> None:
    """Of a wrapper of a package's, which serves several of the user's functions."""
    advice = storms["wrapped"].advice or ""
    assert storms["wrapped"].compiles == 11
    assert advice.startswith("static `static` takes 7 values ((0), (1), ")
    assert "It is called at script.py:28 (and 30). And: `jax.jit` at minimizers.py:22, in a package," in advice
    assert advice.endswith("script.py:30 leads there: put `jax.jit` around what that line calls.")
