"""Compiles that a transformation causes in the place of a call: arguments that grow, functions made again, eager parts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from xlascope.views import open_source, query
from xlascope.views.compiler.storms import Storm
from xlascope.views.compiles import Compiles

ROOT = Path(__file__).parents[2]
SCRIPT = """\
import functools
import jax, jax.numpy as jnp, numpy as np

@jax.jit
def loss(params, x):
    for w in params:
        x = jnp.tanh(x * w)
    return x.sum()

def act(x, scale):
    return jnp.tanh(x * scale)

def f(x):
    y = jnp.sin(x) * x
    return jnp.where(y > 1, jnp.cumsum(y), y) ** 2

@jax.jit
def wide(x):
    return (x * 2).sum()

def made():
    def step(v):
        return v + 1
    return jax.jit(step)

x = np.ones(4, np.float32)
params = [x]
for _ in range(4):
    jax.grad(loss)(params, x)
    params = params + [x]
jax.grad(loss)(params[:2], np.ones((3, 4), np.float32))
for _ in range(4):
    jax.vmap(jax.jit(lambda row: row * 3))(np.ones((2, 4), np.float32))
for _ in range(3):
    jax.grad(jax.jit(lambda v: (v ** 2).sum()))(x)
for size in (3, 5, 3, 5, 3, 5):
    if size == 3:
        again = made()
    again(np.ones(size, np.float32))
for _ in range(4):
    jax.jit(functools.partial(act, scale=2.0))(x)
for n in range(3):
    jax.jit(functools.partial(act, scale=float(n)))(x)
jax.jacrev(f)(jnp.arange(4.0)), jax.jacfwd(f)(jnp.arange(4.0)), jax.hessian(lambda v: f(v).sum())(jnp.arange(4.0))
for on in (False, True, False):
    with jax.enable_x64(on):
        wide(np.ones(16))
"""
LINES = SCRIPT.splitlines()


def line_of(text: str) -> int:
    (number,) = [n for n, line in enumerate(LINES, 1) if text in line]
    return number


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Compiles:
    folder = tmp_path_factory.mktemp("under")
    (folder / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "xlascope", "record", "--profile-window", "0", "-o", "run.xlascope", "script.py"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, timeout=180)
    assert done.returncode == 0, done.stderr
    with open_source(folder / "run.xlascope") as source:
        return query("compiles", source)


def storms_of(answer: Compiles, name: str) -> list[Storm]:
    return [each for each in answer.storms if each.name == name]


def test_arguments_that_grow_under_a_gradient(answer: Compiles) -> None:
    """Forward and backward pass alike: the structure of what the function is called with."""
    rows = [row for row in answer.compiles if row.name == "loss"]
    assert [row.reason for row in rows[:2]] == [
        "first call under grad, compiled apart from its calls", "first call under grad in the backward pass"
    ]  # fmt: skip
    grown = [f"structure of params: list of {n} → list of {n + 1}" for n in (1, 1, 2, 2, 3, 3)]
    assert [row.reason for row in rows[2:8]] == grown
    assert {row.cause for row in rows[2:8]} == {"structure"}
    assert (rows[8].cause, (rows[8].reason or "").partition(":")[2]) == ("rank", " f32[4] → f32[3,4]")
    for storm in storms_of(answer, "loss"):
        assert storm.advice is not None and storm.advice.startswith(
            "`params` changes its length (list of 1, list of 2, list of 3, list of 4), and each length compiles anew: "
            "keep one length, or stack what it holds into one array of a fixed size. It is called at script.py:"
        )


@pytest.mark.parametrize(("text", "compiles"), [("row * 3", 4), ("(v ** 2)", 3)])
def test_functions_made_again_under_a_transformation(answer: Compiles, text: str, compiles: int) -> None:
    at = line_of(text)
    found = [each for each in storms_of(answer, "<lambda>") if each.line == at]
    assert found and {each.compiles for each in found} == {compiles}
    for storm in found:
        again = f"a new function object at the same line (jit made again at script.py:{at})"
        told = [(each.cause, each.count, each.example) for each in storm.causes if each.cause != "first"]
        assert told == [("function", compiles - 1, again)]
        assert storm.advice == (
            f"`jax.jit` at script.py:{at} is called in each turn of the loop at script.py:{at - 1}: call it once, before "
            "the loop, and keep what it returns."
        )


def test_each_program_of_a_function_made_again_is_told_so(answer: Compiles) -> None:
    rows = [row for row in answer.compiles if (row.name or "").endswith("step")]
    again = f"a new function object at the same line (jit made again at script.py:{line_of('jax.jit(step)')})"
    assert [row.reason for row in rows] == ["first call", "argument v: f32[3] → f32[5] (dimension 0)", *[again] * 4]


def test_two_lines_that_make_a_function_again_are_both_named(answer: Compiles) -> None:
    (storm,) = storms_of(answer, "act")
    at, other = line_of("scale=2.0"), line_of("scale=float(n)")
    told = {each.example: each.count for each in storm.causes if each.cause == "function"}
    assert told == {
        f"a new function object at the same line (jit made again at script.py:{at})": 3,
        f"a new function object at the same line (jitted at script.py:{at} and at script.py:{other})": 1,
    }
    assert storm.advice == (
        f"`jax.jit` at script.py:{at} (and {other}) is called in each turn of the loop at script.py:{at - 1}: call it "
        "once, before the loop, and keep what it returns. Hand over `scale` as an argument instead of capturing it."
    )


def test_eager_operations_under_several_transformations_have_each_a_cause(answer: Compiles) -> None:
    assert not [(row.name, row.reason) for row in answer.compiles if row.cause == "unknown"]
    (twice,) = [row for row in answer.compiles if row.name == "cumsum" and "the same equations" in (row.reason or "")]
    assert twice.cause == "first" and twice.reason == (
        "first call under jacfwd of jacrev, compiled apart from its calls; the same equations were compiled before under "
        "jacfwd"
    )
    assert all("Their shapes change" not in (storm.advice or "") for storm in answer.storms if storm.eager)


def test_types_that_change_with_x64_are_told_as_that(answer: Compiles) -> None:
    (storm,) = storms_of(answer, "wide")
    at = line_of("wide(np.ones(16))")
    assert storm.advice == (
        "64-bit types (`jax_enable_x64`) are switched between calls: switch them once, before the first one. It is "
        f"called at script.py:{at}."
    )
