"""A writer killed at any moment leaves a file that opens with all that it had committed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from xlascope.runfile import Reader, RunFileError, Writer

_WRITER = """
import os, sys
from xlascope.runfile import Writer
writer = Writer(sys.argv[1])
number = 0
while True:
    writer.put("program", {"number": number}, {"text": os.urandom(20) * (number % 3000)}, program=f"f#{number}")
    writer.chunk("output", b"x" * (number % 5000), {"number": number})
    if number % 7 == 0:
        writer.commit()
        os.write(1, f"{number}\\n".encode())
    number += 1
"""


def kill_once(folder: Path, rng: random.Random) -> int:
    """Kill a writer after a random number of its commits; returns how many of its records were told as committed."""
    path = folder / "k.xlascope"
    for left in folder.iterdir():
        left.unlink()
    process = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    committed = -1
    for _ in range(rng.randrange(0, 12)):
        committed = int(process.stdout.readline())
    for _ in range(rng.randrange(0, 20_000)):
        pass  # somewhere in the middle of a write
    process.send_signal(signal.SIGKILL)
    process.wait()
    committed = max([committed, *map(int, process.stdout.read().splitlines()[-1:])])
    process.stdout.close()
    try:
        reader = Reader(path)
    except RunFileError as error:
        assert committed < 0 and ("empty" in str(error) or "no such file" in str(error)), error
        return 0
    with reader:
        assert not reader.being_written()
        numbers = []
        for record in reader.records("program"):
            numbers.append(record.json["number"])
            assert record.program == f"f#{numbers[-1]}"
            assert len(reader.blob(record.json["blobs"]["text"])) == 20 * (numbers[-1] % 3000)
        assert numbers == list(range(len(numbers)))
        assert len(numbers) > committed
        for number, chunk in enumerate(reader.chunks("output")):
            assert chunk.json["number"] == number and chunk.data == b"x" * (number % 5000)
    writer = Writer(path, create=False)
    writer.put("end", {"state": "killed"})
    writer.close()
    assert not [name for name in os.listdir(folder) if name.endswith("-journal")]
    return committed + 1


def test_a_killed_writer_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    rng = random.Random(1)
    assert sum(kill_once(tmp_path, rng) > 0 for _ in range(12)) >= 4


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_hundred_kills(tmp_path: Path) -> None:
    rng = random.Random(2)
    assert sum(kill_once(tmp_path, rng) > 0 for _ in range(200)) >= 100
