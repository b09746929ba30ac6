"""What `record` says of itself while it finishes a recording, `show` while it has something compiled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from xlascope.cli import collect, record
from xlascope.views.sources.missing import Lacking

FINISHING = {"kind": "progress", "activity": "finishing"}


def test_a_long_finish_is_told_once(monkeypatch, capsys):
    monkeypatch.setattr(record, "FINISHING_TOLD", 0.0)
    narrator = record._Narrator()
    narrator.event(FINISHING)
    waiting = narrator._waiting
    assert waiting is not None
    waiting.join()
    narrator.event(FINISHING)
    narrator.finished()
    said = capsys.readouterr().err
    assert said.startswith("xlascope: the script has ended;") and said.count("\n") == 1


def test_a_short_finish_is_not(monkeypatch, capsys):
    monkeypatch.setattr(record, "FINISHING_TOLD", 3600.0)
    narrator = record._Narrator()
    narrator.event({"kind": "progress", "activity": "compiling"})
    assert narrator._waiting is None
    narrator.event(FINISHING)
    narrator.finished()
    assert narrator._waiting is not None and not narrator._waiting.is_alive()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("print('hi')", "the script never imported jax"),
        ("import jax\nprint('hi')", "JAX compiled nothing"),
        ("import jax.numpy as jnp\nprint('hi')\njnp.ones(3) + 1", None),
        ("print('hi')\nraise SystemExit(3)", None),
    ],
)
def test_a_run_with_nothing_to_look_at_says_why(tmp_path, text, said):
    (tmp_path / "s.py").write_text(text)
    command = [sys.executable, "-m", "xlascope", "record", "-o", "r.xlascope", "s.py"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False, env=environment)
    assert done.stdout == "hi\n" and done.stderr.splitlines()[-1] == "r.xlascope"
    told = done.stderr.splitlines()[:-1]
    assert told == [] if said is None else len(told) == 1 and told[0].startswith(f"xlascope: {said}")


LACKING = [Lacking(f"f#{number}", what) for number in range(1, 21) for what in ("tagged", "located")]


def narrated(took: float, monkeypatch) -> None:
    clock = iter([0.0, took])
    monkeypatch.setattr(collect.time, "monotonic", lambda: next(clock))
    narrator = collect.Narrator("show", LACKING)
    narrator.begin()
    for number, each in enumerate(LACKING, 1):
        narrator.turn_to(number, each)
        narrator.progress("pass 3")
        if each.what == "tagged" and number < 13:
            narrator.failed(each.program, "no memory; close others")
    narrator.end()


def test_what_is_compiled_for_a_view_is_two_lines_in_a_file(monkeypatch, capsys):
    narrated(12.0, monkeypatch)
    assert capsys.readouterr().err.splitlines() == [
        "xlascope show: compiling 20 programs for their equation links …",
        "xlascope show: f#1, f#2, f#3, f#4 and 2 more: no memory; close others",
        "xlascope show: that took 12 s; the run file keeps it",
    ]


def test_what_is_compiled_for_a_view_is_one_line_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(collect.sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "60")
    narrated(12.0, monkeypatch)
    said = capsys.readouterr().err
    lines = said.split("\r\x1b[K")
    assert "xlascope show: compiling f#20 for its equation links before optimization (40 of 40)"[:59] in lines
    assert max(map(len, lines[:-1])) < 60
    assert lines[-1] == "xlascope show: f#1, f#2, f#3, f#4 and 2 more: no memory; close others\n"
