"""What is not made again: a function and its transformations, jits at lines of their own; and which changes are told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from xlascope.report.text import render
from xlascope.views import Source, open_source, query
from xlascope.views.compiler.storms import Storm, once, storms
from xlascope.views.compiles import Compiles

ROOT = Path(__file__).parents[2]
SCRIPT = """\
import functools
import jax, jax.numpy as jnp, numpy as np

def loss(p, x):
    return jnp.mean((x @ p) ** 2)

def norm(p, x):
    return jnp.sum(jnp.abs(x @ p))

@jax.jit
def energy(p):
    return jnp.sum(jnp.sin(p) ** 2)

p = x = np.ones((4, 4), np.float32)
jax.jit(jax.value_and_grad(loss))(p, x)
jax.jit(loss)(p, x)
jax.jit(jax.vmap(jax.grad(loss), in_axes=(0, None)))(np.ones((2, 4, 4), np.float32), x)
jax.jit(jax.checkpoint(loss))(p, x)
jax.jit(jax.jacfwd(functools.partial(loss, p)))(x)
jax.jit(jax.named_scope("inner")(loss)).lower(np.ones((4, 2), np.float32), x).compile()
jax.jit(jax.grad(norm))(p, x)
jax.jit(jax.grad(norm, argnums=1))(p, x)
jax.jit(jax.grad(norm))(p, x)

jax.pmap(jax.grad(loss))(np.ones((1, 4, 4), np.float32), np.ones((1, 4, 4), np.float32))

@jax.jit
def scale(a, s):
    return a * s

@jax.jit
def pool(tokens):
    return tokens.sum()

def init(sizes):
    return [jnp.zeros(size) for size in sizes]

def train(params):
    moments = jax.tree.map(jnp.ones_like, params)
    for _ in range(2):
        value = scale(np.ones(8, np.float16), 2.0)
        print(float(value[0]))
    return moments

def ragged():
    for n in range(3, 9):
        jnp.cos(np.ones(n, np.float32))

half = np.ones(8, np.float32)
for s in (2.0, np.float32(2), 2):
    scale(half, s)
for n in (5, 6, 7, 8, 9):
    pool(np.ones(n, np.int32))
init([3, 4, 5])
train([np.ones(n, np.float32) for n in (13, 14, 15)])
ragged()
for _ in range(2):
    energy(p)
    jax.grad(energy)(p)
    jax.vmap(energy)(p)
    jax.vmap(lambda row: jax.value_and_grad(energy)(row))(p)
    jax.hessian(energy)(p)
jax.grad(energy)(p[0])
"""
LINES = SCRIPT.splitlines()


def line_of(text: str) -> int:
    (number,) = [n for n, line in enumerate(LINES, 1) if text in line]
    return number


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    folder = tmp_path_factory.mktemp("apart")
    (folder / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "xlascope", "record", "--profile-window", "0", "-o", "run.xlascope", "script.py"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, timeout=120)
    assert done.returncode == 0, done.stderr
    with open_source(folder / "run.xlascope") as source:
        yield source


@pytest.fixture(scope="module")
def answer(source: Source) -> Compiles:
    return query("compiles", source)


def storm_of(answer: Compiles, name: str) -> Storm:
    (storm,) = [each for each in answer.storms if each.name == name]
    return storm


def test_a_function_and_its_transformations_are_not_one_made_again(answer: Compiles) -> None:
    rows = [row for row in answer.compiles if row.name == "loss"]
    assert [(row.cause, row.reason) for row in rows[:5]] == [("first", "first call")] * 5
    at = line_of("named_scope")
    assert [(row.cause, row.reason) for row in rows[5:]] == [
        ("first", f"first call of what is jitted at script.py:{at}"), ("first", "first call")
    ]  # fmt: skip
    assert not any(storm.name == "loss" for storm in answer.storms)


def test_programs_say_which_is_the_gradient(source: Source) -> None:
    rows = [row for row in query("programs", source).programs if row.function == "loss"]
    assert [row.transformations for row in rows] == [
        ("value_and_grad",), (), ("vmap", "grad"), ("checkpoint",), ("jacfwd", "partial"), (), ("grad",)
    ]  # fmt: skip
    text = render("programs", query("programs", source), 200)
    assert "value_and_grad(loss): f32[4,4], f32[4,4]" in text
    assert "vmap(grad(loss)): f32[2,4,4], f32[4,4]" in text and "jacfwd(partial(loss)): f32[4,4]" in text


def test_jits_at_lines_of_their_own(answer: Compiles) -> None:
    first, other, again = [row for row in answer.compiles if row.name == "norm"]
    at = line_of("jax.jit(jax.grad(norm, argnums=1))")
    assert (first.program, other.program, again.program) == ("norm#1", "norm#2", "norm#1")
    assert (other.cause, other.reason) == ("first", f"first call of what is jitted at script.py:{at}")
    places = f"script.py:{at - 1} and at script.py:{at + 1}"
    assert (again.cause, again.reason) == ("function", f"a new function object at the same line (jitted at {places})")
    assert storm_of(answer, "norm").advice == (
        f"`norm` is jitted at script.py:{at - 1} and script.py:{at + 1}, and compiled anew for each: jit it once."
    )


def test_each_change_is_counted_by_itself(answer: Compiles) -> None:
    scale = storm_of(answer, "scale")
    assert [(each.cause, each.count, each.example) for each in scale.causes if each.cause != "first"] == [
        ("weak type", 1, "weak type of s: ~f32[] → f32[]"),
        ("dtype", 1, "argument s: f32[] → ~i32[]"),
        ("dtype", 1, "argument a: f32[8] → f16[8]"),
    ]
    assert scale.advice == (
        "give each argument one dtype before the call: `s` comes as ~f32[], f32[], ~i32[], `a` comes as f32[8], f16[8]. "
        f"It is called at script.py:{line_of('    scale(half, s)')} (and {line_of('value = scale(')})."
    )
    (pool, _) = storm_of(answer, "pool").causes
    assert (pool.cause, pool.count) == ("shape", 4)
    assert pool.example == "argument tokens changes shape: i32[5], i32[6], i32[7], i32[8], …"


def test_a_jitted_function_under_transformations(answer: Compiles, source: Source) -> None:
    """JAX dispatches the jitted function's forward and backward pass as programs of their own."""
    rows = [row for row in answer.compiles if row.name == "energy"]
    apart = ", compiled apart from its calls"
    assert [row.reason for row in rows[:6]] == [
        "first call", f"first call under grad{apart}", "first call under grad in the backward pass",
        f"first call under vmap{apart}", f"first call under vmap of value_and_grad{apart}",
        "first call under vmap of value_and_grad in the backward pass",
    ]  # fmt: skip
    assert {row.reason.partition(",")[0] for row in rows[6:-2]} <= {
        "first call under jacfwd of jacrev", "first call under jacfwd of jacrev in the backward pass"
    }  # fmt: skip
    assert {row.cause for row in rows[:-2]} == {"first"}
    assert [row.reason for row in rows[-2:]] == [
        "argument arg0: f32[4,4] → f32[4]", "argument arg0: f32[4,4] → f32[4]; argument arg1: f32[4,4] → f32[4]"
    ]  # fmt: skip
    made = {row.id: row.transformations for row in query("programs", source).programs}
    assert made["energy#2"] == ("grad",) and made["energy#3"] == ("grad", "transpose")


def test_what_is_said_of_eager_operations(answer: Compiles) -> None:
    alone = "each operation is compiled and dispatched alone: "
    at = line_of("ones_like")
    train = storm_of(answer, "train")
    assert train.advice == f"{alone}move the operations at script.py:{at} into a jitted function."
    assert all(" ×" in name for name in train.names) and "broadcast_in_dim ×3" in train.names
    assert storm_of(answer, "init").advice == f"{alone}put `jax.jit` around `init`."
    assert storm_of(answer, "ragged").advice == (
        f"{alone}put `jax.jit` around `ragged`. Their shapes change from call to call: pad to one size."
    )


def test_what_a_line_compiled_once_is_not_said_to_come_again(answer: Compiles, source: Source) -> None:
    single = once(answer.compiles)
    at = line_of("print(float")
    rows = [row for row in answer.compiles if row.eager and row.line == at]
    assert len(rows) >= 2 and len({row.name for row in rows}) == len(rows) and set(rows) <= set(single)
    assert not any(row.name == "cos" for row in single)
    assert storms(source, single) == ()
    text = render("compiles", Compiles(single), 200)
    assert "Compiled again" not in text and "→ each operation" not in text
    assert f"\n{len(single)} eager operations, each compiled once for its line, " in text
    assert "\n1 eager operation, compiled once, " in render("compiles", Compiles(single[:1]), 200)
