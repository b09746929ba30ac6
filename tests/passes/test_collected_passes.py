"""Passes of real programs: against XLA's own dump, the history of a softmax, what is stored, what is cleaned up."""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from xlascope.cli.show import main
from xlascope.session.dumping import DumpFolder, sweep
from xlascope.views import Source, ViewError, open_source, query

PROGRAMS = ("scores", "loop")


def counted(file: Path) -> Counter[str]:
    """Opcodes by another way than the parser's: the word in front of the first parenthesis after the shape."""
    found: Counter[str] = Counter()
    for line in file.read_text().splitlines():
        match = re.match(r"\s+(?:ROOT )?%\S+ = (.*)", line)
        if match:
            rest = match[1]
            while rest.startswith("("):  # a tuple's shape
                depth = end = 0
                while not end or depth:
                    depth += (rest[end] == "(") - (rest[end] == ")")
                    end += 1
                rest = rest[end:].lstrip()
            found[re.search(r"(?:^|\s)([a-z][\w\-]*)\(", rest)[1]] += 1  # type: ignore[index]
    return found


def files(dump: Path, program: str) -> list[Path]:
    pattern = re.compile(rf"module_\d+\.jit_{program}\.\d{{4}}\..+\.txt")
    return sorted(file for file in dump.iterdir() if pattern.fullmatch(file.name))


@pytest.mark.parametrize("program", PROGRAMS)
def test_counts_are_those_of_xlas_own_dump(source: Source, dump: Path, program: str) -> None:
    answer = query("passes", source, program=program)
    mine = files(dump, program)
    steps = [file.name.split(".", 3)[3] for file in mine]
    assert [f"{row.pipeline}.after_{row.pass_}" for row in answer.passes] == [
        step.partition(".before_")[0].removesuffix(".txt") for step in steps
    ]
    before = counted(mine[0])
    for row, file in zip(answer.passes, mine, strict=True):
        now = counted(file)
        assert (row.instructions, row.added, row.removed) == (now.total(), dict(now - before), dict(before - now))
        before = now


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_dump_folder_tells_the_same(source: Source, dump: Path, program: str) -> None:
    with open_source(dump) as other:
        name = next(module.id for module in other.modules if module.name == f"jit_{program}")  # type: ignore[attr-defined]
        theirs = query("passes", other, program=name)
    mine = query("passes", source, program=program)
    assert [(row.pass_, row.changed, row.group, row.added) for row in mine.passes] == [
        (row.pass_, row.changed, row.group, row.added) for row in theirs.passes
    ]
    assert theirs.compile_ns is None and {row.duration_ns for row in theirs.passes} == {None}


def test_each_change_has_a_time_and_all_fit_into_the_compile(source: Source) -> None:
    answer = query("passes", source, program="loop")
    timed = [row for row in answer.passes if row.pass_ not in ("pipeline-start",) and row.pipeline != "copy-insertion"]
    assert timed and all(row.duration_ns for row in timed)
    assert sum(row.duration_ns for row in answer.passes if row.changed and row.duration_ns) < answer.compile_ns
    assert not answer.notes and answer.linked


def test_the_softmaxs_exponential_ends_in_a_fusion(source: Source) -> None:
    rows = query("equations", source, program="scores").rows
    path = next(row.path for row in rows if row.primitive == "exp")
    answer = query("history", source, program="scores", equation=path)
    assert answer.primitive == "exp" and answer.remains
    first, *_, last = answer.events
    assert (first.event, first.first) == ("created", True)
    assert last.event == "merged" and all("fusion" in name for name in last.names)
    # Asked by the name that the instruction has inside of the fusion, the same is told.
    module = query("stage", source, program="scores", stage="optimized").text
    name = re.search(r"%(\S+) = \S+ exponential\(", module)[1]  # type: ignore[index]
    by_name = query("history", source, program="scores", instruction=name)
    assert (by_name.events[-1].names, by_name.events[-1].pass_) == (last.names, last.pass_)
    fusion = query("history", source, program="scores", instruction=last.names[0])
    assert fusion.events[0].event == "created" and fusion.events[0].pass_index == last.pass_index
    assert set(last.of) <= set(fusion.events[0].of)


def test_the_matrix_product_of_an_unfused_form_is_followed_forward(source: Source) -> None:
    start = query("stage", source, program="scores", stage="pass:0").text
    name = re.search(r"%(\S+) = \S+ dot\(", start)[1]  # type: ignore[index]
    events = query("history", source, program="scores", instruction=name).events
    assert events[0].event == "created" and events[0].first
    assert {event.event for event in events} <= {"created", "changed", "merged"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_stage_of_a_pass_is_the_dumps_text_but_for_metadata(source: Source, dump: Path, program: str) -> None:
    for file in files(dump, program)[::5]:
        number = int(file.name.split(".")[2])
        text = query("stage", source, program=program, stage=f"pass:{number}").text
        lines = [re.sub(r", metadata=\{.*?\}", "", line) for line in text.splitlines() if " = " in line and "%" in line]
        theirs = [re.sub(r", metadata=\{.*?\}", "", line) for line in file.read_text().splitlines()
                  if " = " in line and "%" in line]  # fmt: skip
        assert lines == theirs and "xs0_" not in text


def test_what_is_not_there_is_said(source: Source, recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options, said in (
        ({"instruction": "nothing.7"}, "no form of"),
        ({"equation": "99.1"}, "no such equation"),
        ({}, "history of what"),
    ):
        with pytest.raises(ViewError, match=said) as caught:
            query("history", source, program="scores", **options)
        assert caught.value.exit_code == 2
    assert main([str(recorded), "stage", "--program", "scores", "--stage", "pass:999"]) == 2
    said = capsys.readouterr().err
    assert "Held of scores#1: source, jaxpr" in said and "pass:0 to pass:" in said
    assert main([str(recorded), "diff", "--program", "scores", "--from", "x"]) == 2
    assert "numbered 0 to" in capsys.readouterr().err
    assert main([str(recorded), "passes", "--program", "scores", "--variant", "fusion=off"]) == 2


def test_the_command_shows_a_difference(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(recorded), "passes", "--program", "scores", "--from", "hlo", "--to", "optimized", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["view"] == "diff" and body["from"]["index"] == 0
    shared = body["same"] + len(body["changed"]) + len(body["moved"])
    assert shared + len(body["removed"]) == body["from"]["instructions"]
    assert shared + len(body["added"]) == body["to"]["instructions"]
    assert main([str(recorded), "diff", "--program", "scores", "--to", "1", "--text"]) == 0
    assert main([str(recorded), "diff", "--program", "scores", "--from", "hlo", "--to", "optimized", "--text"]) == 0
    said = capsys.readouterr().out
    assert "\n@@ -" in said and re.search(r"^\+.*fusion\(", said, re.MULTILINE)
    title = f"from pass:{body['from']['index']} (as {body['from']['pipeline']} begins) to pass:{body['to']['index']} ("
    assert title in " ".join(said.split()) and "(after pipeline-start)" not in said


def test_the_file_grows_by_little(recorded: Path, dump: Path) -> None:
    with open_source(recorded) as source:
        sizes = [len(source.blob(record, name) or b"") for record in source.records("passes")  # type: ignore[attr-defined]
                 for name in ("lines", "rows")]  # fmt: skip
    written = sum(file.stat().st_size for program in PROGRAMS for file in files(dump, program))
    assert sum(sizes) < written / 5


def test_no_folder_of_a_dump_stays(recorded: Path) -> None:
    folder = DumpFolder()
    place = Path(folder.make())
    assert place.stat().st_mode & 0o777 == 0o700
    (place / "module_0001.x.0000.txt").write_text("x")
    folder.remove()
    assert not place.exists()
    left = Path(tempfile.mkdtemp(prefix=place.name.rpartition("-")[0].rpartition("-")[0] + "-999999999-"))
    sweep()
    assert not left.exists()


def test_the_compiles_of_a_program_are_told_by_pass(source: Source) -> None:
    answer, passes = query("compiles", source, program="loop"), query("passes", source, program="loop")
    known = Counter[str]()
    for row in passes.passes:
        known[row.pass_] += row.duration_ns or 0
    assert answer.program == "loop#1" and answer.passes_compile_ns == passes.compile_ns
    assert answer.passes and all(each.ns == known[each.name] > 0 for each in answer.passes)
    assert [each.ns for each in answer.passes] == sorted((each.ns for each in answer.passes), reverse=True)
    assert sum(each.ns for each in answer.passes) <= answer.passes_ns <= answer.passes_compile_ns
    assert not query("compiles", source).passes
