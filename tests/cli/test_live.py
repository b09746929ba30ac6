"""The screen's process told to end, or its terminal gone: a valid file and no process stay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.session.running import environment
from tests.session.terminal_user import TerminalUser, gone
from xlascope.runfile import Reader

pytest.importorskip("xlascope.tui.app")

_SCRIPT = """
import os, time
open("pid", "w").write(str(os.getpid()))
import jax, jax.numpy as jnp
@jax.jit
def double(x): return x * 2
x = jnp.ones(8)
while True:
    x = double(x) - double(x)
    time.sleep(0.01)
    if not os.path.exists("ready"): open("ready", "w").close()
"""


def live(folder: Path, **more: str) -> TerminalUser:
    (folder / "loop.py").write_text(_SCRIPT)
    home = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "TERM": "xterm-256color"}
    return TerminalUser([sys.executable, "-m", "xlascope", "loop.py"], {**environment(), **home, **more}, folder)


def wait_for(me: TerminalUser, path: Path) -> None:
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until
        me.read_more(0.1)


def children(pid: int) -> set[int]:
    done = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True)
    rows = [tuple(map(int, line.split())) for line in done.stdout.splitlines()[1:]]
    found, new = set(), {pid}
    while new:
        new = {child for child, parent in rows if parent in new} - found
        found |= new
    return found


@pytest.mark.parametrize("how", ["hangup", "SIGTERM", "SIGKILL"])
def test_whatever_ends_the_screen_ends_all(tmp_path: Path, how: str) -> None:
    with live(tmp_path) as me:
        wait_for(me, tmp_path / "ready")
        left = children(me.pid)
        assert int((tmp_path / "pid").read_text()) in left
        if how == "hangup":
            me.hang_up()
        else:
            os.kill(me.pid, getattr(signal, how))
            if how == "SIGTERM":
                me.end()
        assert gone(me.pid)
        assert all(gone(pid) for pid in left)
    (run,) = (tmp_path / "state/xlascope/runs").glob("*.xlascope")
    with Reader(run) as reader:
        assert not reader.being_written()
        assert any(record.json["function"] == "double" for record in reader.records("program"))
        assert (reader.last("end") is None) == (how == "SIGKILL")


def test_a_state_folder_that_cannot_be_written_is_replaced_by_a_temporary_one(tmp_path: Path) -> None:
    with live(tmp_path, XDG_STATE_HOME="/dev/null/state", TMPDIR=str(tmp_path)) as me:
        wait_for(me, tmp_path / "ready")
        os.kill(me.pid, signal.SIGTERM)
        me.end()
    (run,) = tmp_path.glob("xlascope-*/loop-*.xlascope")
    assert b"cannot write /dev/null/state" in me.shown
    assert me.shown.rpartition(b"\x1b[?1049l")[2].rstrip().endswith(str(run).encode()), me.shown[-500:]
    with Reader(run) as reader:
        assert reader.last("end") is not None
