"""The script's output as chunks of the run file: joined into larger pieces, bounded at both ends."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from xlascope.session.store import Store

HEAD_BYTES = 8 << 20
TAIL_BYTES = 4 << 20
_PIECE_BYTES = 64 << 10
_PIECE_SECONDS = 0.2
_LINE_BYTES = 500


class OutputLog:
    """Keeps the first 8 MB and the last 4 MB of all streams together; what lay between is counted as dropped."""

    def __init__(self, store: Store, clock: Callable[[], int] = time.time_ns) -> None:
        self._store = store
        self._clock = clock
        self._stream = ""
        self._piece = bytearray()
        self._since_ns = 0
        self._head = 0
        self._tail: deque[tuple[int, int]] = deque()
        self._tail_bytes = 0
        self._last = b""
        self._partial = b""
        self.total = 0

    @property
    def last_line(self) -> str:
        """The newest line that is not empty, as text, at most 500 bytes of it."""
        return (self._partial if self._partial.strip() else self._last).decode("utf-8", "replace")

    @property
    def open_line(self) -> bool:
        """Whether the last output ended within a line, as a prompt does."""
        return bool(self._partial.strip())

    def add(self, stream: str, data: bytes) -> None:
        """Take what the script has written to a stream."""
        if not data:
            return
        self.total += len(data)
        self._remember(data)
        if stream != self._stream:
            self.flush()
            self._stream = stream
        if not self._piece:
            self._since_ns = self._clock()
        self._piece += data
        if len(self._piece) >= _PIECE_BYTES:
            self.flush()

    def tick(self) -> None:
        """Store what has been waiting long enough."""
        if self._piece and self._clock() - self._since_ns >= _PIECE_SECONDS * 1e9:
            self.flush()

    def flush(self) -> None:
        """Store what is waiting."""
        while self._piece:
            data = bytes(self._piece[:_PIECE_BYTES])
            del self._piece[:_PIECE_BYTES]
            self._write(data)

    def _write(self, data: bytes) -> None:
        meta = {"stream": self._stream, "t_ns": self._since_ns}
        number = self._store.chunk("output", data, meta, t_ns=self._since_ns)
        if self._head + len(data) <= HEAD_BYTES:
            self._head += len(data)
            return
        if number is None:
            return
        self._tail.append((number, len(data)))
        self._tail_bytes += len(data)
        old, lost = [], 0
        while self._tail_bytes > TAIL_BYTES:
            number, size = self._tail.popleft()
            old.append(number)
            lost += size
            self._tail_bytes -= size
        if old:
            self._store.delete_chunks(old)
            self._store.dropped("output bytes", lost, "only the first 8 MiB and the last 4 MiB of output are kept")

    def _remember(self, data: bytes) -> None:
        *whole, partial = (bytes(self._partial) + data[-4096:]).replace(b"\r", b"\n").split(b"\n")
        newest = next((line for line in reversed(whole) if line.strip()), None)
        if newest is not None:
            self._last = newest[-_LINE_BYTES:]
        self._partial = partial[-_LINE_BYTES:]
