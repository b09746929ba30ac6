"""The user's terminal while a script's pseudo-terminal stands in front of it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import struct
import termios
import time
import tty
from typing import Any

_TYPED_LINES = 1000
_TAKEN_IN_S = 0.05


class UserTerminal:
    """Passes keys on raw, and is as it was before whenever it is not ours.

    In the background nothing is read or set: that would stop the job.
    """

    def __init__(self, fd: int, reads: bool) -> None:
        self.fd = fd
        self.reads = reads
        self._saved: list[Any] | None = None

    @property
    def raw(self) -> bool:
        """Whether keys are passed on byte by byte now."""
        return self._saved is not None

    def foreground(self) -> bool:
        """Whether the shell lets us use the terminal now."""
        try:
            return os.tcgetpgrp(self.fd) == os.getpgrp()
        except OSError:
            return True  # not our controlling terminal: nobody else's job control stands in the way

    def enter(self) -> bool:
        """Go raw if it is our turn; True when it is raw now."""
        if not self.raw and self.reads and self.foreground():
            with contextlib.suppress(termios.error):
                saved = termios.tcgetattr(self.fd)
                tty.setraw(self.fd, termios.TCSADRAIN)
                self._saved = saved
        return self.raw

    def typed_ahead(self) -> list[bytes]:
        """What was typed before we listen, line by line as the terminal gives it; an empty one is an end of file.
        Read now, in the terminal's own mode: in raw mode an end of file among it would be a NUL."""
        pieces: list[bytes] = []
        if self.reads and self.foreground():
            while len(pieces) < _TYPED_LINES and select.select([0], [], [], 0)[0]:
                try:
                    pieces.append(os.read(0, 4096))
                except OSError:
                    break
        return pieces

    def leave(self) -> None:
        """Give the terminal its settings back."""
        if self._saved is not None:
            saved, self._saved = self._saved, None
            with contextlib.suppress(termios.error):  # a terminal that is gone needs no settings
                termios.tcsetattr(self.fd, termios.TCSADRAIN, saved)

    def size(self) -> bytes | None:
        """The window size as the kernel's structure, None for a terminal that is gone."""
        try:
            return fcntl.ioctl(self.fd, termios.TIOCGWINSZ, b"\0" * 8)
        except OSError:
            return None

    def attributes(self) -> list[Any] | None:
        """Its settings as `termios` has them; None when the terminal is gone."""
        try:
            return termios.tcgetattr(self.fd)
        except termios.error:
            return None


def open_pair(attributes: list[Any] | None, size: bytes | None) -> tuple[int, int]:
    """A pseudo-terminal (master, slave) with the settings and size of another terminal; neither end is inherited."""
    master, slave = os.openpty()
    if attributes is not None:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(slave, termios.TCSANOW, attributes)
    if size is not None:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
    return master, slave


def type_quietly(master: int, slave: int, pieces: list[bytes]) -> None:
    """Type what was shown already when it was typed: without an echo."""
    settings = termios.tcgetattr(slave)
    end = settings[6][termios.VEOF]
    quiet = [*settings[:3], settings[3] & ~termios.ECHO, *settings[4:]]
    termios.tcsetattr(slave, termios.TCSANOW, quiet)
    os.set_blocking(master, False)
    try:
        for piece in pieces:
            os.write(master, piece or end)
        # The kernel takes it in later, in the mode of then: wait for that, at most a moment.
        expected, until = sum(map(len, pieces)), time.monotonic() + _TAKEN_IN_S
        while _readable(slave) < expected and time.monotonic() < until:
            select.select([slave], [], [], 0.001)
    except BlockingIOError:
        pass  # more than a terminal holds; it would have dropped that as well
    finally:
        termios.tcsetattr(slave, termios.TCSANOW, settings)


def _readable(fd: int) -> int:
    return int(struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))[0])


def window_size(rows: int, columns: int) -> bytes:
    """A size in characters as the kernel wants it."""
    return struct.pack("HHHH", max(0, rows), max(0, columns), 0, 0)


def set_line_endings(end: int, on: bool) -> None:
    """Whether the pseudo-terminal writes carriage returns itself: not when the user's own terminal does so."""
    with contextlib.suppress(termios.error):
        settings = termios.tcgetattr(end)
        settings[1] = settings[1] | termios.OPOST if on else settings[1] & ~termios.OPOST
        termios.tcsetattr(end, termios.TCSANOW, settings)


def set_size(master: int, size: bytes | None) -> None:
    """Set the size of a pseudo-terminal; None, or one that is gone, changes nothing."""
    if size is not None:
        with contextlib.suppress(OSError):
            fcntl.ioctl(master, termios.TIOCSWINSZ, size)


def suspend_self() -> None:
    """Stop our whole job, as the terminal's own Ctrl-Z would; returns when it is continued."""
    before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    try:
        os.killpg(os.getpgrp(), signal.SIGTSTP)
    finally:
        signal.signal(signal.SIGTSTP, before)
