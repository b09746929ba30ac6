"""A script that is a ``.pyc`` is recorded as its source would be; a damaged one fails in Python's own words."""

from __future__ import annotations

import marshal
import py_compile
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faithful.harness import not_ours, recorder, show, split_narration

_SCRIPT = """import jax

def f(x):
    return x * 3

print(jax.jit(f)(2), type(__loader__).__name__, __file__, __cached__, f.__code__.co_filename)
raise SystemExit(5)
"""


@pytest.fixture
def compiled(tmp_path: Path) -> Path:
    source = tmp_path / "of_it.py"
    source.write_text(_SCRIPT)
    return Path(py_compile.compile(str(source), str(tmp_path / "script.pyc"), doraise=True))


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*command, "script.pyc"], capture_output=True, cwd=folder, timeout=60, check=False)


def test_its_functions_are_captured(compiled: Path, tmp_path: Path) -> None:
    plain = run(tmp_path, sys.executable)
    assert plain.stdout.startswith(b"6 SourcelessFileLoader")
    run_file = tmp_path / "run.xlascope"
    recorded = run(tmp_path, *recorder(run_file))
    assert (recorded.stdout, recorded.returncode) == (plain.stdout, 5)
    script, ours = split_narration(recorded.stderr, plain.stderr)
    assert script == plain.stderr and not_ours(ours, run_file) == []
    assert [row["name"] for row in show(run_file, "functions")["functions"]] == ["f"]


def _cut(data: bytes) -> bytes:
    return data[:60]


def _of_another_python(data: bytes) -> bytes:
    return b"abcd" + data[4:]


def _no_code(data: bytes) -> bytes:
    return data[:16] + marshal.dumps(3)


def _text(data: bytes) -> bytes:
    return b"print('text')\n"


@pytest.mark.parametrize("damage", [_cut, _of_another_python, _no_code, _text])
def test_a_damaged_one_fails_as_under_python(compiled: Path, tmp_path: Path, damage) -> None:
    compiled.write_bytes(damage(compiled.read_bytes()))
    plain = run(tmp_path, sys.executable)
    run_file = tmp_path / "run.xlascope"
    recorded = run(tmp_path, *recorder(run_file))
    script, ours = split_narration(recorded.stderr, plain.stderr)
    assert plain.returncode == 1 and plain.stderr
    assert (recorded.stdout, script, recorded.returncode) == (plain.stdout, plain.stderr, 1)
    assert not_ours(ours, run_file) == []
