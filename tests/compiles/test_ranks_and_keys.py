"""What is advised where an argument comes in several ranks, or as a key and as its bits: padding helps neither."""

from __future__ import annotations

from typing import Any

import pytest
from recording import record_script

from xlascope.views import open_source, query

SCRIPT = """\
import jax
import jax.numpy as jnp

@jax.jit
def draw(key):
    return jax.random.normal(key, (4,))

@jax.jit
def total(v):
    return v.sum()

@jax.jit
def double(w):
    return w * 2

draw(jax.random.key(0))
draw(jax.random.PRNGKey(0))
total(jnp.ones(8))
total(jnp.ones((8, 2)))
double(jnp.ones(8))
double(jnp.ones(9))
"""


@pytest.fixture(scope="module")
def advice(tmp_path_factory: Any) -> dict[str, str]:
    path = record_script(tmp_path_factory.mktemp("ranks"), SCRIPT, "--profile-window", "0")
    with open_source(path) as source:
        answer = query("compiles", source)
    return {str(each.name): str(each.advice) for each in answer.storms}


@pytest.mark.parametrize(("name", "said"), [
    ("draw", "`key` comes as a typed key and as its bits (key<fry>[], u32[2]): make keys one way, by `jax.random.key`."),
    ("total", "`v` comes in 2 ranks (f32[8], f32[8,2]): give it one rank before the call."),
    ("double", "`w` comes as f32[8] and f32[9]: pad the smaller one, or drop a last incomplete batch."),
])  # fmt: skip
def test_what_is_advised(advice: dict[str, str], name: str, said: str) -> None:
    assert advice[name].startswith(said)
