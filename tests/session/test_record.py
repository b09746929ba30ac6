"""`record` with redirected streams: what the script writes, reads and returns is as under plain Python."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.session.running import end_of, environment, output_of, record, record_command, script
from xlascope.runfile import Reader


def test_output_and_exit_code_pass_through_and_are_kept(tmp_path: Path) -> None:
    run = tmp_path / "a.xlascope"
    path = script(tmp_path, "import sys\nprint('out', sys.argv[1:])\nsys.stderr.write('err\\n')\nsys.exit(7)\n")
    done = record(path, run, "-x", "--output", "a b")
    assert done.returncode == 7
    assert done.stdout == b"out ['-x', '--output', 'a b']\n"
    assert done.stderr == b"err\n" + str(run).encode() + b"\n"
    assert output_of(run, "stdout") == done.stdout and output_of(run, "stderr") == b"err\n"
    end = end_of(run)
    assert (end["state"], end["exit_code"], end["signal"]) == ("ended", 7, None)
    with Reader(run) as reader:
        body = reader.last("run")
        assert body is not None
        assert body.json["script"] == str(path) and body.json["argv"] == ["-x", "--output", "a b"]
        assert [record.json["name"] for record in reader.records("phase")] == ["start python"]


def test_ten_megabytes_of_any_bytes_arrive_as_they_are(tmp_path: Path) -> None:
    path = script(tmp_path, "import random, sys\ndata = random.Random(1).randbytes(10_000_000)\n"
                            "sys.stdout.buffer.write(b'\\0\\xff\\xfe' + data + b'\\n\\xc3')\n")
    plain = subprocess.run([sys.executable, str(path)], capture_output=True, check=True)
    run = tmp_path / "a.xlascope"
    done = record(path, run)
    assert done.stdout == plain.stdout
    assert output_of(run, "stdout") == plain.stdout


def test_more_output_than_is_kept_is_passed_on_and_counted(tmp_path: Path) -> None:
    path = script(tmp_path, "import sys\nfor n in range(20):\n    sys.stdout.write(f'{n:07}\\n' * 131072)\n")
    run = tmp_path / "a.xlascope"
    done = record(path, run)
    assert len(done.stdout) == 20 << 20
    kept = output_of(run, "stdout")
    with Reader(run) as reader:
        dropped = {record.json["what"]: record.json["count"] for record in reader.records("dropped")}
    assert kept.startswith(b"0000000\n") and kept.endswith(b"0000019\n")
    assert 11 << 20 < len(kept) <= 12 << 20
    assert dropped["output bytes"] == (20 << 20) - len(kept)


def test_stdin_is_handed_on(tmp_path: Path) -> None:
    path = script(tmp_path, "import sys\nprint(input() + '|' + sys.stdin.read())\n")
    done = record(path, tmp_path / "a.xlascope", input=b"one\ntwo\nthree")
    assert done.stdout == b"one|two\nthree\n"


def test_streams_of_one_place_keep_their_order(tmp_path: Path) -> None:
    path = script(tmp_path, "import os\nfor n in range(500):\n    os.write(1 + n % 2, b'%d\\n' % n)\n")
    run = tmp_path / "a.xlascope"
    done = subprocess.run(record_command(path, run), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, env=environment(), timeout=60, check=False)
    *lines, told, named = done.stdout.splitlines(keepends=True)
    assert lines == [b"%d\n" % n for n in range(500)] and named == str(run).encode() + b"\n"
    assert told.startswith(b"xlascope: the script never imported jax")


def test_a_script_that_closes_its_streams_ends_as_it_would(tmp_path: Path) -> None:
    path = script(tmp_path, "import os, sys\nprint('before', flush=True)\nos.close(1)\nos.close(2)\nos._exit(3)\n")
    done = record(path, tmp_path / "a.xlascope")
    assert (done.returncode, done.stdout) == (3, b"before\n")


def test_closed_streams_are_closed_for_the_script(tmp_path: Path) -> None:
    path = script(tmp_path, "import os, sys\n"
                            "open('seen', 'w').write(repr([sys.stdin, sys.stdout, type(sys.stderr).__name__]))\n")
    command = ["sh", "-c", '"$@" <&- >&-', "sh", *record_command(path, tmp_path / "a.xlascope")]
    done = subprocess.run(command, stderr=subprocess.PIPE, env=environment(), cwd=tmp_path, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "seen").read_text() == "[None, None, 'TextIOWrapper']"


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_where_stderr_is_closed_nothing_is_told_and_the_exit_code_is_the_scripts(tmp_path: Path, closed: str) -> None:
    path = script(tmp_path, "import sys\nopen('seen', 'w').write(repr(sys.stderr))\nsys.exit(7)\n")
    command = ["sh", "-c", f'"$@" {closed}', "sh", *record_command(path, tmp_path / "a.xlascope")]
    done = subprocess.run(command, capture_output=True, env=environment(), cwd=tmp_path, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, b"", b"")
    assert (tmp_path / "seen").read_text() == "None"


def test_a_child_that_lives_on_does_not_hold_record(tmp_path: Path) -> None:
    path = script(tmp_path, "import subprocess, sys\nprint('start', flush=True)\n"
                            "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
                            "print(child.pid, flush=True)\n")
    run = tmp_path / "a.xlascope"
    with open(tmp_path / "out", "wb") as out:
        code = subprocess.run(record_command(path, run), stdout=out, stderr=subprocess.DEVNULL,
                              stdin=subprocess.DEVNULL, env=environment(), timeout=30, check=False).returncode
    child = int((tmp_path / "out").read_text().split()[1])
    os.kill(child, signal.SIGKILL)
    assert code == 0
    assert end_of(run)["state"] == "ended"


def test_a_reader_that_leaves_breaks_the_scripts_pipe(tmp_path: Path) -> None:
    path = script(tmp_path, "import sys\ntry:\n    while True: print('y' * 1000)\n"
                            "except BrokenPipeError:\n    open('broke', 'w').close()\n    sys.stdout = None\n")
    run = tmp_path / "a.xlascope"
    process = subprocess.Popen(record_command(path, run), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               stdin=subprocess.DEVNULL, env=environment(), cwd=tmp_path)
    assert process.stdout is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.wait(30) == 0
    assert (tmp_path / "broke").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_death_by_a_signal(tmp_path: Path, number: int) -> None:
    path = script(tmp_path, f"import os\nprint('here', flush=True)\nos.kill(os.getpid(), {int(number)})\n")
    run = tmp_path / "a.xlascope"
    done = record(path, run)
    assert done.returncode == 128 + number
    assert done.stdout == b"here\n"
    end = end_of(run)
    assert (end["state"], end["exit_code"], end["signal"]) == ("killed", None, number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_to_record_reaches_the_script_once(tmp_path: Path, number: int) -> None:
    path = script(tmp_path, f"""
import os, signal, sys, time
seen, last = [], []
signal.signal({int(number)}, lambda *a: seen.append(1))
signal.signal(signal.SIGUSR2, lambda *a: last.append(1))
print('ready', flush=True)
while not seen: time.sleep(0.01)
print('first', flush=True)
while not last: time.sleep(0.01)
print('seen', len(seen), os.getppid() > 1, flush=True)
sys.exit(5)
""")
    run = tmp_path / "a.xlascope"
    process = subprocess.Popen(record_command(path, run), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=environment(), start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    os.killpg(process.pid, number)
    assert process.stdout.readline() == b"first\n"
    process.send_signal(signal.SIGUSR2)  # passed on after all that was to be passed on before it
    assert process.stdout.read() == b"seen 1 True\n"
    process.stdout.close()
    assert process.wait(30) == 5
    assert end_of(run)["exit_code"] == 5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_is_ignored_from_the_start_is_ignored_by_the_script_until_it_handles_it(
    tmp_path: Path, number: int
) -> None:
    path = script(tmp_path, f"""
import signal, sys, time
other = []
signal.signal(signal.SIGUSR2, lambda *a: other.append(1))
print(signal.getsignal({int(number)}) == signal.SIG_IGN, flush=True)
while not other: time.sleep(0.01)
signal.signal({int(number)}, lambda *a: sys.exit(6))
print('still here', flush=True)
while True: signal.pause()
""")
    run = tmp_path / "a.xlascope"
    command = ["sh", "-c", f'trap "" {int(number)}; exec "$@"', "sh", *record_command(path, run)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=environment())
    assert process.stdout is not None
    assert process.stdout.readline() == b"True\n"
    process.send_signal(number)
    process.send_signal(signal.SIGUSR2)  # passed on after the one before it
    assert process.stdout.readline() == b"still here\n"
    process.send_signal(number)
    assert process.stdout.read() == b""
    process.stdout.close()
    assert process.wait(30) == 6
    assert end_of(run)["exit_code"] == 6


def test_sigterm_ends_a_script_that_does_not_care(tmp_path: Path) -> None:
    path = script(tmp_path, "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)\n")
    run = tmp_path / "a.xlascope"
    process = subprocess.Popen(record_command(path, run), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=environment())
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.terminate()
    assert process.wait(30) == 128 + signal.SIGTERM
    process.stdout.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert end_of(run)["signal"] == signal.SIGTERM


def test_records_and_chunks_of_the_recorder_are_stored(tmp_path: Path) -> None:
    path = script(tmp_path, """
send("program", id="f#1", function="f", program="f#1")
send("stage", {"text": b"{ lambda }"}, program="f#1", stage="jaxpr")
send("chunk", {"data": b"xs"}, chunk="profile", meta={"index": 0, "why": "first"})
send("nonsense", a=1)
for n in range(50): send("calls", program="f#1", hook_calls=n)
send("progress", activity="running", name="f#1")
""")
    run = tmp_path / "a.xlascope"
    assert record(path, run).returncode == 0
    with Reader(run) as reader:
        stage = reader.last("stage", "f#1")
        assert stage is not None and reader.text(stage, "text") == "{ lambda }"
        assert [chunk.data for chunk in reader.chunks("profile")] == [b"xs"]
        assert [record.json["hook_calls"] for record in reader.records("calls")] == [49]
        assert [record.json["what"] for record in reader.records("dropped")] == ["messages"]


def test_a_recorder_that_sends_nonsense_loses_the_recording_and_not_the_script(tmp_path: Path) -> None:
    path = script(tmp_path, "send('program', id='f#1')\nsend_raw(b'no frame at all, ' * 4)\nimport time\n"
                            "print('still here')\n")
    run = tmp_path / "a.xlascope"
    done = record(path, run)
    assert (done.returncode, done.stdout) == (0, b"still here\n")
    assert b"stopped recording" in done.stderr
    with Reader(run) as reader:
        assert reader.last("program", "f#1") is not None


@pytest.mark.parametrize("place", ["/proc/nothing/a.xlascope", "/dev/full"])
def test_a_place_that_cannot_be_written_does_not_stop_the_script(tmp_path: Path, place: str) -> None:
    path = script(tmp_path, "print('ran')\nraise SystemExit(3)\n")
    done = record(path, Path(place))
    assert (done.returncode, done.stdout) == (3, b"ran\n")
    assert b"-o" in done.stderr and b"Traceback" not in done.stderr


def test_what_nothing_records_is_neither_profiled_nor_finished(tmp_path: Path) -> None:
    path = script(tmp_path, "from __main__ import config\nprint(config['profile_window'], config['finish_budget'])\n")
    assert record(path, Path("/proc/nothing/a.xlascope")).stdout == b"0.0 0.0\n"
    recorded = record(path, tmp_path / "a.xlascope").stdout
    assert recorded.endswith(b" None\n") and not recorded.startswith(b"0.0 ")


def test_a_disk_that_fills_does_not_stop_the_script(tmp_path: Path) -> None:
    path = script(tmp_path, "import os\nfor n in range(40): send('stage', {'text': os.urandom(100_000)}, stage='hlo')\n"
                            "print('ran')\nraise SystemExit(3)\n")
    run = tmp_path / "a.xlascope"
    command = ["bash", "-c", 'ulimit -f 1000; trap "" XFSZ; exec "$@"', "bash", *record_command(path, run)]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, env=environment(), timeout=60,
                          check=False)
    assert (done.returncode, done.stdout) == (3, b"ran\n")
    assert b"is not recorded" in done.stderr and b"Traceback" not in done.stderr
    with Reader(run) as reader:
        assert reader.last("run") is not None


def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    from xlascope.runfile import Writer

    run = tmp_path / "a.xlascope"
    writer = Writer(run)
    try:
        done = record(script(tmp_path, "print('ran')\n"), run)
    finally:
        writer.close()
    assert (done.returncode, done.stdout) == (0, b"ran\n")
    assert f"process {os.getpid()}".encode() in done.stderr


def test_descriptors_meant_for_the_script_reach_it(tmp_path: Path) -> None:
    path = script(tmp_path, "import os, sys\nprint(os.read(int(sys.argv[1]), 100))\n")
    read, write = os.pipe()
    os.write(write, b"through")
    os.close(write)
    done = record(path, tmp_path / "a.xlascope", str(read), pass_fds=(read,))
    os.close(read)
    assert done.stdout == b"b'through'\n"


def test_the_scripts_environment_is_the_users(tmp_path: Path) -> None:
    path = script(tmp_path, "import json, os\nprint(json.dumps(dict(os.environ), sort_keys=True))\n")
    plain = subprocess.run([sys.executable, str(path)], capture_output=True, check=True, env=environment())
    assert record(path, tmp_path / "a.xlascope").stdout == plain.stdout


def test_a_second_run_replaces_the_first(tmp_path: Path) -> None:
    run = tmp_path / "a.xlascope"
    said = [record(script(tmp_path, f"print('{text}')\n"), run).stderr for text in ("first", "second")]
    assert [b"the run that was there is replaced" in each for each in said] == [False, True]
    assert output_of(run, "stdout") == b"second\n"
    with Reader(run) as reader:
        assert len(list(reader.records("run"))) == 1


def test_a_file_that_is_no_run_file_is_not_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("precious\n")
    done = record(script(tmp_path, "print('ran')\n"), mine)
    assert (done.returncode, done.stdout) == (0, b"ran\n")
    assert b"not an xlascope run file" in done.stderr or b"not a database" in done.stderr
    assert mine.read_text() == "precious\n"


def test_a_run_that_goes_on_for_long_stays_within_its_limit(tmp_path: Path) -> None:
    path = script(tmp_path, """
import os
for n in range(60):
    send("chunk", {"data": os.urandom(400_000)}, chunk="profile", meta={"index": n, "why": "periodic"})
    for _ in range(50): send("compile", name="f", reason="x" * 200)
    print("y" * 100_000)
""")
    run = tmp_path / "a.xlascope"
    done = subprocess.run([*record_command(path, run)[:3], "--max-size", "8M", *record_command(path, run)[3:]],
                          capture_output=True, stdin=subprocess.DEVNULL, env=environment(), timeout=60, check=False)
    assert done.returncode == 0 and run.stat().st_size <= 8 << 20
    with Reader(run) as reader:
        dropped = {record.json["what"]: record.json["count"] for record in reader.records("dropped")}
        kept = [chunk.json["index"] for chunk in reader.chunks("profile")]
        assert kept[:2] == [0, 1] and kept[-1] == 59
        assert dropped["profile windows"] == 60 - len(kept)
        assert len(list(reader.records("compile"))) == 3000


def test_a_python_that_does_not_start_is_our_failure(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    # It answers when it is asked for its version, and is gone when it is to run the script.
    broken.write_text("#!/bin/sh\necho python 3 11\nrm \"$0\"; printf '#!/does/not/exist\\n' > \"$0\"; chmod +x \"$0\"\n")
    broken.chmod(0o755)
    command = record_command(script(tmp_path, "pass\n"), tmp_path / "a.xlascope")
    done = subprocess.run([*command[:3], "--python", str(broken), *command[3:]], capture_output=True,
                          stdin=subprocess.DEVNULL, env=environment(), timeout=60, check=False)
    assert done.returncode == 4
    assert b"choose another Python" in done.stderr and b"Traceback" not in done.stderr


def test_an_engine_that_does_not_begin_is_told(tmp_path: Path) -> None:
    false = tmp_path / "python"
    false.write_text('#!/bin/sh\n[ "$1" = -I ] && echo python 3 11\n')
    false.chmod(0o755)
    command = record_command(script(tmp_path, "pass\n"), tmp_path / "a.xlascope")
    done = subprocess.run([*command[:3], "--python", str(false), *command[3:]], capture_output=True,
                          stdin=subprocess.DEVNULL, env=environment(), timeout=60, check=False)
    assert done.returncode == 1
    assert b"was not recorded" in done.stderr


def test_a_record_that_nobody_thought_of_costs_the_recording_only(tmp_path: Path) -> None:
    path = script(tmp_path, "send('program', id='f#1\\udcff', program='f#1\\udcff')\n"
                            "send('phase', program={'not': 'a text'}, t_ns=1 << 80, variant=3)\n"
                            "send('chunk', chunk=['x'], meta=3)\nsend(None)\nsend('')\nprint('ran')\n")
    run = tmp_path / "a.xlascope"
    done = record(path, run)
    assert (done.returncode, done.stdout) == (0, b"ran\n")
    with Reader(run) as reader:
        assert [record.json["id"] for record in reader.records("program")] == ["f#1\udcff"]
        assert end_of(run)["state"] == "ended"


def test_as_many_arguments_as_the_system_allows(tmp_path: Path) -> None:
    path = script(tmp_path, "import sys\nprint(len(sys.argv), sys.argv[-1])\n")
    words = [str(number) for number in range(100_000, 130_000)]
    assert record(path, tmp_path / "a.xlascope", *words).stdout == b"30001 129999\n"
