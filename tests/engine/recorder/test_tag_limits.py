"""How many equations a program may have to be lowered with tags: recorded with a small limit in the place of the true one."""

from __future__ import annotations

from pathlib import Path

from harness import record

from xlascope.engine.recorder.equations import MOST_ROWS
from xlascope.engine.recorder.hook import MOST_TAGGED

LIMIT = 3
# The engine lives in the script's own process: what stands for the limit is put in the place of its number.
SCRIPT = f"""
import sys
import jax
sys.modules["_xlascope.engine.recorder.hook"].MOST_TAGGED = {LIMIT}

@jax.jit
def at_the_limit(x):
    return x * 2 + 1 - x

@jax.jit
def above_it(x):
    return x * 2 + 1 - x * 3

@jax.jit
def nested(x):
    return jax.lax.fori_loop(0, 3, lambda _, y: y * 2 + 1, x)

print(at_the_limit(1.0), above_it(1.0), nested(1.0))
"""


def test_the_limit_is_the_number_of_equations_that_have_a_row() -> None:
    assert MOST_TAGGED == MOST_ROWS == 200_000


def test_a_program_above_the_limit_is_not_tagged_and_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    found = record("script.py", cwd=tmp_path, finish_budget=60.0)
    assert (found.code, found.out) == (0, b"2.0 0.0 15.0\n"), found.err
    programs = {
        message.body["id"]: message.body["equations"]
        for message in found.of("program")
        if not message.body.get("eager")
    }
    assert programs["at_the_limit#1"] == LIMIT and programs["above_it#1"] == LIMIT + 1
    assert programs["nested#1"] > LIMIT  # equations of a loop's body count
    tagged = {message.body["program"] for message in found.of("stage", stage="tagged")}
    assert tagged == {"at_the_limit#1"}
    (dropped,) = found.of("dropped", what="exact links")
    assert dropped.body["why"] == f"more than {LIMIT} equations" and dropped.body["budget_ns"] is None
    assert sorted(dropped.body["programs"]) == ["above_it#1", "nested#1"] and dropped.body["count"] == 2
    # All else is recorded of them.
    for program in programs:
        assert "HloModule" in found.stage(program, "optimized")
