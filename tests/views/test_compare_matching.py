"""Which program of one run is which of another, whatever was renamed, moved or reordered; one notation's count is
another's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recording import record_script
from xlascope.ir import parse_hlo
from xlascope.report.text import render
from xlascope.views.compare import Compare, compare
from xlascope.views.comparing import first_calls
from xlascope.views.comparing.forms import _opcodes
from xlascope.views.comparing.sides import open_sides
from xlascope.views.sources.source import RunSource
from xlascope.views.times.windows import FirstCall, executables

BEFORE = """\
import jax, jax.numpy as jnp

@jax.jit
def total(x):
    return jnp.log1p(jnp.abs(x)).sum()

@jax.jit
def first(x):
    return x * 2

@jax.jit
def gone(x):
    return jnp.sort(x)

def make(k):
    @jax.jit
    def inner(x):
        return jnp.sin(x) * k if k else jnp.cumsum(x)
    return inner

x = jnp.linspace(0, 1, 64)
for f in (total, first, gone, make(2.0), make(0)):
    f(x).block_until_ready()
"""
AFTER = (
    BEFORE.replace("total", "log_total")
    .replace("def first(x):\n    return x * 2", "def second(x):\n    return x * 2\n\n@jax.jit\ndef third(x):\n    return x * 2")
    .replace("def gone(x):\n    return jnp.sort(x)", "def new(x):\n    return jnp.sort(x)[::-1]")
    .replace("(log_total, first, gone, make(2.0), make(0))", "(second, third, new, make(0), make(2.0), log_total)")
)  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("renamed")
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    return record_script(folder / "a", BEFORE), record_script(folder / "b", AFTER)


@pytest.fixture
def answer(runs: tuple[Path, Path]) -> Iterator[Compare]:
    a, b = open_sides(*map(str, runs))
    with a.source, b.source:
        yield compare(a, b)


def test_a_function_of_another_name_is_known_by_its_equations(answer: Compare) -> None:
    pairs = {each.program_a: each for each in answer.programs}
    assert pairs["total#1"].program_b == "log_total#1" and pairs["total#1"].same_signature
    assert (pairs["total#1"].note or "").startswith("`total` in A: the same arguments and equations under another name")
    assert all(each.path_a == each.path_b for each in pairs["total#1"].equations)
    assert "total#1 → log_total#1" in render("compare", answer, whole=True)


def test_of_two_that_it_could_be_none_is_taken_nor_one_that_does_something_else(answer: Compare) -> None:
    assert {each.function for each in answer.only_a} == {"first", "gone"}
    assert {each.function for each in answer.only_b} == {"second", "third", "new"}


def test_functions_of_one_name_are_matched_by_what_they_do(answer: Compare) -> None:
    inner = {each.program_a: each.program_b for each in answer.programs if each.function.endswith("inner")}
    assert inner == {"inner#1": "inner#2", "inner#2": "inner#1"}


def test_a_run_and_itself_are_told_to_be_one(runs: tuple[Path, Path]) -> None:
    a, b = open_sides(str(runs[0]), str(runs[0]))
    with a.source, b.source:
        (told,) = compare(a, b).notes
    assert told.startswith("A and B are one and the same file")


def test_that_equations_hold_a_slow_first_call_is_told(
    runs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else an equation seems to take longer than the program that it is of."""
    a, b = open_sides(*map(str, runs))
    with a.source, b.source:
        assert isinstance(a.source, RunSource) and isinstance(b.source, RunSource)
        number = {name: number for number, name in executables(a.source).items()}["total#1"]
        slow = {number: FirstCall(48_000_000, 300_000, False)}
        monkeypatch.setattr(first_calls, "slow_first_calls", lambda source: slow if source is a.source else {})
        notes = {each.program_a: each.note or "" for each in compare(a, b).programs}
    assert notes["total#1"].endswith("times of equations hold the slow first call: A 48 ms, later ones 0.3 ms")
    assert sum("first call" in note for note in notes.values()) == 1


LONG = """\
HloModule m

ENTRY %main (t: (s32[], f32[8])) -> f32[8] {
  %t = (s32[], f32[8]{0}) parameter(0)
  %get-tuple-element.1 = f32[8]{0} get-tuple-element(%t), index=1
  %copy = f32[8]{0} copy(%get-tuple-element.1)
  ROOT %add = f32[8]{0} add(%copy, %get-tuple-element.1)
}
"""
SHORT = """\
HloModule m

ENTRY %main (t: (s32[], f32[8])) -> f32[8] {
  %t = (s32[], f32[8]{0}) parameter(0)
  %copy = f32[8]{0} copy(%t#1)
  ROOT %add = f32[8]{0} add(%copy, %t#1)
}
"""


def test_an_element_of_a_tuple_counts_alike_in_both_notations() -> None:
    assert _opcodes(parse_hlo(SHORT)) == _opcodes(parse_hlo(LONG))
    assert _opcodes(parse_hlo(LONG))["get-tuple-element"] == 1
