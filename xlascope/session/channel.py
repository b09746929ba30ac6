"""One end of the socket to an engine's process: messages in, commands out, nothing blocks."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from xlascope.protocol import FrameDecoder, FrameError, Message, encode
from xlascope.session.loop import READ, WRITE, Loop

_READ_BYTES = 1 << 20
_SOCKET_BYTES = 4 << 20


class Channel:
    """Calls ``on_message(message)`` for each message and ``on_end(why)`` once, when the other side is gone."""

    def __init__(
        self, loop: Loop, sock: socket.socket, on_message: Callable[[Message], None], on_end: Callable[[str], None]
    ) -> None:
        self._loop = loop
        self._sock = sock
        self._on_message = on_message
        self._on_end = on_end
        self._decoder = FrameDecoder()
        self._out: deque[memoryview] = deque()
        self.open = True
        sock.setblocking(False)
        self._watch()

    def send(self, body: Mapping[str, Any], blobs: Mapping[str, bytes] | None = None) -> bool:
        """Queue a message. False when the other side is gone."""
        if not self.open:
            return False
        self._out.append(memoryview(encode(body, blobs)))
        self._flush()
        return self.open

    def drain(self) -> None:
        """Read all that has arrived, without waiting: for when the other process has ended."""
        while self.open and self._read():
            pass

    def close(self) -> None:
        """Lets go of the socket; it may be called again."""
        if self.open:
            self.open = False
            self._loop.forget(self._sock.fileno())
            self._sock.close()

    def _watch(self) -> None:
        if self.open:
            self._loop.watch(self._sock.fileno(), READ | (WRITE if self._out else 0), self._ready)

    def _ready(self, events: int) -> None:
        if events & WRITE:
            self._flush()
        if events & READ and self.open:
            self._read()

    def _flush(self) -> None:
        while self._out:
            try:
                sent = self._sock.send(self._out[0], socket.MSG_NOSIGNAL)
            except BlockingIOError:
                break
            except OSError as error:
                self._out.clear()
                # What it sent before it went is still to be read; the read side finds the end.
                if not isinstance(error, BrokenPipeError | ConnectionResetError):
                    self._end(f"the connection broke: {error}")
                break
            if sent == len(self._out[0]):
                self._out.popleft()
            else:
                self._out[0] = self._out[0][sent:]
        self._watch()

    def _read(self) -> bool:
        """Take one piece; True when there may be more."""
        try:
            data = self._sock.recv(_READ_BYTES)
        except BlockingIOError:
            return False
        except OSError as error:
            self._end(f"the connection broke: {error}")
            return False
        if not data:
            self._end("" if not self._decoder.pending else "it ended within a message")
            return False
        try:
            for message in self._decoder.feed(data):
                self._take(message)
                if not self.open:
                    return False
        except FrameError as error:
            self._end(f"it sent what is not a message: {error}")
            return False
        return True

    def _take(self, message: Message) -> None:
        try:
            self._on_message(message)
        except Exception as error:
            # A fault of ours, or a message nobody thought of: it costs this connection, not the script behind it.
            self._end(f"the message {message.kind[:40]!r} could not be dealt with: {type(error).__name__}: {error}")

    def _end(self, why: str) -> None:
        if self.open:
            self.close()
            self._on_end(why)


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Two connected ends with room for a few megabytes in flight."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BYTES)
    return ours, theirs
