"""Equations of two versions of a script are matched by their lines where the flow of data does not tell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.recording import record_script
from xlascope.report.text import render
from xlascope.tui.glyphs import UNICODE
from xlascope.tui.widgets.compare_tables import EquationsTable, _equation_columns
from xlascope.views import open_source, query
from xlascope.views.compare import Compare, Equation, compare
from xlascope.views.comparing.script_lines import corresponding
from xlascope.views.comparing.sides import Side, open_sides
from xlascope.views.equations import is_estimated
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


def test_times_that_are_shares_of_fusions_are_marked_and_all_rows_go_into_a_pipe(
    answer: Compare, runs: tuple[Path, Path]
) -> None:
    (program,) = answer.programs
    with open_source(runs[1]) as source:
        told = query("equations", source, program=program.program_b)
    marks = {row.path: is_estimated(row, told.equations_exact) for row in told.rows if row.self_ns is not None}
    assert True in marks.values()
    assert {row.path_b: row.b_estimated for row in program.equations if row.b_ns is not None} == marks
    sure = replace(answer, programs=(replace(program, verdict="slower"),))
    whole, cut = render("compare", sure, whole=True), render("compare", sure, width=120, whole=False)
    rows = [line for line in whole.splitlines() if line.startswith("–")]
    assert len(rows) == sum(row.path_a is None for row in program.equations) and "more:" not in whole
    shares = [row for row in program.equations if row.path_a is None and row.b_ns and row.b_estimated]
    assert sum("~" in line for line in rows) == len(shares) > 0
    assert "more: `xlascope compare A B | less` lists all" in cut and "(…)" not in whole
    unsure = render("compare", replace(answer, programs=(replace(program, verdict="same"),)), whole=True)
    assert "(…): within the noise" in unsure and "(~+" in unsure


LIBRARY = """
import jax.numpy as jnp

def dense(x, w):
    return jnp.tanh(x @ w)
"""
USER = """
import sys
sys.path.insert(0, {folder!r})
import jax, jax.numpy as jnp
import layers

@jax.jit
def step(x):
    return layers.dense(x, x)

for _ in range(5):
    step(jnp.ones((64, 64))).block_until_ready()
"""


def test_the_line_of_an_equation_is_the_user_s_own_and_the_library_s_stands_behind(tmp_path: Path) -> None:
    packages = tmp_path / "site-packages"
    packages.mkdir()
    (packages / "layers.py").write_text(LIBRARY)
    text = USER.format(folder=str(packages))
    made = [record_script(tmp_path / name, text) for name in ("a", "b") if (tmp_path / name).mkdir() is None]
    with open_source(made[0]) as source:
        answer = query("equations", source)
        (dot,) = [row for row in answer.rows if row.primitive == "dot_general"]
        assert (dot.file or "").endswith("layers.py") and dot.line == 5  # in JSON as XLA has it
        lines = render("equations", answer, whole=True).splitlines()
    (row,) = [line for line in lines if " dot_general " in line]
    assert " script.py:9 layers.py:5 " in " ".join(row.split())
    a, b = open_sides(*map(str, made))
    with a.source, b.source:
        found = compare(a, b)
    (program,) = found.programs
    (dot,) = [row for row in program.equations if row.primitive == "dot_general"]
    assert (dot.line_b, dot.user_line_b) == (5, 9)
    text = render("compare", replace(found, programs=(replace(program, verdict="slower"),)), whole=True)
    (row,) = [line for line in text.splitlines() if " dot_general " in line]
    assert row.endswith("script.py:9  layers.py:5")
    assert [column.text(dot) for column in _equation_columns(UNICODE, lambda row: "text")][-2:] == [
        "script.py:9", "layers.py:5"]
    told = EquationsTable()
    told.set_rows([dot])
    assert "library" in {column.key for column in told.columns}
    told.set_rows([replace(dot, file_b=dot.user_file_b, line_b=dot.user_line_b)])
    assert "library" not in {column.key for column in told.columns}
