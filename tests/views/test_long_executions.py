"""A program that takes long and runs once: its time is that of the whole execution."""

from __future__ import annotations

from pathlib import Path

from tests.recording import record_script
from xlascope.report.text import render
from xlascope.views import open_source, query

BEGINNING = """
import time, jax, jax.numpy as jnp
x = jnp.ones((500, 500)).block_until_ready()
"""

WAITED = """
@jax.jit
def waited(x):
    return jax.lax.fori_loop(0, 150, lambda _, y: jnp.sin(y @ y), x)

@jax.jit
def after(x):
    return jax.lax.fori_loop(0, 15, lambda _, y: jnp.cos(y @ y), x)

executable = waited.lower(x).compile()
began = time.time()
waited(x).block_until_ready()
print(time.time() - began)
y = after(x)
"""

LEFT = """
@jax.jit
def left(x):
    return jax.lax.fori_loop(0, 15, lambda _, y: jnp.cos(y @ y), x)

y = left(x)
"""


def test_an_execution_longer_than_a_window_is_seen_whole(tmp_path: Path) -> None:
    with open_source(record_script(tmp_path, BEGINNING + WAITED)) as source:
        rows = {row.name: row for row in query("functions", source).functions}
        took = float("".join(chunk.text for chunk in query("output", source).chunks)) * 1e9
    assert not rows["waited"].per_call_at_least and 0.5 * took < rows["waited"].per_call_ns <= 1.1 * took


def test_what_the_script_left_running_is_waited_for(tmp_path: Path) -> None:
    with open_source(record_script(tmp_path, BEGINNING + LEFT)) as source:
        (row,) = query("functions", source).functions
        ops = query("ops", source, program="left").rows
    assert (row.calls, row.calls_exact, row.per_call_at_least) == (1, True, False)
    assert max(op.count for op in ops) == 15


def test_a_loop_that_xla_runs_as_one_operation_says_so(tmp_path: Path) -> None:
    loop = "jax.lax.fori_loop(0, 2000, lambda _, y: jnp.where(y[0] > 0, y - 1, jnp.cumsum(y)), x[0, :4])"
    script = f"{BEGINNING}\n@jax.jit\ndef small(x):\n    return {loop}\n\nfor _ in range(20): small(x).block_until_ready()\n"
    with open_source(record_script(tmp_path, script)) as source:
        found = query("ops", source, program="small")
        text = query("stage", source, program="small", stage="optimized").text
        equations = query("equations", source, program="small")
    calls = [row for row in found.rows if row.opcode == "call" and row.detail == "small"]
    assert bool(calls) == ('xla_cpu_small_call="true"' in text)
    told = [each for each in found.dropped if each.what == "one operation"]
    assert len(told) == len(calls)
    for row, each in zip(calls, told, strict=True):
        assert f"{row.op} of small#1" in each.why and "small-while-loop-hoisting" in each.why
    inside = [row for row in equations.rows if row.parent is not None and row.state == "present"]
    assert inside and (not calls or all(row.self_ns is None for row in inside))
    assert list(equations.notes) == [each.why for each in told]
    assert render("equations", equations, width=200).count("? in a loop: XLA executes") == len(calls)
