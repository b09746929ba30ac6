"""Every script of the corpus does under `xlascope record` what it does under Python, and what it jits is captured."""

import importlib.util
import sys

import pytest

from tests.faithful.case import CORPUS, cases, read_case
from tests.faithful.harness import not_ours, recorder, run, run_on_terminal, show, split_narration

PLAIN, JAX, LIBRARIES = cases("plain"), cases("jax"), cases("libraries")


def ids(case):
    return case.name


def compare(case, tmp_path, runner=run):
    """Runs both and asserts that output and exit code are the same; returns the run file's path."""
    for name in case.needs:
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    plain = runner(case, tmp_path, [sys.executable])
    run_file = tmp_path / "run.xlascope"
    recorded = runner(case, tmp_path, recorder(run_file))
    if runner is run_on_terminal:
        script, ours = split_narration(recorded.stdout, plain.stdout)
        assert case.same(script) == case.same(plain.stdout)
    else:
        assert case.same(recorded.stdout) == case.same(plain.stdout)
        before, after = case.same(plain.stderr), case.same(recorded.stderr)
        script, ours = split_narration(after, before)
        assert script == before
    assert not_ours(ours, run_file) == []
    assert recorded.code == plain.code
    return run_file


def check_captured(case, run_file):
    if case.captured is None:
        return
    found = show(run_file, "functions")["functions"]
    assert sorted(row["name"] for row in found) == list(case.captured)
    for row in found:
        assert row["programs"], f"{row['name']} has no program"


@pytest.mark.parametrize("case", PLAIN, ids=ids)
def test_script_without_jax(case, tmp_path):
    compare(case, tmp_path)


@pytest.mark.parametrize("case", JAX, ids=ids)
def test_script_with_jax(case, tmp_path):
    check_captured(case, compare(case, tmp_path))


@pytest.mark.parametrize("case", LIBRARIES, ids=ids)
def test_library(case, tmp_path):
    check_captured(case, compare(case, tmp_path))


@pytest.mark.parametrize("case", [case for case in (*PLAIN, *JAX) if case.pty], ids=ids)
def test_on_a_terminal(case, tmp_path):
    compare(case, tmp_path, run_on_terminal)


def test_what_was_typed_ahead_reaches_the_script(tmp_path):
    case = read_case(CORPUS / "plain" / "reads_input.py")
    outcome = run_on_terminal(case, tmp_path, recorder(tmp_path / "run.xlascope"), ahead=True)
    assert b"hello Ada, 42" in outcome.stdout
    assert b"'the rest of it\\n'" in outcome.stdout


def test_the_corpus_is_as_large_as_it_says():
    assert len(PLAIN) + len(JAX) >= 100
    assert sum(case.captured is not None for case in JAX) >= 60
