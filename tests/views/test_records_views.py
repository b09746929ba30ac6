"""Views that need no profile, on run files made by hand."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from crafted_run import JAXPR, OPTIMIZED, SCRIPT, SECOND, SOURCE, T0, program_body, small_run

from xlascope.report.text import render
from xlascope.runfile import Writer
from xlascope.views import Source, ViewError, open_source, query
from xlascope.views.provenance.instructions import instructions
from xlascope.views.provenance.origins import provenance
from xlascope.views.sources.source import RunSource
from xlascope.views.sources.stages import jaxpr_index


def test_run_tells_how_it_ended(run: Source) -> None:
    answer = query("run", run)
    assert (answer.script, answer.argv, answer.exit_code, answer.state) == (SCRIPT, ("--steps", "3"), 7, "ended")
    assert (answer.wall_ns, answer.wall_exact) == (5 * SECOND, True)
    assert (answer.python, answer.jax, answer.machine.cores, answer.machine.platform) == ("3.12.1", "0.12.0", 2, "cpu")
    assert answer.not_captured[0].reason == "compiled in a child process"
    assert answer.children[0].argv == ("ls", "a b")


def test_overlapping_phases_count_once(run: Source) -> None:
    assert {each.name: (each.ns, each.count) for each in query("run", run).phases} == {
        "import jax": (SECOND, 1),
        "trace": (3 * SECOND // 2, 2),
        "lower": (22, 2),  # not told as phases: summed up from the compiles
        "compile": (38, 3),
    }


def test_phases_that_took_no_time_and_never_came_are_left_out(tmp_path: Path) -> None:
    path = small_run(tmp_path / "eager.xlascope")
    writer = Writer(path)
    zero = {"ns": 0, "count": 0}
    parts = {"trace": zero, "lower": zero, "compile": {"ns": 7, "count": 0}, "eager ops": {"ns": 90, "count": 12}}
    writer.put("spent", {"parts": parts})
    writer.close()
    with open_source(path) as source:
        answer = query("run", source)
    assert answer.phases_add_up
    assert [(each.name, each.ns, each.count) for each in answer.phases] == [
        ("compile", 7, 0), ("eager ops", 90, 12), ("run", 5 * SECOND - 97, 1)]  # fmt: skip
    assert not any(line.startswith(("trace ", "lower ")) for line in render("run", answer, 120).splitlines())


def test_what_ops_say_of_equations_follows_the_links(tmp_path: Path) -> None:
    path = small_run(tmp_path / "t.xlascope", end=False)
    with open_source(path) as source:
        assert isinstance(source, RunSource)
        before = instructions(source, "scores#1")
        assert before is not None and not before.provenance.exact
        writer = Writer(path)
        writer.put("stage", {"stage": "tagged"}, {"text": OPTIMIZED.encode()}, program="scores#1")
        writer.close()
        after = instructions(source, "scores#1")
        assert after is not None and after.provenance.exact
        assert after.provenance is provenance(source, "scores#1", None)


def test_dropped_records_of_one_kind_add_up(run: Source) -> None:
    assert [(each.what, each.count) for each in query("run", run).dropped] == [("programs", 5)]


def test_a_file_without_an_end_was_killed_unless_it_is_written(tmp_path: Path) -> None:
    path = small_run(tmp_path / "k.xlascope", end=False)
    with open_source(path) as source:
        answer = query("run", source)
        assert (answer.state, answer.exit_code, answer.wall_exact) == ("killed", None, False)
        assert answer.wall_ns is not None
        writer = Writer(path)
        assert query("run", source).state == "running"
        writer.close()


def test_functions_gather_their_programs(run: Source) -> None:
    rows = query("functions", run).functions
    scores = rows[0]
    assert (scores.name, scores.file, scores.line, scores.programs) == ("scores", SCRIPT, 3, ("scores#1", "scores#2"))
    assert (scores.calls, scores.calls_at_least, scores.compile_ns, scores.trace_ns) == (None, 2, 33, 11)
    assert (scores.device_ns, scores.share) == (None, None)
    assert [row.name for row in rows] == ["scores", "never"]
    assert rows[1].programs == () and rows[1].compile_ns is None


def test_programs_say_what_is_captured(run: Source) -> None:
    rows = query("programs", run).programs
    assert [row.id for row in rows] == ["scores#1", "scores#2"]  # not the eager add
    assert rows[0].stages == ("source", "jaxpr", "stablehlo", "optimized", "llvm:before", "llvm", "asm")
    assert (rows[0].args, rows[1].args, rows[0].equations, rows[0].input_bytes) == ("recorded", "none", 2, 160)
    assert (rows[0].replayable, rows[1].replayable, rows[0].compile_ns) == (True, False, 30)


def test_compiles_list_eager_primitives_with_their_newest_count(run: Source) -> None:
    rows = query("compiles", run).compiles
    eager = {row.name: row for row in rows if row.eager}
    assert (eager["add"].runs, eager["add"].runs_exact, eager["add"].compile_ns) == (33, True, 5)
    assert (eager["sub"].runs, eager["sub"].runs_exact, eager["sub"].compile_ns) == (2, False, None)
    assert [row.program for row in rows if not row.eager] == ["scores#1", "scores#2"]


def test_lists_can_be_narrowed_to_a_program(run: Source) -> None:
    assert [row.id for row in query("programs", run, program="2").programs] == ["scores#2"]
    assert [row.name for row in query("functions", run, program="scores").functions] == ["scores"]
    assert [row.reason for row in query("compiles", run, program="scores#2").compiles] == ["shape"]
    with pytest.raises(ViewError, match="no such program"):
        query("functions", run, program="never")


def test_output_joins_a_character_cut_by_a_chunk(run: Source) -> None:
    answer = query("output", run)
    assert [(each.stream, each.text) for each in answer.chunks] == [
        ("stdout", "caf"), ("stderr", "warn\n"), ("stdout", "é\n"),
    ]  # fmt: skip
    assert not answer.truncated
    later = query("output", run, after=answer.chunks[1].id)
    assert later.chunks == answer.chunks[2:]


def test_output_follows_a_growing_file(run_path: Path) -> None:
    with open_source(run_path) as source:
        last = query("output", source).chunks[-1].id
        writer = Writer(run_path)
        writer.chunk("output", b"more\n", {"stream": "stdout", "t_ns": 1})
        writer.put("dropped", {"what": "output", "count": 10, "why": "limit"})
        writer.commit()
        answer = query("output", source, after=last)
        assert [each.text for each in answer.chunks] == ["more\n"]
        assert answer.truncated
        writer.close()


@pytest.mark.parametrize(
    ("stage", "text"), [("jaxpr", JAXPR), ("optimized", OPTIMIZED), ("source", "".join(SOURCE.splitlines(True)[2:5]))]
)
def test_stage_gives_the_exact_text(run: Source, stage: str, text: str) -> None:
    assert query("stage", run, program="scores#1", stage=stage).text == text


def test_stage_jaxpr_carries_its_equations(run: Source) -> None:
    index = jaxpr_index(run, "scores#1")
    assert [(each.path, each.primitive) for each in index.equations] == [("0", "dot_general"), ("1", "exp")]


@pytest.mark.parametrize(("stage", "said"), [("hlo", "jaxpr, stablehlo, optimized"), ("nonsense", "no such stage")])
def test_a_stage_that_is_not_there_names_those_that_are(run: Source, stage: str, said: str) -> None:
    with pytest.raises(ViewError, match=said) as caught:
        query("stage", run, program="scores#1", stage=stage)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("wanted", ["scores#2", "2", "#2"])
def test_a_program_by_id_or_number(run: Source, wanted: str) -> None:
    with pytest.raises(ViewError, match="scores#2"):
        query("stage", run, program=wanted, stage="jaxpr")


def test_a_program_by_its_function_is_the_hottest(run: Source) -> None:
    assert query("stage", run, program="scores", stage="jaxpr").program == "scores#1"
    assert query("stage", run, stage="jaxpr").program == "scores#1"


def test_a_number_is_the_hottest_of_its_programs_and_an_unknown_name_lists_them(run: Source) -> None:
    assert query("stage", run, program="1", stage="jaxpr").program == "scores#1"
    with pytest.raises(ViewError, match=r"scores#1, scores#2\."):
        query("stage", run, program="other")


def test_calls_make_the_order_when_nothing_was_profiled(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "c.xlascope")
    for name, calls in (("f#1", 1), ("g#1", 9)):
        writer.put("program", program_body(name), program=name, t_ns=T0)
        writer.put("calls", {"program": name, "hook_calls": calls}, program=name)
        writer.put("stage", {"stage": "jaxpr"}, {"text": name.encode()}, program=name)
    writer.close()
    with open_source(tmp_path / "c.xlascope") as source:
        assert query("stage", source).text == "g#1"
        assert [row.name for row in query("functions", source).functions] == ["g", "f"]


@pytest.mark.parametrize(("state", "exact"), [("ended", True), ("killed", False), (None, False)])
def test_a_program_with_callbacks_is_counted_by_the_hook(tmp_path: Path, state: str | None, exact: bool) -> None:
    writer = Writer(tmp_path / "c.xlascope")
    writer.put("program", program_body("f#1", callbacks=True), program="f#1", t_ns=T0)
    writer.put("calls", {"program": "f#1", "hook_calls": 10})
    if state is not None:
        writer.put("end", {"state": state, "ended_ns": T0 + 10})
    writer.close()
    with open_source(tmp_path / "c.xlascope") as source:
        row = query("functions", source).functions[0]
        # What ran on after its recording was stopped is not known.
        assert (row.calls, row.calls_at_least, row.calls_exact) == (10 if state else None, 10, exact)


def test_an_unknown_view_and_option_are_told(run: Source) -> None:
    with pytest.raises(ViewError, match="functions, programs"):
        query("nonsense", run)
    with pytest.raises(ViewError, match="takes no --stage"):
        query("run", run, stage="jaxpr")


@pytest.mark.parametrize("name", ["missing.xlascope", "empty.xlascope", "noise.bin", "noise.xlascope"])
def test_what_cannot_be_read_has_exit_code_3(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.startswith("noise"):
        path.write_bytes(bytes(range(256)) * 40)
    elif name.startswith("empty"):
        path.touch()
    with pytest.raises(ViewError) as caught:
        open_source(path)
    assert caught.value.exit_code == 3


def test_repeats_cost_nothing_and_what_is_new_is_seen(run_path: Path) -> None:
    with open_source(run_path) as source:
        before = query("programs", source)
        assert query("programs", source) is before
        writer = Writer(run_path)
        writer.put("program", program_body("step#1"), program="step#1")
        writer.close()
        assert "step#1" in [row.id for row in query("programs", source).programs]


def test_views_import_no_jax_and_no_screen() -> None:
    code = (
        "import sys, importlib; from xlascope.views import VIEWS\n"
        "for view in VIEWS: importlib.import_module(view.module)\n"
        "print([name for name in ('jax', 'jaxlib', 'textual', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_closed_pipe_is_quiet(run_path: Path) -> None:
    code = f"import sys; from xlascope.cli.show import main; sys.exit(main([{str(run_path)!r}, 'run', '--json']))"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None and child.stderr is not None
    child.stdout.close()
    assert child.stderr.read() == b""
    assert child.wait() in (0, -signal.SIGPIPE)


def test_a_killed_run_tells_how_often_jax_compiled(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "k.xlascope")
    writer.put("phase", {"name": "import jax", "start_ns": T0, "ns": 7})
    for n, trace in enumerate((5, None, 6)):
        body = {"name": "f", "trace_ns": trace, "lower_ns": 10, "compile_ns": 100, "eager": False}
        writer.put("compile", body, t_ns=T0 + 1000 * (n + 1))
    writer.close()
    with open_source(tmp_path / "k.xlascope") as source:
        found = {phase.name: (phase.ns, phase.count) for phase in query("run", source).phases}
    assert found == {"import jax": (7, 1), "trace": (11, 2), "lower": (30, 3), "compile": (300, 3)}
    writer = Writer(tmp_path / "e.xlascope")
    for n in range(3):
        writer.put("compile", {"name": "f", "trace_ns": 5, "lower_ns": 10, "compile_ns": 100}, t_ns=T0 + n)
    writer.put("phase", {"name": "compile", "start_ns": T0, "ns": 280})
    writer.close()
    with open_source(tmp_path / "e.xlascope") as source:
        phases = {phase.name: (phase.ns, phase.count) for phase in query("run", source).phases}
    assert phases["compile"] == (280, 3), "the recorder's own total, and how many compiles were told"
