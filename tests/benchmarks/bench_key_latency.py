"""How long a key waits for its answer while a script runs, and what an idle screen writes.

    python tests/benchmarks/bench_key_latency.py [SCRIPT [ARGS…]]

Starts `xlascope SCRIPT` in a pseudo-terminal of 120x36 (without one: the softmax demo), waits until times are shown, then
presses `j` and `k` in turn in the jaxpr pane. An answer is the first output after a key that moves the cursor's mark.
Prints percentiles in milliseconds and the bytes a second written while no key is pressed, as JSON.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

KEYS = 60
IDLE_S = 10.0
MARK = "►".encode()


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(self, command: list[str]):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8",
                   "XDG_STATE_HOME": tempfile.mkdtemp()}  # fmt: skip
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environ,
                                        start_new_session=True)  # fmt: skip
        os.close(slave)

    def read(self, seconds: float) -> bytes:
        """What is written within the time, empty when nothing is."""
        if not select.select([self.master], [], [], max(seconds, 0))[0]:
            return b""
        return os.read(self.master, 1 << 16)

    def drain(self, seconds: float) -> bytes:
        """All that is written in the time."""
        end, seen = time.perf_counter() + seconds, b""
        while (left := end - time.perf_counter()) > 0:
            seen += self.read(left)
        return seen

    def wait(self, words: bytes, seconds: float = 90) -> None:
        end, seen = time.perf_counter() + seconds, b""
        while words not in seen:
            if time.perf_counter() > end:
                raise TimeoutError(f"{words!r} was not painted")
            seen = seen[-20_000:] + self.read(1)

    def close(self) -> None:
        os.killpg(self.process.pid, signal.SIGHUP)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.master)


def measure(script: list[str]) -> dict[str, object]:
    command = [sys.executable, "-c", "import sys; from xlascope.cli.main import main; sys.exit(main(sys.argv[1:]))"]
    terminal = Terminal([*command, *script])
    try:
        terminal.wait(b"coverage")
        terminal.drain(3)
        os.write(terminal.master, b"1")
        terminal.drain(1)
        waits = [_answer(terminal, b"j" if number % 2 == 0 else b"k") for number in range(KEYS)]
        written = len(terminal.drain(IDLE_S))
    finally:
        terminal.close()
    waits.sort()
    return {
        "keys": KEYS,
        "median_ms": round(statistics.median(waits), 1),
        "p95_ms": round(waits[int(0.95 * KEYS)], 1),
        "worst_ms": round(waits[-1], 1),
        "idle_bytes_per_s": round(written / IDLE_S),
    }


def _answer(terminal: Terminal, key: bytes) -> float:
    terminal.drain(0.1)
    begin = time.perf_counter()
    os.write(terminal.master, key)
    seen = b""
    while MARK not in seen:
        seen += terminal.read(2)
        if time.perf_counter() - begin > 5:
            raise TimeoutError("no answer to a key in 5 s")
    return (time.perf_counter() - begin) * 1e3


if __name__ == "__main__":
    demo = Path(__file__).resolve().parents[2] / "xlascope" / "demo" / "softmax.py"
    print(json.dumps(measure(sys.argv[1:] or [str(demo), "--steps", "3000000"])))
