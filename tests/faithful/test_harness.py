"""The harness itself, with plain Python on both sides: two plain runs of any script of the corpus are alike."""

import sys

import pytest

from tests.faithful.case import CORPUS, cases, read_case
from tests.faithful.harness import run, run_on_terminal

STABLE = [case for case in cases("plain") if case.name != "plain/environment.py"]


@pytest.mark.slow
@pytest.mark.parametrize("case", (*STABLE, *cases("jax")), ids=lambda case: case.name)
def test_two_plain_runs_are_alike(case, tmp_path):
    first, second = (run(case, tmp_path, [sys.executable]) for _ in range(2))
    assert case.same(first.stdout) == case.same(second.stdout)
    assert case.same(first.stderr) == case.same(second.stderr)
    assert first.code == second.code


def test_a_terminal_gives_its_output_and_code(tmp_path):
    case = read_case(CORPUS / "plain" / "reads_input.py")
    outcome = run_on_terminal(case, tmp_path, [sys.executable])
    assert b"hello Ada, 42" in outcome.stdout


def test_closed_stdin_is_closed(tmp_path):
    case = read_case(CORPUS / "plain" / "closed_stdin.py")
    assert run(case, tmp_path, [sys.executable]).stdout.startswith(b"None\n")


def test_signal_is_told_as_a_shell_does(tmp_path):
    case = read_case(CORPUS / "plain" / "kill_self.py")
    assert run(case, tmp_path, [sys.executable]).code == 137


def test_directives(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(
        '# captured: b, a\n# argv: -o "x y"\n# stdin: "ab" * 3\n# env: A=B=C\n# pty: also\n# normalise: [0-9]+\n'
    )
    case = read_case(path)
    assert case.captured == ("a", "b")
    assert case.argv == ("-o", "x y")
    assert case.stdin == b"ababab"
    assert case.env == (("A", "B=C"),)
    assert case.pty
    assert case.same(b"took 12 s") == b"took # s"
