"""Descriptors read and written without blocking the loop: the script's output in, the user's terminal out."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections import deque
from collections.abc import Callable

from xlascope.session.loop import READ, WRITE, Loop

_READ_BYTES = 64 << 10
# Little: what waits here is lost when the keeper is killed.
_BACKLOG_BYTES = 64 << 10
# What one blocking write may hold: a pipe that is ready takes this much without waiting.
_SAFE_WRITE = 4096


class Source:
    """Reads what a script writes; ``on_data(bytes)`` for each piece, ``on_end()`` when nothing more can come."""

    def __init__(
        self, loop: Loop, fd: int, on_data: Callable[[bytes], None], on_end: Callable[[], None] = lambda: None
    ) -> None:
        self._loop = loop
        self.fd = fd
        self._on_data = on_data
        self._on_end = on_end
        self.open = True
        os.set_blocking(fd, False)
        loop.watch(fd, READ, self._ready)

    def pause(self) -> None:
        """Read no more until `resume`: the script will wait, as it would for a slow terminal."""
        self._loop.forget(self.fd)

    def resume(self) -> None:
        """Read on."""
        if self.open:
            self._loop.watch(self.fd, READ, self._ready)

    def drain(self) -> None:
        """Read what is there by now, and not what children that live on may still write."""
        left = _capacity(self.fd) if self.open else 0
        while self.open and left > 0:
            size = self._read()
            if not size:
                return
            left -= size

    def close(self) -> None:
        """Stop reading and close the descriptor; it may be called again."""
        if self.open:
            self.open = False
            self._loop.forget(self.fd)
            os.close(self.fd)

    def _ready(self, _: int) -> None:
        self._read()

    def _read(self) -> int:
        """Hand on one piece; returns its size. A terminal gives 4 KiB at a time: they are joined."""
        pieces, size, over = [], 0, False
        while size < _READ_BYTES and not over:
            try:
                data = os.read(self.fd, _READ_BYTES - size)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.EIO:  # EIO: a pseudo-terminal that nobody holds open any more
                    raise
                data = b""
            pieces.append(data)
            size += len(data)
            over = not data
        if size:
            self._on_data(b"".join(pieces))
        if over and self.open:
            self.close()
            self._on_end()
        return size


class Sink:
    """Writes to a descriptor of the user's at its own pace.

    ``on_broken()``: nobody reads it any more. ``on_backlog(full)``: too much waits, or no longer.
    """

    def __init__(
        self, loop: Loop, fd: int,
        on_broken: Callable[[], None] = lambda: None, on_backlog: Callable[[bool], None] = lambda full: None,
        shared: bool = True,
    ) -> None:
        """``shared``: others hold ``fd`` too. One of our own does not block already, and is not opened a second time:
        that would make another pseudo-terminal of a master."""
        self._loop = loop
        self._own = _reopen(fd) if shared else os.dup(fd)
        self._fd = fd if self._own is None else self._own
        # A file is never waited for; what can be waited for and could not be reopened is written in small pieces.
        self._blocking = self._own is None and not _never_waits(fd)
        self._on_broken = on_broken
        self._on_backlog = on_backlog
        self._out: deque[memoryview] = deque()
        self._full = False
        self.waiting = 0
        self.open = True

    def write(self, data: bytes) -> None:
        """Write, or keep what cannot be written yet."""
        if self.open and data:
            self._out.append(memoryview(data))
            self.waiting += len(data)
            if not self._blocking:
                self._flush()
            else:
                self._watch()

    def close(self) -> None:
        """Stop writing and forget what waits."""
        self.open = False
        self._out.clear()
        self.waiting = 0
        self._loop.forget(self._fd)
        if self._own is not None:
            os.close(self._own)
            self._own = None

    def _watch(self) -> None:
        self._loop.watch(self._fd, WRITE if self._out else 0, self._ready)
        full = self.waiting > _BACKLOG_BYTES or (self._full and self.waiting > 0)
        if full != self._full:
            self._full = full
            self._on_backlog(full)

    def _ready(self, _: int) -> None:
        self._flush()

    def _flush(self) -> None:
        while self._out:
            piece = self._out[0][:_SAFE_WRITE] if self._blocking else self._out[0]
            try:
                sent = os.write(self._fd, piece)
            except BlockingIOError:
                break
            except OSError:
                # Closed by its reader, or a terminal that is gone: the script learns it from its own pipe.
                self.close()
                self._on_broken()
                return
            self.waiting -= sent
            if sent == len(self._out[0]):
                self._out.popleft()
            else:
                self._out[0] = self._out[0][sent:]
            if self._blocking:
                break
        self._watch()


def _reopen(fd: int) -> int | None:
    """A descriptor of the same pipe or terminal that does not block, ours alone: the flag would else hit its other
    holders, the user's shell among them."""
    if _never_waits(fd):
        return None
    try:
        return os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None


def _never_waits(fd: int) -> bool:
    mode = os.fstat(fd).st_mode
    return stat.S_ISREG(mode) or stat.S_ISBLK(mode)


def _capacity(fd: int) -> int:
    """Bytes that can be under way in a pipe or pseudo-terminal."""
    F_GETPIPE_SZ = 1032
    try:
        return fcntl.fcntl(fd, F_GETPIPE_SZ)
    except OSError:
        return 1 << 18
