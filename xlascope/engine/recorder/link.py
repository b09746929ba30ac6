"""The one way out of the recorded process: frames over the inherited socket, never in the script's way."""

from __future__ import annotations

import _thread
import os
import select
import socket
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from ...protocol.frames import FrameDecoder, FrameError, Message, encode

SEND_SECONDS = 10.0
QUEUE_BYTES = 512 << 20
WAIT_SECONDS = 1.0  # for another thread's sending: below a signal handler its owner may be this thread, not known yet


class Link:
    """Sends frames in order from any thread, and from signal handlers that interrupt a send.

    A sender queues its frame and drains the queue, after another thread that is draining it: what was sent is out when
    `send` returns, whatever the script does next. When the other side is gone or does not read for ``SEND_SECONDS``,
    the link is closed for good and every later send does nothing.
    """

    def __init__(self, fd: int) -> None:
        os.set_inheritable(fd, False)
        self._socket = socket.socket(fileno=fd)
        self._socket.settimeout(SEND_SECONDS)
        self._fd, self._identity = fd, _identity(fd)
        self._lock = _thread.allocate_lock()
        self._sender = 0
        self._queue: deque[memoryview] = deque()
        self._queued = 0
        self._pid = os.getpid()
        self._decoder = FrameDecoder()
        self._wake: tuple[int, int] | None = None
        self._wake_identity: tuple[int, int] | None = None
        self.alive = True
        self.dropped: dict[tuple[str, str], int] = {}

    def send(self, body: Mapping[str, Any], blobs: Mapping[str, bytes] | None = None) -> None:
        """Send one message. Raises TypeError when it is not JSON; a broken link is silent."""
        if not self.alive:
            return
        if os.getpid() != self._pid:
            self.alive = False
            return
        frame = encode(body, blobs)
        if self._queued + len(frame) > QUEUE_BYTES:
            self.drop(str(body.get("kind")), "the keeper reads too slowly")
            return
        self._queued += len(frame)
        self._queue.append(memoryview(frame))
        self.drain()

    def drop(self, what: str, why: str, count: int = 1) -> None:
        """Count something that could not be recorded; told with the next `flush_dropped`."""
        key = (what, why)
        if key in self.dropped or len(self.dropped) < 200:
            self.dropped[key] = self.dropped.get(key, 0) + count

    def flush_dropped(self) -> None:
        """Sends what was dropped since the last time, each kind with its count."""
        while self.dropped and self.alive:
            (what, why), count = self.dropped.popitem()
            self.send({"kind": "dropped", "what": what, "count": count, "why": why})

    def drain(self) -> None:
        """Sends what is queued; waits at most WAIT_SECONDS for another thread that is sending."""
        while self._queue and self.alive:
            if not self._lock.acquire(False):
                if self._sender == _thread.get_ident():
                    return  # below a signal handler: the send that it interrupted sends ours too
                if not self._lock.acquire(True, WAIT_SECONDS):
                    return
            self._sender = _thread.get_ident()
            try:
                self._drain_locked()
            finally:
                self._sender = 0
                self._lock.release()

    def _drain_locked(self) -> None:
        while self._queue and self.alive:
            if self._is_lost():
                self._forget()
                return
            try:
                sent = self._socket.send(self._queue[0], socket.MSG_NOSIGNAL)
            except OSError:
                self.close()
                return
            # No call between the send and this bookkeeping, so a handler's exception cannot come between them.
            rest = self._queue[0][sent:]
            self._queued -= sent
            if rest:
                self._queue[0] = rest
            else:
                self._queue.popleft()

    def receive(self, seconds: float) -> list[Message]:
        """Messages that have come, waiting at most ``seconds`` for the first bytes. Closes the link at its end."""
        if self.alive and self._is_lost():
            self._forget()
        if not self.alive:
            return []
        messages: list[Message] = []
        until = time.monotonic() + seconds
        while self.alive and not messages:
            poller = select.poll()
            poller.register(self._socket.fileno(), select.POLLIN)
            if self._wake is not None and self._can_wake():
                poller.register(self._wake[0], select.POLLIN)
            ready = [fd for fd, _ in poller.poll(max(0.0, until - time.monotonic()) * 1000)]
            if self._wake is not None and self._wake[0] in ready:
                if self._can_wake():
                    os.read(self._wake[0], 1)
                break
            if self._is_lost():
                self._forget()
                break
            if not ready:
                break
            try:
                data = self._socket.recv(1 << 16)
                if not data:
                    self.close()
                messages.extend(self._decoder.feed(data))
            except (OSError, FrameError):
                self.close()
        return messages

    def allow_wake(self) -> None:
        """From here on `wake` ends another thread's wait in `receive`."""
        self._wake = os.pipe()
        self._wake_identity = _identity(self._wake[0])

    def _can_wake(self) -> bool:
        """Whether the pipe for it is there: a script may have closed it, and have a file by its number since."""
        return self._wake is not None and {_identity(fd) for fd in self._wake} == {self._wake_identity}

    def _is_lost(self) -> bool:
        """Whether the script has closed our descriptor: its number may be a file of the script's since."""
        return _identity(self._fd) != self._identity

    def _forget(self) -> None:
        self.alive, self._fd = False, -1
        self._queue.clear()
        self._socket.detach()

    def wake(self) -> None:
        """Wakes the thread that waits for commands."""
        if self._wake is not None and self._can_wake():
            os.write(self._wake[1], b"\0")

    def abandon(self) -> None:
        """In a forked child: forget the socket without shutting it for the parent."""
        fd, lost = self._fd, self._is_lost()
        self._forget()
        if not lost:
            os.close(fd)

    def close(self) -> None:
        """Lets go of the socket; nothing is sent any more."""
        if self._is_lost():
            self._forget()
            return
        self.alive, self._fd = False, -1
        self._queue.clear()
        try:
            self._socket.close()
        except OSError:
            pass  # closing a broken socket may fail; there is nothing left to do with it


def _identity(fd: int) -> tuple[int, int] | None:
    try:
        found = os.fstat(fd)
    except OSError:
        return None
    return found.st_dev, found.st_ino
