"""First paint of the screen against a Textual program that only says hello.

    python tests/benchmarks/bench_first_paint.py [ROUNDS]

Both are started in a pseudo-terminal of 120x36, in turn; the time runs from the start of the process to the moment the
picture holds the words that are waited for. Prints the medians and their ratio (wanted: at most 1.2), as JSON.
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

HELLO = """
from textual.app import App
from textual.widgets import Static

class Hello(App):
    def compose(self):
        yield Static("hello")

Hello().run()
"""
OURS = """
from pathlib import Path
from xlascope.tui.app import XlascopeApp
from xlascope.tui.feeding.live import RunAtHand

XlascopeApp(RunAtHand(Path("not-there.xlascope"), None, "script.py", True)).run()
"""
_LONGEST_S = 30.0


def first_paint(code: str, words: bytes) -> float:
    """Seconds from the start of the process until `words` were written to its terminal."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    environ.pop("NO_COLOR", None)
    begin = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code], stdin=slave, stdout=slave, stderr=slave, env=environ,
                               start_new_session=True, cwd=tempfile.gettempdir())  # fmt: skip
    os.close(slave)
    seen = b""
    try:
        while words not in seen:
            left = begin + _LONGEST_S - time.perf_counter()
            if left <= 0 or not select.select([master], [], [], left)[0]:
                raise TimeoutError(f"{words!r} was not painted within {_LONGEST_S} s: {seen[-300:]!r}")
            seen += os.read(master, 65536)
        return time.perf_counter() - begin
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(master)


def measure(rounds: int) -> dict[str, float]:
    """Medians in seconds and their ratio, after one uncounted round."""
    hello, ours = [], []
    for number in range(rounds + 1):
        pair = first_paint(HELLO, b"hello"), first_paint(OURS, b"FUNCTIONS")
        if number:
            hello.append(pair[0])
            ours.append(pair[1])
    ratios = [ours[n] / hello[n] for n in range(rounds)]
    return {
        "rounds": rounds,
        "hello_s": round(statistics.median(hello), 4),
        "xlascope_s": round(statistics.median(ours), 4),
        "ratio": round(statistics.median(ours) / statistics.median(hello), 3),
        "median_ratio_of_pairs": round(statistics.median(ratios), 3),
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 15)))
