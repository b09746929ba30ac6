"""The keeper under a screen: its events, its status, its ends; and a file that is followed while it grows."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.session.running import FAKE, Events, end_of, output_of, plan, script
from tests.session.terminal_user import gone
from xlascope.runfile import Reader, RunFileLocked
from xlascope.session.keeper import Keeper


def started(tmp_path: Path, text: str, **changes: object) -> tuple[Keeper, Events]:
    keeper = Keeper(plan(script(tmp_path, text), stay=True, **changes), tmp_path / "a.xlascope", size=(40, 120),
                    boot=FAKE)
    events = Events(keeper)
    keeper.start()
    return keeper, events


def test_a_run_from_start_to_idle_to_end(tmp_path: Path) -> None:
    keeper, events = started(tmp_path, """
import os, sys
send("progress", activity="compiling", name="f", since_ns=5)
send("program", id="f#1")
send("calls", program="f#1", hook_calls=3)
print(os.get_terminal_size(), input("? "))
print("last line")
sys.exit(6)
""")
    try:
        events.state("running")
        activity = events.until(lambda event: event["kind"] == "progress")
        assert (activity["activity"], activity["name"]) == ("compiling", "f")
        record = events.until(lambda event: event["kind"] == "record" and event["record"] == "program")
        assert record["program"] == "f#1"
        with Reader(keeper.run_path) as reader:
            assert reader.last("program", "f#1") is not None
        keeper.write_input(b"typed\n")
        assert events.state("idle")["exit_code"] == 6
        status = keeper.status()
        assert (status.state, status.exit_code, status.signal) == ("idle", 6, None)
        assert status.calls == {"f#1": 3} and status.counts["program"] == 1
        assert status.last_line == "last line" and status.recording and status.bytes > 0
        assert b"columns=120, lines=40" in output_of(keeper.run_path, "terminal")
        pid = status.pid
        assert pid is not None
        os.kill(pid, 0)
    finally:
        keeper.stop()
    assert gone(pid)
    assert end_of(tmp_path / "a.xlascope")["exit_code"] == 6
    assert keeper.status().state == "ended" and not keeper.status().recording


def test_stopping_ends_a_script_that_runs(tmp_path: Path) -> None:
    keeper, events = started(tmp_path, "import time\nprint('ready', flush=True)\ntime.sleep(600)\n")
    events.until(lambda event: event["kind"] == "output")
    pid = keeper.status().pid
    keeper.stop()
    assert pid is not None and gone(pid)
    assert end_of(tmp_path / "a.xlascope")["signal"] == signal.SIGHUP


def test_stopping_ends_a_script_that_ignores_it(tmp_path: Path) -> None:
    keeper, events = started(tmp_path, """
import signal, time
for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT): signal.signal(number, signal.SIG_IGN)
print('ready', flush=True)
time.sleep(600)
""")
    events.until(lambda event: event["kind"] == "output")
    pid = keeper.status().pid
    keeper.stop()
    assert pid is not None and gone(pid)
    assert end_of(tmp_path / "a.xlascope")["signal"] == signal.SIGKILL


def test_interrupt_and_resize(tmp_path: Path) -> None:
    keeper, events = started(tmp_path, """
import os, time
print('ready', flush=True)
try:
    while True: time.sleep(0.01)
except KeyboardInterrupt:
    print(os.get_terminal_size(), 'interrupted')
""")
    try:
        events.until(lambda event: event["kind"] == "output")
        keeper.resize(11, 77)
        keeper.interrupt()
        assert events.state("idle")["exit_code"] == 0
        assert b"columns=77, lines=11) interrupted" in output_of(keeper.run_path, "terminal")
    finally:
        keeper.stop()


def test_a_recorder_that_is_killed_is_told_and_kept(tmp_path: Path) -> None:
    keeper, events = started(tmp_path, "import os\nsend('program', id='f#1')\nos.kill(os.getpid(), 9)\n")
    try:
        assert events.state("ended")["signal"] == signal.SIGKILL
    finally:
        keeper.stop()
    assert end_of(tmp_path / "a.xlascope")["state"] == "killed"
    with Reader(tmp_path / "a.xlascope") as reader:
        assert reader.last("program", "f#1") is not None


def test_a_recorder_killed_while_it_stays_has_still_ended_well(tmp_path: Path) -> None:
    keeper, events = started(tmp_path, "pass\n")
    try:
        events.state("idle")
        pid = keeper.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        events.state("ended")
    finally:
        keeper.stop()
    end = end_of(tmp_path / "a.xlascope")
    assert (end["state"], end["exit_code"]) == ("ended", 0)


def test_a_python_that_is_none_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/does/not/exist\n")
    broken.chmod(0o755)
    keeper, events = started(tmp_path, "pass\n", python=str(broken))
    try:
        problem = events.until(lambda event: event["kind"] == "problem")
        assert str(broken) in problem["text"]
        assert events.state("ended")["exit_code"] == 4
    finally:
        keeper.stop()


def test_one_keeper_for_each_file(tmp_path: Path) -> None:
    keeper, events = started(tmp_path, "pass\n")
    try:
        events.state("idle")
        with pytest.raises(RunFileLocked, match=str(os.getpid())):
            Keeper.reopen(keeper.run_path).start()
    finally:
        keeper.stop()
    again = Keeper.reopen(tmp_path / "a.xlascope", boot=FAKE)
    again.start()
    again.stop()


def test_commands_are_answered(tmp_path: Path) -> None:
    keeper, events = started(tmp_path, "pass\n")
    try:
        events.state("idle")
        number = keeper.send({"do": "collect", "program": "refuse#1", "what": "args"})
        assert events.result(number)["error"] == "it cannot be done"
    finally:
        keeper.stop()


def test_commands_to_a_recorder_that_is_gone_are_answered_too(tmp_path: Path) -> None:
    keeper, events = started(tmp_path, "import os\nos._exit(0)\n")
    try:
        events.state("ended")
        answer = events.result(keeper.send({"do": "collect", "program": "f#1", "what": "args"}))
        assert not answer["ok"] and answer["advice"]
    finally:
        keeper.stop()


def test_a_keeper_that_never_started_and_one_stopped_twice(tmp_path: Path) -> None:
    Keeper(plan(script(tmp_path, "pass\n")), tmp_path / "b.xlascope", boot=FAKE).stop()
    keeper, _ = started(tmp_path, "pass\n")
    keeper.stop()
    keeper.stop()
    keeper.interrupt()
    keeper.write_input(b"x")
    keeper.measure("f#1", {"fusion": "off"})


def test_a_listener_that_fails_is_told_and_not_called_again(tmp_path: Path) -> None:
    keeper = Keeper(plan(script(tmp_path, "print('x')\n"), stay=True), tmp_path / "a.xlascope", boot=FAKE)
    called = []

    def fail(event: dict[str, object]) -> None:
        called.append(event)
        raise RuntimeError("on purpose")

    keeper.subscribe(fail)
    events = Events(keeper)
    keeper.start()
    try:
        assert events.state("idle")["exit_code"] == 0
        assert len(called) == 1
        assert any("on purpose" in problem for problem in keeper.status().problems)
    finally:
        keeper.stop()
