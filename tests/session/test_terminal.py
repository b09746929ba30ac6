"""`record` on a terminal: the script finds one, and the user's is as before at the end."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.session.running import end_of, environment, output_of, record_command, script
from tests.session.terminal_user import TerminalUser, gone


def user(tmp_path: Path, text: str, *arguments: str, before: Sequence[str] = ()) -> TerminalUser:
    path = script(tmp_path, text)
    return TerminalUser([*before, *record_command(path, tmp_path / "a.xlascope", *arguments)], environment(), tmp_path)


def test_the_script_sees_a_terminal_of_the_users_size(tmp_path: Path) -> None:
    text = ("import os, sys\nprint([os.isatty(n) for n in range(3)], os.get_terminal_size(), os.ttyname(0) != '')\n"
            "print('\\x1b[31mred\\x1b[0m\\ttab\\xe9')\nsys.exit(9)\n")
    with user(tmp_path, text) as me:
        assert me.end() == 9
        assert me.shown == (
            b"[True, True, True] os.terminal_size(columns=100, lines=30) True\r\n"
            b"\x1b[31mred\x1b[0m\ttab\xc3\xa9\r\n" + str(tmp_path / "a.xlascope").encode() + b"\r\n")
    assert output_of(tmp_path / "a.xlascope", "terminal") == me.shown[:me.shown.rindex(str(tmp_path).encode())]


def test_modes_are_restored(tmp_path: Path) -> None:
    command = shlex.join(record_command(script(tmp_path, "print('x')\nraise SystemExit(1)\n"), tmp_path / "a.xlascope"))
    with TerminalUser(["sh", "-c", f"stty -echo; stty -a > before; {command}; stty -a > after"], environment(),
                      tmp_path) as me:
        me.end()
    assert (tmp_path / "before").read_text() == (tmp_path / "after").read_text()


def test_input_is_echoed_once_and_read(tmp_path: Path) -> None:
    with user(tmp_path, "print('hello', input('name? '))\nprint(repr(__import__('sys').stdin.read()))\n") as me:
        me.read_until(b"name? ")
        me.type(b"Ada\n")
        assert me.read_until(b"hello Ada\r\n") == b"Ada\r\nhello Ada\r\n"
        me.type(b"more\n\x04")
        assert me.read_until(b"'more\\n'\r\n") == b"more\r\n'more\\n'\r\n"
        assert me.end() == 0


def test_what_was_typed_ahead_is_not_lost(tmp_path: Path) -> None:
    text = "import sys\nprint(repr(sys.stdin.read()))\n"
    with user(tmp_path, text) as me:
        me.type(b"one\ntwo\n\x04")
        assert me.end() == 0
        assert me.shown.startswith(b"one\r\ntwo\r\n'one\\ntwo\\n'\r\n")


def test_control_c_reaches_the_script_and_its_children(tmp_path: Path) -> None:
    text = """
import subprocess, sys
try:
    child = subprocess.Popen([sys.executable, "-c", "import time\\ntry:\\n print('child', flush=True)\\n time.sleep(60)\\n"
                              "except KeyboardInterrupt: print('child interrupted', flush=True)"])
    print('parent', flush=True)
    child.wait()
except KeyboardInterrupt:
    child.wait()
    print('interrupted')
    sys.exit(4)
"""
    with user(tmp_path, text) as me:
        while not {b"child", b"parent"} <= set(me.shown.split()):
            assert me.read_more(30)
        me.type(b"\x03")
        assert me.end() == 4
        assert b"^Cchild interrupted\r\ninterrupted\r\n" in me.shown
    assert end_of(tmp_path / "a.xlascope")["exit_code"] == 4


def test_control_c_that_nobody_catches_ends_both(tmp_path: Path) -> None:
    with user(tmp_path, "print('ready', flush=True)\nimport signal, time\n"
                        "signal.signal(signal.SIGINT, signal.SIG_DFL)\ntime.sleep(60)\n") as me:
        me.read_until(b"ready")
        me.type(b"\x03")
        assert me.end() == 130


def test_a_new_window_size_reaches_the_script(tmp_path: Path) -> None:
    text = """
import os, signal, time
seen = []
signal.signal(signal.SIGWINCH, lambda *a: seen.append(os.get_terminal_size()))
print('ready', flush=True)
while not seen: time.sleep(0.01)
print(seen[-1])
"""
    with user(tmp_path, text) as me:
        me.read_until(b"ready")
        me.resize(50, 160)
        me.read_until(b"columns=160, lines=50")
        assert me.end() == 0


def test_keys_arrive_raw_for_a_script_that_wants_them(tmp_path: Path) -> None:
    text = """
import os, sys, termios, tty
before = termios.tcgetattr(0)
tty.setraw(0)
print('ready', end='', flush=True)
got = b''
while not got.endswith(b'q'): got += os.read(0, 10)
termios.tcsetattr(0, termios.TCSADRAIN, before)
print(got)
"""
    with user(tmp_path, text) as me:
        me.read_until(b"ready")
        me.type(b"\x03\x1a\x1b[Aq")
        me.read_until(rb"b'\x03\x1a\x1b[Aq'")
        assert me.end() == 0


def test_redirected_stdout_stays_apart(tmp_path: Path) -> None:
    text = ("import os, sys\nprint([os.isatty(n) for n in range(3)])\nsys.stdout.flush()\n"
            "sys.stderr.write('to the terminal\\n')\n")
    with user(tmp_path, text, before=["sh", "-c", 'exec "$@" > out', "sh"]) as me:
        assert me.end() == 0
        assert me.shown.startswith(b"to the terminal\r\n")
    assert (tmp_path / "out").read_bytes() == b"[True, False, True]\n"
    run = tmp_path / "a.xlascope"
    assert output_of(run, "stdout") == b"[True, False, True]\n"
    assert output_of(run, "terminal") == b"to the terminal\r\n"


def test_redirected_stdin_is_no_terminal(tmp_path: Path) -> None:
    text = "import os, sys\nprint([os.isatty(n) for n in range(3)], sys.stdin.read())\n"
    with user(tmp_path, text, before=["sh", "-c", 'echo given | "$@"', "sh"]) as me:
        assert me.end() == 0
        assert me.shown.startswith(b"[False, True, True] given\r\n")


def test_much_output_arrives_whole(tmp_path: Path) -> None:
    with user(tmp_path, "for n in range(100_000): print(n)\n") as me:
        assert me.end() == 0
        assert me.shown.startswith(b"".join(b"%d\r\n" % n for n in range(100_000)))


def test_a_child_left_behind_gets_no_hangup(tmp_path: Path) -> None:
    text = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(f"<{child.pid}>", flush=True)
"""
    with user(tmp_path, text) as me:
        child = int(me.read_until(b">").strip(b"<>"))
        assert me.end() == 0
        state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
        os.kill(child, signal.SIGKILL)
        assert state == "S"


def test_a_terminal_that_is_gone_ends_the_script_and_leaves_a_valid_file(tmp_path: Path) -> None:
    text = "import os, time\nprint(f'<{os.getpid()}>', flush=True)\ntime.sleep(600)\n"
    with user(tmp_path, text) as me:
        pid = int(me.read_until(b">").strip(b"<>"))
        me.hang_up()
        assert gone(pid)
        assert gone(me.pid)
    end = end_of(tmp_path / "a.xlascope")
    assert (end["state"], end["signal"]) == ("killed", signal.SIGHUP)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with job control")
def test_control_z_stops_the_job_and_fg_goes_on(tmp_path: Path) -> None:
    path = script(tmp_path, """
import os, time
print(f'<{os.getpid()}>', flush=True)
while not os.path.exists('go'): time.sleep(0.01)
print('done', input('more? '))
""")
    command = shlex.join(record_command(path, tmp_path / "a.xlascope"))
    shell = {**environment(), "PS1": "shell> ", "HISTFILE": ""}
    with TerminalUser(["bash", "--norc", "-i"], shell, tmp_path) as me:
        me.read_until(b"shell> ")
        me.type(b"stty -a > before\n")
        me.read_until(b"shell> ")
        me.type(command.encode() + b"\n")
        me.read_until(b"<")
        pid = int(me.read_until(b">").strip(b">"))
        me.type(b"\x1a")
        me.read_until(b"Stopped")
        me.read_until(b"shell> ")
        assert Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        me.type(b"stty -a > between; touch go\n")
        me.read_until(b"shell> ")
        me.type(b"fg\n")
        me.read_until(b"more? ")
        me.type(b"now\n")
        me.read_until(b"done now")
        me.read_until(b"shell> ")
        me.type(b"exit\n")
        me.end()
    assert (tmp_path / "between").read_text() == (tmp_path / "before").read_text()
    assert end_of(tmp_path / "a.xlascope")["exit_code"] == 0


def test_a_job_in_the_background_runs_without_the_terminal(tmp_path: Path) -> None:
    path = script(tmp_path, "print('ran in the back')\n")
    command = shlex.join(record_command(path, tmp_path / "a.xlascope"))
    with TerminalUser(["bash", "--norc", "-i"], {**environment(), "PS1": "shell> ", "HISTFILE": ""}, tmp_path) as me:
        me.read_until(b"shell> ")
        me.type(command.encode() + b" &\n")
        me.read_until(b"ran in the back\r\n")
        me.type(b"wait; echo status $?; exit\n")
        me.read_until(b"status 0")
        me.end()
