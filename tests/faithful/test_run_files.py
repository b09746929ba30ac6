"""Where `record -o` writes: a new file each time, and never over what is not a run file."""

import subprocess
import sys
from pathlib import Path

from tests.faithful.harness import recorder, show


def record(run_file: Path, code: str, tmp_path: Path) -> subprocess.CompletedProcess[bytes]:
    script = tmp_path / "script.py"
    script.write_text(code)
    return subprocess.run([*recorder(run_file), str(script)], capture_output=True, cwd=tmp_path)


def test_a_second_run_takes_the_place_of_the_first(tmp_path):
    run_file = tmp_path / "run.xlascope"
    record(run_file, "print('first')", tmp_path)
    assert record(run_file, "print('second'); raise SystemExit(5)", tmp_path).returncode == 5
    assert show(run_file, "run")["exit_code"] == 5
    assert "".join(chunk["text"] for chunk in show(run_file, "output")["chunks"]) == "second\n"
    assert run_file.stat().st_mode & 0o777 == 0o600


def test_another_file_is_left_as_it_is(tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("important\n" * 200)
    done = record(other, "print('runs')", tmp_path)
    assert (done.returncode, done.stdout) == (0, b"runs\n")
    assert b"notes.txt" in done.stderr and b"without being recorded" in done.stderr
    assert other.read_text() == "important\n" * 200


def test_the_default_name_is_in_the_folder_where_it_was_started(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("import os; os.mkdir('x'); os.chdir('x'); print(1)")
    command = [str(Path(sys.executable).with_name("xlascope")), "record", str(script)]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, text=True)
    written = done.stderr.splitlines()[-1]
    assert Path(tmp_path / written).parent.resolve() == tmp_path.resolve()
    assert [path.name for path in tmp_path.glob("train-*.xlascope")] == [Path(written).name]
