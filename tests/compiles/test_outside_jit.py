"""Why what a script hands functions to outside of jit is compiled again, and what to change."""

from __future__ import annotations

from typing import Any

import pytest
from recording import record_script

from xlascope.views import open_source, query

SCRIPT = """\
import jax
import jax.numpy as jnp
from jax import lax

def body(carry, each):
    return jnp.tanh(carry * each), carry

x = jnp.ones(8)
for _ in range(3):
    jax.grad(lambda v: lax.scan(body, 1.0, v)[0])(x)
lax.scan(body, 1.0, x)
jax.clear_caches()
lax.scan(body, 1.0, x)
for _ in range(3):
    lax.reduce(x, 0.0, lambda a, b: a * 0.5 + b, (0,))
for _ in range(3):
    lax.map(jnp.sinh, x)
for count in range(2, 5):
    lax.fori_loop(0, count, lambda i, v: v + i, x)
"""


@pytest.fixture(scope="module")
def answer(tmp_path_factory: Any) -> Any:
    path = record_script(tmp_path_factory.mktemp("outside"), SCRIPT, "--profile-window", "0")
    with open_source(path) as source:
        yield query("compiles", source)


def reasons(answer: Any, line: int, name: str) -> list[str]:
    return [row.reason for row in answer.compiles if row.line == line and row.name == name]


def test_a_loop_in_a_gradient_is_made_by_jax_each_time(answer: Any) -> None:
    found = reasons(answer, 10, "scan")
    first, again = found[:2], found[2:]
    assert first == ["first call under grad, compiled apart from its calls", "first call under grad in the backward pass"]
    made = "JAX makes its body anew from body (script.py:5) for each call under grad"
    assert again and set(again) <= {made, f"{made} in the backward pass"} and made in again
    (storm,) = [each for each in answer.storms if each.line == 10 and each.name == "scan"]
    assert "call it inside of a jitted function" in storm.advice and "define" not in storm.advice


def test_a_call_after_a_gradient_is_a_first_one_and_a_cleared_cache_is_told(answer: Any) -> None:
    assert reasons(answer, 11, "scan") == ["first call"]
    (again,) = reasons(answer, 13, "scan")
    assert "cache was cleared" in again or again == "first call"


def test_a_reduction_with_a_function_of_the_script_s_is_no_jit(answer: Any) -> None:
    first, *again = reasons(answer, 15, "reduce")
    assert first == "first call" and again
    assert all(each == "a new function object for its body: <lambda> (script.py:15)" for each in again)
    (storm,) = [each for each in answer.storms if each.line == 15]
    assert "jax.jit` at" not in storm.advice


def test_what_jax_wraps_is_not_blamed_on_the_script(answer: Any) -> None:
    first, *again = reasons(answer, 17, "scan")
    assert first == "first call" and again == ["JAX makes its body anew for each call"] * 2


def test_lengths_that_change_are_told_with_what_to_do(answer: Any) -> None:
    (storm,) = [each for each in answer.storms if each.line == 19 and each.name == "scan"]
    assert "3 lengths" in storm.advice and "the bound as an array" in storm.advice
