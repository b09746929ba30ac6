"""Somebody at a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Sequence
from pathlib import Path


class TerminalUser:
    """Starts a command on a terminal of its own, types, and reads what is shown."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], folder: Path,
                 size: tuple[int, int] = (30, 100)) -> None:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
            os.execvpe(command[0], list(command), environment)
        self.shown = b""
        self._seen = 0
        self.code: int | None = None

    def read_until(self, wanted: bytes, seconds: float = 30) -> bytes:
        """What is shown up to and with ``wanted``, after what an earlier call returned. Fails when it does not come."""
        until = time.monotonic() + seconds
        while wanted not in self.shown[self._seen:]:
            assert time.monotonic() < until and self._more(until), f"{wanted!r} is not in {self.shown[self._seen:]!r}"
        end = self.shown.index(wanted, self._seen) + len(wanted)
        found = self.shown[self._seen:end]
        self._seen = end
        return found

    def read_more(self, seconds: float) -> bool:
        """Wait for anything to be shown; False when nothing came."""
        return self._more(time.monotonic() + seconds)

    def type(self, data: bytes) -> None:
        os.write(self.master, data)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def modes(self) -> list[object]:
        return termios.tcgetattr(self.master)

    def end(self, seconds: float = 30) -> int:
        """Read to the end; returns the exit code, -n for signal n."""
        until = time.monotonic() + seconds
        while self._more(until):
            pass
        while self.code is None:
            assert time.monotonic() < until, f"it does not end: {self.shown!r}"
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
            else:
                select.select([], [], [], 0.01)
        return self.code

    def hang_up(self) -> None:
        os.close(self.master)
        self.master = -1

    def close(self) -> None:
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        if self.master >= 0:
            os.close(self.master)

    def __enter__(self) -> TerminalUser:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _more(self, until: float) -> bool:
        if not select.select([self.master], [], [], max(0.0, until - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.shown += data
        return bool(data)


def gone(pid: int, seconds: float = 10) -> bool:
    """Whether a process ends within that time; one that is dead and not yet collected has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in "ZX":
            return True
        select.select([], [], [], 0.01)
    return False
