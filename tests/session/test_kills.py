"""`kill -9` of recorder or keeper at any moment: the file opens, and what it holds is whole and in order."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from pathlib import Path

import pytest

from tests.session.running import end_of, environment, record_command, script
from tests.session.terminal_user import gone
from xlascope.runfile import Reader, RunFileError, Writer

_SCRIPT = """
import os, sys
sys.stderr.write(f"{os.getpid()}\\n"); sys.stderr.flush()
for n in range(1, 100_000):
    program = f"f#{n}"
    send("program", id=program, number=n)
    send("stage", {"text": f"{program} ".encode() * (n % 400)}, program=program, stage="jaxpr")
    send("chunk", {"data": os.urandom(n % 5000)}, chunk="profile", meta={"index": n, "why": "periodic"})
    send("calls", program="f#1", hook_calls=n)
    print("line", n, flush=True)
"""


def kill_once(folder: Path, rng: random.Random, who: str) -> int:
    """Returns how many programs the file holds after the kill."""
    run = folder / "k.xlascope"
    for left in folder.glob("*k.xlascope*"):
        left.unlink()
    path = script(folder, _SCRIPT)
    process = subprocess.Popen(record_command(path, run), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment())
    assert process.stdout is not None and process.stderr is not None
    recorder = int(process.stderr.readline())
    for _ in range(rng.choice((0, 0, 1, 5, 50, 200))):
        process.stdout.readline()
    for _ in range(rng.randrange(100_000)):
        pass  # anywhere between two lines
    os.kill(recorder if who == "recorder" else process.pid, signal.SIGKILL)
    process.stdout.read() if who == "recorder" else process.stdout.close()
    code = process.wait(60)
    for stream in (process.stdout, process.stderr):
        stream.close()
    if who == "recorder":
        assert code == 128 + signal.SIGKILL
        end = end_of(run)
        assert (end["state"], end["signal"]) == ("killed", signal.SIGKILL)
    else:
        assert code == -signal.SIGKILL
        assert gone(recorder)  # its output has no reader any more, as under plain Python in a broken pipe
    return consistent(run, who)


def consistent(run: Path, who: str) -> int:
    try:
        reader = Reader(run)
    except RunFileError as error:
        assert who == "keeper" and "empty" in str(error)
        return 0
    with reader:
        assert not reader.being_written()
        numbers = [record.json["number"] for record in reader.records("program")]
        assert numbers == list(range(1, len(numbers) + 1))
        stages = list(reader.records("stage"))
        assert len(numbers) - 1 <= len(stages) <= len(numbers)
        for number, record in enumerate(stages, 1):
            assert record.program == f"f#{number}"
            assert reader.text(record, "text") == f"f#{number} " * (number % 400)
        for number, chunk in enumerate(reader.chunks("profile"), 1):
            assert (chunk.json["index"], len(chunk.data)) == (number, number % 5000)
        assert len(list(reader.records("calls"))) <= 1
        output = b"".join(chunk.data for chunk in reader.chunks("output") if chunk.json["stream"] == "stdout")
        lines = output.split(b"\n")[:-1]
        assert lines == [b"line %d" % n for n in range(1, len(lines) + 1)]
    writer = Writer(run, create=False)
    writer.put("failed", {"error": "can still be added to"})
    writer.close()
    return len(numbers)


@pytest.mark.parametrize("who", ["recorder", "keeper"])
def test_a_kill_at_any_moment_leaves_a_consistent_file(tmp_path: Path, who: str) -> None:
    rng = random.Random(who)
    held = [kill_once(tmp_path, rng, who) for _ in range(12)]
    assert sum(number > 0 for number in held) >= 4


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("who", ["recorder", "keeper"])
def test_two_hundred_kills(tmp_path: Path, who: str) -> None:
    rng = random.Random(f"200 {who}")
    held = [kill_once(tmp_path, rng, who) for _ in range(200)]
    assert sum(number > 0 for number in held) >= 100
