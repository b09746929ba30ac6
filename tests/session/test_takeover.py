"""A keeper that is killed leaves a script that runs on, and its output goes where it was redirected to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.session.running import environment, record, record_command, script
from tests.session.terminal_user import TerminalUser
from xlascope.runfile import Reader

LINES = 30_000
SURVIVOR = f"""
import os, sys
print("ready", flush=True)
open("wait").read()
for n in range({LINES}):
    print("line", n)
    if n % 100 == 0:
        print("error", n, file=sys.stderr)
with open("done", "w") as marker:
    marker.write("to the end")
"""


def _killed(tmp_path: Path, source: str, **streams: object) -> tuple[subprocess.Popen[bytes], Path]:
    """A recording whose keeper was killed once the script stood before its FIFO `wait`; the FIFO is then opened."""
    os.mkfifo(tmp_path / "wait")
    run = tmp_path / "a.xlascope"
    process = subprocess.Popen(record_command(script(tmp_path, source), run), cwd=tmp_path, env=environment(),
                               stdin=subprocess.DEVNULL, **streams)  # type: ignore[call-overload]
    # Opened for writing as soon as the script reads it: it has said "ready" by then.
    gate = os.open(tmp_path / "wait", os.O_WRONLY)
    process.send_signal(signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    os.close(gate)
    return process, run


def test_a_script_outlives_its_keeper_and_keeps_its_file_and_its_pipe(tmp_path: Path) -> None:
    with open(tmp_path / "out", "wb") as out:
        process, run = _killed(tmp_path, SURVIVOR, stdout=out, stderr=subprocess.PIPE)
    assert process.stderr is not None
    told = process.stderr.read()  # to its end: then nobody of ours is left who could write
    assert told == b"".join(b"error %d\n" % n for n in range(0, LINES, 100))
    assert (tmp_path / "out").read_bytes() == b"ready\n" + b"".join(b"line %d\n" % n for n in range(LINES))
    assert (tmp_path / "done").read_text() == "to the end"
    with Reader(run) as reader:
        assert reader.last("end") is None


def test_one_place_for_both_streams_keeps_their_order_without_a_keeper(tmp_path: Path) -> None:
    source = "import os\nopen('wait').read()\nfor n in range(5000):\n    os.write(1 + n % 2, b'%d\\n' % n)\n"
    process, _ = _killed(tmp_path, source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    assert process.stdout.read() == b"".join(b"%d\n" % n for n in range(5000))


def test_without_a_keeper_a_reader_that_leaves_is_a_broken_pipe_as_before(tmp_path: Path) -> None:
    source = ("open('wait').read()\ntry:\n    while True: print('y' * 1000, flush=True)\n"
              "except BrokenPipeError:\n    open('done', 'w').write('broken')\n    raise SystemExit(0)\n")
    source = "import os, sys\n" + source.replace("raise SystemExit(0)", "os._exit(0)")
    process, _ = _killed(tmp_path, source, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.read(1000) == b"y" * 1000
    process.stdout.close()
    assert process.stderr.read() == b""
    assert (tmp_path / "done").read_text() == "broken"


KILLS_ITS_KEEPER = """
import os, select, sys
keeper = int(open(f"/proc/{os.getppid()}/stat").read().rpartition(")")[2].split()[1])
over = os.pidfd_open(keeper)
os.kill(keeper, 9)
select.select([over], [], [])
print("still here")
print("on the terminal", file=sys.stderr, flush=True)
"""


def test_beside_a_terminal_the_redirected_script_runs_on_and_is_still_seen(tmp_path: Path) -> None:
    command = record_command(script(tmp_path, KILLS_ITS_KEEPER), tmp_path / "a.xlascope")
    os.mkfifo(tmp_path / "out")
    end = os.open(tmp_path / "out", os.O_RDONLY | os.O_NONBLOCK)
    with open(end, "rb") as out, TerminalUser(
            ["sh", "-c", '"$@" > out; read x; exit 5', "sh", *command], environment(), tmp_path) as me:
        me.read_until(b"on the terminal")
        os.set_blocking(out.fileno(), True)
        assert out.read() == b"still here\n"  # to its end: nobody of ours is left who could write
        me.type(b"\n")
        assert me.end() == 5


def test_an_orderly_end_leaves_no_process(tmp_path: Path) -> None:
    source = "import os\nprint(os.getppid())\n"
    done = record(script(tmp_path, source), tmp_path / "a.xlascope")
    keeper = int(done.stdout)
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                words = Path("/proc", name, "cmdline").read_bytes()
            except OSError:
                continue
            assert str(tmp_path).encode() not in words, (name, keeper)


@pytest.mark.parametrize("text", ["x", "x" * 100_000, "", "flush"])
def test_a_full_device_refuses_the_output_as_it_does_plainly(tmp_path: Path, text: str) -> None:
    source = f"import sys\nprint({text!r}, flush={text == 'flush'}, end='')\nprint('told', file=sys.stderr)\n"
    path = script(tmp_path, source)
    with open("/dev/full", "wb") as full:
        plain = subprocess.run([sys.executable, str(path)], stdout=full, stderr=subprocess.PIPE, check=False)
        run = tmp_path / "a.xlascope"
        command = [sys.executable, "-m", "xlascope", "record", "-o", str(run), str(path)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment(),
                              check=False)
    assert done.returncode == plain.returncode
    empty = b"xlascope: the script never imported jax: its output is all that the run file holds\n"
    assert done.stderr == plain.stderr + (b"" if plain.returncode else empty) + str(run).encode() + b"\n"
