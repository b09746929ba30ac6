"""Runs a script under plain Python and under `xlascope record`, redirected or on a terminal."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.faithful.case import Case
from xlascope.cli.main import main

TIMEOUT = 60
NARRATION = b"xlascope: "


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left: its output and the exit code as a shell tells it (128 + n for signal n)."""

    stdout: bytes
    stderr: bytes
    code: int


def shell_code(returncode: int) -> int:
    """The exit code a shell reports for what `subprocess` returned."""
    return 128 - returncode if returncode < 0 else returncode


def fresh_folder(tmp_path: Path) -> Path:
    """An empty working folder, the same path for every run of a test."""
    folder = tmp_path / "work"
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    return folder


def run(case: Case, tmp_path: Path, before: list[str]) -> Outcome:
    """Runs `before` + the case's command with its streams redirected."""
    command = [*before, *case.command]
    folder = fresh_folder(tmp_path)
    if case.stdin is None:
        command = ["sh", "-c", 'exec "$@" <&-', "sh", *command]
    done = subprocess.run(
        command, input=case.stdin or b"", capture_output=True, cwd=folder, env=case.environment(), timeout=TIMEOUT
    )
    return Outcome(done.stdout, done.stderr, shell_code(done.returncode))


def run_on_terminal(case: Case, tmp_path: Path, before: list[str], ahead: bool = False) -> Outcome:
    """Runs the command as the leader of a pseudo-terminal of its own; both streams arrive in `stdout`.

    The lines of the case's standard input are typed one by one, when the script asks, or all `ahead`.
    """
    folder = fresh_folder(tmp_path)
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe(before[0], [*before, *case.command], case.environment() | {"TERM": "xterm-256color"})
    received = _drain(master, (case.stdin or b"").splitlines(keepends=True), ahead)
    os.close(master)
    return Outcome(received, b"", shell_code(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))


def _drain(master: int, lines: list[bytes], ahead: bool) -> bytes:
    """Everything the terminal shows until its last user is gone.

    A line is typed when another `? ` has been shown; `ahead` types all of them at once, before anybody asks.
    """
    received, answered, deadline = b"", 0, time.monotonic() + TIMEOUT
    if ahead:
        os.write(master, b"".join(lines))
        lines = []
    while time.monotonic() < deadline:
        if lines and received.count(b"? ") > answered:
            os.write(master, lines.pop(0))
            answered += 1
        if not select.select([master], [], [], 1.0)[0]:
            continue
        try:
            data = os.read(master, 65536)
        except OSError:  # EIO: nobody holds the other end any more
            return received
        if not data:
            return received
        received += data
    raise TimeoutError(f"still open after {TIMEOUT} s: {received[-500:]!r}")


def recorder(run_file: Path, *options: str) -> list[str]:
    """The command line of `xlascope record` by the interpreter of the tests."""
    return [str(Path(sys.executable).with_name("xlascope")), "record", "-o", str(run_file), *options]


def split_narration(stderr: bytes, plain: bytes) -> tuple[bytes, bytes]:
    """(the script's part, our part) of a recorded run's standard error: ours is what follows the script's last byte."""
    return stderr[: len(plain)], stderr[len(plain) :]


def not_ours(narration: bytes, run_file: Path) -> list[bytes]:
    """The lines of our part of standard error that are neither `xlascope: …` nor, at the end, the run file's path."""
    lines = narration.replace(b"\r\n", b"\n").split(b"\n")
    if lines[:1] == [b""]:
        lines = lines[1:]  # the newline in front of our first line, when the script's last had none
    if lines[-2:] == [str(run_file).encode(), b""]:
        lines = lines[:-2]
    return [line for line in lines if not line.startswith(NARRATION)]


def show(run_file: Path, view: str) -> dict:
    """One view of a run file, as the command prints it with `--json`."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = main(["show", str(run_file), view, "--json"])
    assert code == 0, printed.getvalue()
    return json.loads(printed.getvalue())
