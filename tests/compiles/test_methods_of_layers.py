"""Eager operations of a method that a library of layers calls: the line that calls the library is to be changed."""

from __future__ import annotations

import pytest
from recording import record_script

from xlascope.views import open_source, query
from xlascope.views.compiles import Compiles
from xlascope.views.functions import Functions

BASE = """\
from jax._src import source_info_util  # as flax does
source_info_util.register_exclusion(__file__)

class Module:
    def init(self, x):
        return self.apply(x)

    def apply(self, x):
        return self(x)
"""
LAYERS = """\
import jax, jax.numpy as jnp
from .base import Module

class Dense(Module):
    def __call__(self, x):
        return jnp.tanh(x @ jnp.full((x.shape[-1], 7), 0.5) + 3)

def drive(step, x):
    return step(x)
"""
SCRIPT = """\
import sys
sys.path.insert(0, {folder!r})
import jax, jax.numpy as jnp
import layers, other

class MLP(layers.Module):
    def __call__(self, x):
        for _ in range(3):
            x = layers.Dense()(x) * 2
        return x

def step(x):
    return other.Dense()(jnp.cos(x[:, :5]))

x = jnp.ones((4, 4))
m = MLP()
for _ in range(40):
    y = m.init(jnp.asarray(x))
for _ in range(3):
    layers.drive(step, jnp.ones((4, 6)))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Compiles, Functions]:
    folder = tmp_path_factory.mktemp("layers")
    packages = folder / "site-packages"
    for name in ("layers", "other"):
        (packages / name).mkdir(parents=True)
        (packages / name / "__init__.py").write_text(LAYERS)
        (packages / name / "base.py").write_text(BASE)
    with open_source(record_script(folder, SCRIPT.format(folder=str(packages)))) as source:
        return query("compiles", source), query("functions", source)


def test_the_line_that_calls_the_library_is_told(answers: tuple[Compiles, Functions]) -> None:
    compiles, functions = answers
    advice = {each.name: each.advice for each in compiles.storms if each.names}
    assert advice["MLP.__call__"] == "`m.init` at script.py:18 runs operation by operation: call `jax.jit(m.init)` there."
    entries = {(row.own_line, row.entry_line) for row in compiles.compiles if row.own_function == "MLP.__call__"}
    assert (9, 18) in entries
    told = [each.advice for each in functions.eager_lines if each.line == 9]
    assert told == [advice["MLP.__call__"]]


def test_what_drives_a_step_of_the_user_s_is_not_to_be_jitted(answers: tuple[Compiles, Functions]) -> None:
    rows = [row for row in answers[0].compiles if row.own_function == "step"]
    assert rows and all(row.entry_line is None for row in rows)
    assert all("drive" not in (each.advice or "") for each in answers[0].storms)
