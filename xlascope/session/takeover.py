"""A process that copies a script's redirected output on when the keeper is killed, so that the script can go on."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from collections.abc import Sequence

_DISMISSED = 0xFF
# What reaches a shell's whole job is for the keeper to act on.
_IGNORED = (
    signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2,
    signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGPIPE, signal.SIGWINCH, signal.SIGCONT,
)  # fmt: skip


class Takeover:
    """Forked before the script starts: holds the same pipes and does nothing while the keeper lives.

    ``pairs``: (end to read, the user's descriptor) of each stream. When the keeper ends without `dismiss`, it copies
    each stream until nobody can write to it any more. What the keeper had read by then and not yet written is lost: at
    most what a slow reader left waiting. Raises OSError when there can be no more processes.
    """

    def __init__(self, pairs: Sequence[tuple[int, int]]) -> None:
        self._ends = [end for end, _ in pairs]
        told, self._line = os.pipe2(os.O_CLOEXEC)
        try:
            self.pid = os.fork()
        except OSError:
            os.close(told)
            os.close(self._line)
            raise
        if self.pid == 0:
            try:
                _stand_by(told, list(pairs))
            finally:
                os._exit(0)
        os.close(told)

    def release(self, end: int) -> None:
        """The keeper reads this end no more: whoever writes to it is to find it closed."""
        if self._line >= 0 and end in self._ends:
            self._tell(self._ends.index(end))

    def dismiss(self) -> None:
        """End the process: all that was to be copied has been."""
        if self._line < 0:
            return
        self._tell(_DISMISSED)
        os.close(self._line)
        self._line = -1
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def _tell(self, word: int) -> None:
        with contextlib.suppress(BrokenPipeError):  # it was killed
            os.write(self._line, bytes([word]))


def _stand_by(told: int, pairs: list[tuple[int, int]]) -> None:
    signal.set_wakeup_fd(-1)
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    os.setsid()  # what ends or stops the keeper's job as a whole leaves this process
    _close_all_but({told, *(fd for pair in pairs for fd in pair)})
    held = dict(enumerate(pairs))
    while words := os.read(told, 64):
        for word in words:
            if word == _DISMISSED:
                return
            os.close(held.pop(word)[0])
    copying = [threading.Thread(target=_copy, args=pair) for pair in held.values()]
    for thread in copying:
        thread.start()
    for thread in copying:
        thread.join()


def _copy(end: int, to: int) -> None:
    """Copy until nobody can write to ``end`` any more; close it when ``to`` takes no more: its writer learns so."""
    try:
        os.set_blocking(end, True)
        while data := os.read(end, 1 << 16):
            _write(to, data)
    except OSError:
        pass  # a pseudo-terminal nobody holds open, or a reader that is gone: both are the end
    os.close(end)


def _write(to: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(to, rest) :]
        except BlockingIOError:  # the user's descriptor may be set so
            select.select([], [to], [])


def _close_all_but(kept: set[int]) -> None:
    for name in os.listdir("/proc/self/fd"):
        fd = int(name)
        if fd not in kept:
            with contextlib.suppress(OSError):  # the listing's own
                os.close(fd)
