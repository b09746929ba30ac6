"""Equations of two versions of a script are matched by their lines where the flow of data does not tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recording import record_script
from xlascope.views import open_source
from xlascope.views.compare import Compare, Equation, compare
from xlascope.views.comparing.script_lines import corresponding
from xlascope.views.comparing.sides import Side, open_sides
from xlascope.views.sources.source import RunSource
from xlascope.views.sources.stages import jaxpr_index

BEFORE = """\
import jax, jax.numpy as jnp

@jax.jit
def net(x, w):
    x = jnp.tanh(x @ w) * 2
    x = jnp.sin(x)
    x = jax.nn.softmax(jnp.tanh(x @ w))
    y = x * 3
    return jnp.sum(y @ w)

x = w = jnp.ones((64, 64))
for _ in range(30):
    net(x, w).block_until_ready()
"""
AFTER = BEFORE.replace(
    "    return", "    for _ in range(3):\n        y = jax.nn.softmax(jnp.tanh(y @ w))\n    return"
).replace("import jax,", "# two lines\n# that are new\nimport jax,")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    before, after = (record_script(tmp_path_factory.mktemp("lines"), text) for text in (BEFORE, AFTER))
    return before, after


@pytest.fixture(scope="module")
def answer(runs: tuple[Path, Path]) -> Compare:
    a, b = open_sides(*map(str, runs))
    with a.source, b.source:
        return compare(a, b)


def both(rows: tuple[Equation, ...]) -> list[tuple[int, int]]:
    return [(row.line_a, row.line_b) for row in rows if row.line_a is not None and row.line_b is not None]


def test_layers_that_were_put_in_are_the_new_ones(answer: Compare) -> None:
    (program,) = answer.programs
    new = [row.line_b for row in program.equations if row.path_a is None]
    assert new and set(new) == {12}
    assert all(row.path_b is not None and not row.moved for row in program.equations)
    lines = {5: 7, 6: 8, 7: 9, 8: 10, 9: 13}
    assert {line for line, _ in both(program.equations)} == set(lines)
    assert all(lines[a] == b for a, b in both(program.equations))


def test_without_sources_lines_are_known_by_what_they_wrote(
    runs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xlascope.views.comparing.script_lines.texts", lambda source: {})
    with open_source(runs[0]) as a, open_source(runs[1]) as b:
        assert isinstance(a, RunSource) and isinstance(b, RunSource)
        (program,) = compare(Side(a), Side(b)).programs
        first, second = jaxpr_index(a, program.program_a), jaxpr_index(b, program.program_b)
        assert first is not None and second is not None
        of_a, of_b = corresponding(a, b, first, second)
    same = {(first.by_path[x].line, second.by_path[y].line) for x in of_a for y in of_b if of_a[x][0] == of_b[y][0]}
    assert same == {(5, 7), (6, 8), (7, 9), (8, 10), (9, 13)}
    assert {row.line_b for row in program.equations if row.path_a is None} == {12}


def test_a_line_that_was_changed_keeps_what_it_still_writes(tmp_path: Path, runs: tuple[Path, Path]) -> None:
    text = BEFORE.replace("x = jnp.sin(x)", "x = jnp.cos(jnp.sin(x))").replace("import jax,", "\nimport jax,")
    changed = record_script(tmp_path, text)
    a, b = open_sides(str(runs[0]), str(changed))
    with a.source, b.source:
        (program,) = compare(a, b).programs
    assert [(row.primitive, row.line_b) for row in program.equations if row.path_a is None] == [("cos", 7)]
    assert all(b == a + 1 for a, b in both(program.equations))
