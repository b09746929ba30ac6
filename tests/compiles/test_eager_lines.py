"""Which lines dispatch operations by themselves: how often and for how long, and which line is to be changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from recording import record_script

from xlascope.tui.feeding.feed import Feed
from xlascope.tui.widgets.functions import FunctionItem
from xlascope.views import open_source, query
from xlascope.views.compiler.eager_lines import EagerLine
from xlascope.views.functions import Functions

SCRIPT = """\
import jax
import jax.numpy as jnp

start = jnp.sin(jnp.ones(500))
once = jnp.linspace(0.0, 1.0, 300).reshape(3, 100) @ jnp.ones((100, 7))

def walk(v):
    total = jnp.float32(0)
    for _ in range(700):
        total = total + v[3] * 0.5
        v = jnp.sin(v)
    return total

@jax.jit
def step(x):
    return jnp.tanh(x).sum()

for _ in range(3):
    walk(start)
    step(start).block_until_ready()
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record_script(tmp_path_factory.mktemp("eager"), SCRIPT)


@pytest.fixture(scope="module")
def answer(run: Path) -> Functions:
    with open_source(run) as source:
        return query("functions", source)


@pytest.fixture(scope="module")
def lines(answer: Functions) -> dict[int | None, EagerLine]:
    return {each.line: each for each in answer.eager_lines}


def test_a_line_has_the_dispatches_and_times_of_its_operations(lines: dict[int | None, EagerLine]) -> None:
    looped = lines[10]
    assert {"add", "dynamic_slice", "multiply"} <= set(looped.names)
    assert looped.runs_at_least is not None and looped.runs_at_least > 1_000 and not looped.once
    assert looped.ns is not None and looped.ns > 0
    assert looped.advice == "each operation is compiled and dispatched alone: put `jax.jit` around `walk`."


def test_a_line_that_runs_once_has_one_dispatch_and_nobody_is_told_to_change_it(
    lines: dict[int | None, EagerLine],
) -> None:
    """Line 4 was the first to dispatch the sine that line 11 dispatches 2,100 times: that is no line's."""
    assert lines[4].once and "sin" in lines[4].names and lines[4].runs_at_least == len(lines[4].names)
    assert lines[5].once and all(line.advice is None for line in lines.values() if line.once)
    elsewhere = lines[None]
    assert "sin" in elsewhere.names and elsewhere.runs_at_least is not None and elsewhere.runs_at_least > 300


def test_the_row_names_the_line_with_most_time_and_stands_at_its_place(run: Path, answer: Functions) -> None:
    feed = Feed(run)
    items = {item.name.partition(" (")[0]: item for item in feed.overview().functions}
    feed.close()
    row: FunctionItem = items["eager ops"]
    timed = [line for line in answer.eager_lines if line.line is not None and line.ns is not None]
    assert row.where == f"script.py:{timed[0].line}" and row.place == (timed[0].file, timed[0].line)
    assert row.said.startswith(f"{row.where} took most of their time: ~")
    assert any(text.startswith("Other lines, which nothing tells: ") and "sin" in text for text in row.told)
    assert any(text.startswith("×N: ") for text in row.told)
    shares = [item.share or 0.0 for item in items.values()]
    assert list(items) == (["eager ops", "step"] if shares == sorted(shares, reverse=True) and row.share == max(shares)
                           else ["step", "eager ops"])  # fmt: skip
