"""Loops, conditionals and JAX's own functions that a script hands functions to, outside of jit: each is a program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from recording import record_script

from xlascope.report.text import render
from xlascope.tui.feeding.overview import program_infos, run_overview
from xlascope.views import Source, open_source, query

SCRIPT = """\
import jax
import jax.numpy as jnp
from jax import lax

def body(carry, _):
    carry = jnp.tanh(carry @ carry) + 0.5
    return carry, carry.sum()

x = jnp.full((32, 32), 0.01)
for _ in range(3):
    x, sums = lax.scan(body, x, None, length=50)
y = lax.while_loop(lambda v: v.sum() > 1.0, lambda v: v * 0.5, x)
z = lax.cond(y[0, 0] > 0, jnp.sin, jnp.cos, y)
g = jax.grad(lambda w: lax.fori_loop(0, 7, lambda _, v: jnp.sin(v * w), 1.0))(0.3)
for step in range(3):
    lax.scan(lambda carry, _: (carry + step, None), x, None, length=2)
from jax.experimental.ode import odeint
def pendulum(y, t, k):
    return jnp.stack([y[1], -k * jnp.sin(y[0])])

swing = odeint(pendulum, jnp.array([1.0, 0.0]), jnp.linspace(0.0, 1.0, 9), 9.8)
slope = jax.grad(lambda k: jnp.sum(jnp.tanh(k * swing)))(2.0)
noise = jax.random.normal(jax.random.key(0), (3,)) + jnp.linalg.norm(jnp.where(swing > 0, swing, 1.0))
solved, _ = jax.scipy.sparse.linalg.cg(lambda v: v * 2, jnp.ones(9))
print(float(sums[-1]), float(z.sum()), float(g))
"""
WHERE = {"scan": {11, 14, 16}, "while": {12, 24}, "cond": {13}, "_odeint_wrapper": {21}}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: Any) -> Any:
    path = record_script(tmp_path_factory.mktemp("control"), SCRIPT)
    with open_source(path) as source:
        yield source


def of_line(recorded: Source, line: int) -> Any:
    (found,) = [row for row in query("functions", recorded).functions if row.line == line]
    return found


def test_each_is_a_function_at_the_line_that_calls_it(recorded: Source) -> None:
    found: dict[str, set[int]] = {}
    for row in query("functions", recorded).functions:
        assert Path(row.file).name == "script.py" and not row.library
        found.setdefault(row.name, set()).add(row.line)
    assert found == WHERE, "no function of JAX's that runs none of the script's"
    assert of_line(recorded, 11).calls_at_least == 3, "three calls of one program"
    assert len(of_line(recorded, 14).programs) == 2, "forwards and backwards"


def test_its_stages_show_the_functions_that_it_was_given(recorded: Source) -> None:
    name = of_line(recorded, 11).programs[0]
    assert "tanh" in query("stage", recorded, program=name, stage="jaxpr").text and "length=50" in query("stage", recorded, program=name, stage="jaxpr").text
    assert "stablehlo.while" in query("stage", recorded, program=name, stage="stablehlo").text
    assert " while(" in query("stage", recorded, program=name, stage="optimized").text


def test_its_time_lies_with_the_lines_of_the_body(recorded: Source) -> None:
    name = of_line(recorded, 11).programs[0]
    rows = {row.path: row for row in query("equations", recorded, program=name).rows}
    inner = {row.primitive: row for path, row in rows.items() if path.startswith("0.")}
    assert rows["0"].primitive == "scan" and rows["0"].line == 11
    assert {inner["dot_general"].line, inner["tanh"].line, inner["reduce_sum"].line} == {6, 7}
    assert 0 < sum(row.self_ns or 0 for row in rows.values()) == sum(row.self_ns for row in query("ops", recorded, program=name).rows)


def test_a_function_of_jax_that_runs_the_script_s_is_told_where_it_is_called(recorded: Source) -> None:
    name = of_line(recorded, 21).programs[0]
    rows = query("equations", recorded, program=name).rows
    assert any(row.primitive == "sin" and row.line == 19 for row in rows)


def test_a_body_that_is_made_anew_is_told_with_the_line_to_change(recorded: Source) -> None:
    answer = query("compiles", recorded)
    rows = [row for row in answer.compiles if row.line == 16 and row.name == "scan"]
    assert len(rows) == 3 and all(row.eager for row in rows)
    assert all("a new function object for its body" in row.reason for row in rows[1:])
    (storm,) = [each for each in answer.storms if each.line == 16 and each.name == "scan"]
    assert storm.advice is not None and "script.py:16" in storm.advice


def test_the_column_how_says_control_flow(recorded: Source) -> None:
    answer = query("compiles", recorded)
    lines = render("compiles", answer, width=200).splitlines()
    scans = [each for each in answer.compiles if each.name == "scan" and each.is_program]
    assert scans
    for row in scans:
        assert any(line.startswith(f"{row.program} ") and " control flow " in line for line in lines)
    assert any(line.startswith("scan (outside of jit)  script.py:16  compiled 3 times") for line in lines)
    single = next(each for each in answer.compiles if each.eager and not each.is_program and each.program)
    assert any(line.startswith(f"{single.program} ") and " eager " in line for line in lines)


HANDED_OVER = '''
import jax
import jax.numpy as jnp
from jax.experimental.ode import odeint

x = jnp.linspace(-2.0, 2.0, 7)

def pieces(k):
    return jnp.piecewise(x, [x < 0], [lambda v: v * k, 0.0])  # line 9

for k in range(3):
    pieces(k)
for k in range(3):
    odeint(lambda y, t: -k * y, x, x + 3.0)  # line 14
once = lambda v: v + 1
for k in range(3):
    jnp.piecewise(x, [x < 0], [once, 0.0])  # line 17: one compile
'''


def test_what_is_handed_to_functions_of_jax_is_advised_on_at_the_users_line(tmp_path: Path) -> None:
    with open_source(record_script(tmp_path, HANDED_OVER)) as source:
        answer = query("compiles", source)
    told = {(storm.name, storm.line): storm.advice or "" for storm in answer.storms}
    assert {key for key in told if key[0].startswith("_")} == {("_piecewise", 9), ("_odeint_wrapper", 14)}
    for name, line, where in (("_piecewise", 9, "outside of `pieces`"),
                              ("_odeint_wrapper", 14, "outside of the loop at script.py:13")):  # fmt: skip
        said = told[name, line]
        assert said.startswith(f"`{name}`, JAX's own, compiles for each new function object in `func")
        assert f"script.py:{line} hands over" in said and f"once, {where}, pass the same object" in said
        assert "__eq__" not in said


def test_the_screen_lists_it_beside_jitted_functions(recorded: Source) -> None:
    rows, made = query("programs", recorded), query("compiles", recorded)
    infos = program_infos(rows, ())
    shown = run_overview(query("run", recorded), infos, rows, query("functions", recorded), made)
    names = [item.name for item in shown.functions]
    assert names.count("scan") == 3 and names.count("while") == 2
    assert sum(name.startswith("eager ops") for name in names) == 1
    assert shown.compiles == sum(row.program in infos for row in made.compiles)
    assert shown.eager == len(made.compiles) - shown.compiles


def test_the_text_of_compiles_counts_it_as_the_screen_does(recorded: Source) -> None:
    made, infos = query("compiles", recorded), program_infos(query("programs", recorded), ())
    assert [row.is_program for row in made.compiles] == [row.program in infos for row in made.compiles]
    seen = [row for row in made.compiles if row.compile_ns is not None]
    outside = [row for row in seen if row.eager and row.program in infos]
    assert {row.name for row in outside} >= {"scan", "while", "cond"}
    text = " ".join(render("compiles", made, 200).split())
    assert f"{sum(row.eager for row in seen) - len(outside)} of them eager primitives, " in text
    assert f"; {len(outside)} of programs called outside of jit." in text
