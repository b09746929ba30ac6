"""Text for people: fits the width, hides nothing silently, steers no terminal."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_scripts import Recorded
from rich.cells import cell_len
from rich.console import Console

from xlascope.cli.show import main
from xlascope.report.text import render
from xlascope.report.text.encodings import writable
from xlascope.report.text.plain import output, stage
from xlascope.report.text.tables import (
    Column,
    Paper,
    Several,
    duration,
    fit,
    fixed_column,
    number_column,
    place_column,
    table,
)
from xlascope.views import VIEWS, open_source, query
from xlascope.views.history import History, Occurrence
from xlascope.views.output import Output, Piece
from xlascope.views.stage import Stage

TABLES = [view.name for view in VIEWS if view.name not in ("stage", "output", "diff", "history")]


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("view", TABLES)
def test_text_fits_the_width(view: str, width: int, eight_devices: Recorded, run_path: Path) -> None:
    path = run_path if view in ("passes", "machine") else eight_devices.path
    with open_source(path) as source:
        text = render(view, query(view, source), width=width, colour=False)
    assert text.endswith("\n") and "\x1b" not in text
    assert max(cell_len(line) for line in text.splitlines()) <= width


def test_passes_their_differences_and_history_are_told(run_path: Path) -> None:
    with open_source(run_path) as source:
        said = render("passes", query("passes", source), width=100, colour=False)
        assert "1 passes changed it, 6 to 8 instructions" in said and "+1 fusion +1 parameter" in said
        said = render("diff", query("diff", source, to="1"), width=100, colour=False)
        assert "> from %main to %fused_computation\n  %exp.0 = " in said
        said = render("history", query("history", source, equation="1"), width=100, colour=False)
        assert "equation 1 (exp)" in said and "into exp_fusion: exp.0" in said


@pytest.mark.parametrize("width", [80, 100, 200])
def test_what_something_was_merged_into_is_never_cut(width: int) -> None:
    of = tuple(f"dynamic_update_slice.{number}" for number in range(1, 5))
    into = "transpose_multiply_reduce_fusion.12"
    pipeline = "hlo passes on the CPU, after the assignment of layouts and the rewriting of dots"
    event = Occurrence(40, pipeline, "algebraic-simplifier-of-what-is-left", "merged", (into,), of, False)
    said = render("history", History("f#1", None, None, "0", "dot_general", (event,), True), width=width)
    assert f"into {into}: " in said
    assert max(map(cell_len, said.splitlines())) <= width


def test_what_is_estimated_or_unknown_is_marked(run_path: Path) -> None:
    with open_source(run_path) as source:
        text = render("functions", query("functions", source), width=100)
    row = next(line for line in text.splitlines() if line.startswith("scores"))
    assert " ≥2 " in row and " ? " in row
    assert "~ estimated" in render("functions", query("functions", open_source(run_path)), width=100) or "?" in text


def test_shares_that_leave_something_out_say_so(one_device: Recorded) -> None:
    with open_source(one_device.path) as source:
        answer = query("functions", source)
    assert "leave it out" not in render("functions", answer, width=200)
    first, *others = answer.functions
    compiled = replace(answer, functions=(replace(first, compile_ns=10 * answer.estimated_ns), *others))
    assert "more than all calls" in render("functions", compiled, width=200)
    unknown = replace(answer, functions=(replace(first, share=None), *others))
    said = render("functions", unknown, width=200)
    assert f"{first.name}: no window saw a call of it" in said and "more than all calls" not in said
    bounded = replace(first, share=None, share_at_least=0.1279, first_calls_only=True)
    said = render("functions", replace(answer, functions=(bounded, *others)), width=200)
    row = next(line for line in said.splitlines() if line.startswith(first.name))
    assert " ≥12% " in row and "▎" in row and f" *{duration(first.per_call_ns)} " in row
    assert f"Share ≥ ({first.name}): of some" in said and "no window saw a call of it" not in said
    assert "* per call: one call" in said
    for least, shown in ((0.001, " ≥0.1% "), (0.0009, " ? ")):
        nearly_none = replace(bounded, share_at_least=least, first_calls_only=False)
        said = render("functions", replace(answer, functions=(nearly_none,)), width=200)
        assert shown in said and "* per call" not in said


def test_counts_that_are_not_those_of_the_calls_are_explained(eight_devices: Recorded, one_device: Recorded) -> None:
    with open_source(eight_devices.path) as source:
        program = query("programs", source).programs[0].id
        answer = query("ops", source, program=program)
    several = max(Counter(row.op for row in answer.rows).values())
    whole = replace(answer, rows=tuple(replace(row, count=3 * row.count) for row in answer.rows), calls_seen=3)
    said = " ".join(render("ops", whole, width=100).split())
    assert several > 1 and f"sums over {several} devices: a call counts once on each" in said and "multiple" not in said
    assert "no multiple of the calls" in " ".join(render("ops", replace(whole, calls_seen=2**40), width=100).split())
    with open_source(one_device.path) as source:
        alone = query("ops", source)
    # With jit off ops of one name come from modules of several equations, all on the one device.
    twice = replace(alone, rows=(*alone.rows, *(replace(row, module="jit_exp") for row in alone.rows)))
    for answer in (alone, twice):
        assert "sums over" not in " ".join(render("ops", answer, width=100).split())


def test_coloured_only_when_asked(one_device: Recorded) -> None:
    with open_source(one_device.path) as source:
        answer = query("ops", source)
    assert "\x1b[" in render("ops", answer, width=100, colour=True)
    assert "\x1b[" not in render("ops", answer, width=100, colour=False)


def test_into_a_pipe_no_column_is_left_out_or_cut(
    one_device: Recorded, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert main([str(one_device.path), "ops", "--no-collect"]) == 0
    piped = capsys.readouterr().out.splitlines()
    assert {"op", "opcode", "device", "self", "share", "per", "count", "eqns", "where", "bytes"} <= set(piped[1].split())
    assert "…" not in "".join(piped)
    monkeypatch.setenv("COLUMNS", "80")
    assert main([str(one_device.path), "ops", "--no-collect"]) == 0
    fitted = capsys.readouterr().out.splitlines()
    assert max(map(cell_len, fitted)) <= 80 and "bytes" not in fitted[1]


def test_a_cell_of_several_things_has_all_of_them_where_nothing_is_cut() -> None:
    columns = [Column("op", least=4), Column("eqns", least=4, spare=1), fixed_column("size", 2)]
    made = table(columns, [["x" * 200, Several("0 1…", "0 1 2 3"), "12 KiB"]])
    for whole, said in ((True, "x" * 200 + "  0 1 2 3  12 KiB"), (False, "x" * 14 + "…  0 1…  12 KiB")):
        paper = Paper(whole=whole, file=io.StringIO(), width=29)
        paper.print(made, crop=False)
        assert paper.file.getvalue().splitlines()[1] == said


leasts = st.none() | st.integers(1, 20)
widths = st.lists(st.tuples(st.integers(1, 60), leasts, st.integers(0, 3)), min_size=1, max_size=9)


@given(widths, st.integers(10, 200))
def test_columns_are_cut_or_left_out_numbers_are_not(found: list[tuple[int, int | None, int]], width: int) -> None:
    columns = [Column(f"c{i}", least=least, spare=spare) for i, (_, least, spare) in enumerate(found)]
    natural = [size for size, _, _ in found]
    kept, sizes = fit(columns, natural, width)
    assert all(columns[i].spare for i in set(range(len(found))) - set(kept))
    for i, size in zip(kept, sizes, strict=True):
        least = columns[i].least
        assert size == natural[i] if least is None else min(least, natural[i]) <= size <= natural[i]
    smallest = sum(natural[i] if columns[i].least is None else min(columns[i].least or 0, natural[i]) for i in kept)
    assert sum(sizes) + 2 * (len(kept) - 1) <= max(width, smallest + 2 * (len(kept) - 1))


def test_the_column_to_spare_goes_first() -> None:
    columns = [Column("name", least=4), number_column("a"), number_column("b", spare=1), number_column("c", spare=2)]
    assert fit(columns, [10, 5, 5, 5], 31)[0] == [0, 1, 2, 3]
    assert fit(columns, [10, 5, 5, 5], 20)[0] == [0, 1, 2]
    assert fit(columns, [10, 5, 5, 5], 12) == ([0, 1], [5, 5])


def test_output_to_a_terminal_keeps_colours_and_nothing_else() -> None:
    answer = Output((Piece("terminal", 0, "\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[2Jx\r\n50%\r99%\nend", 1),), True)
    shown = output(answer, terminal=True, colour=True)
    assert "\x1b[31mred\x1b[0m" in shown and "\x1b]" not in shown and "\x1b[2J" not in shown and "\x07" not in shown
    assert "99%" in shown and "50%" not in shown
    assert "\x1b" not in output(answer, terminal=True, colour=False)
    raw = output(answer, terminal=False, colour=False)
    assert raw.startswith(answer.chunks[0].text) and raw.endswith("not in the file]\n")


def test_a_stage_is_exact_in_a_file_and_harmless_on_a_terminal() -> None:
    answer = Stage("jaxpr", "a\x1b[31mb\n\tc", "f#1", None, ())
    assert stage(answer, terminal=False, colour=False) == "a\x1b[31mb\n\tc\n"
    assert "\x1b" not in stage(answer, terminal=True, colour=True)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "utf-8"])
def test_any_encoding_can_write_it(encoding: str) -> None:
    text = "┏━┓ █▏ 12 µs → ∅ … × 名 \udcff"
    shown = writable(text, encoding)
    shown.encode(encoding)
    if encoding == "ascii":
        assert shown.startswith("### #. 12 us -> none ... x")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["{run}", "nonsense"], 2, "functions, programs"),
        (["{run}", "stage", "--program", "other"], 2, "scores#1, scores#2"),
        (["{run}", "stage", "--stage", "nothing"], 2, "no such stage"),
        (["{run}", "ops", "--stage", "hlo"], 2, "takes no --stage"),
        (["{run}", "ops", "--dot"], 2, "--dot"),
        (["{run}", "ops", "--variant", "fusion=off"], 2, "No variant"),
        (["{run}", "run", "extra"], 2, "unrecognized"),
        (["missing.xlascope", "run"], 3, "no such file"),
        ([], 2, "PATH"),
    ],
)
def test_wrong_usage_is_told_with_the_exit_code_of_the_contract(
    words: list[str], code: int, said: str, run_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word.format(run=run_path) for word in words]) == code
    captured = capsys.readouterr()
    assert captured.out == "" and said in captured.err and "Traceback" not in captured.err


def test_show_without_a_view_lists_those_of_the_file(run_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(run_path)]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [view.name for view in VIEWS]


def test_dot_draws_every_node(one_device: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(one_device.path), "graph", "--program", "loop", "--dot"]) == 0
    dot = capsys.readouterr().out
    assert dot.startswith("digraph") and dot.count("->") > 10


def test_a_place_keeps_its_line_number_when_the_table_is_narrow() -> None:
    rows = [["reduce", "a_long_file_name.py:1234"], ["add", "b.py:7"]]
    for width, cut in ((25, "…ile_name.py:1234"), (18, "…e.py:1234")):
        console = Console(width=width, file=io.StringIO())
        console.print(table([fixed_column("op"), place_column(8)], rows))
        assert console.file.getvalue().splitlines()[1:] == [f"reduce  {cut}", "add     b.py:7"]
