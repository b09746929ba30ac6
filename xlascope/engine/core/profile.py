"""A profile window around a few calls of one subject."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

from .. import compat
from .measure import COPY_LIMIT, Subject
from .memory import Heap, give_back

WINDOW_NS = 100_000_000
MAX_CALLS = 20
HOST_LEVEL = 2
LARGEST = 64 << 20
"""Bytes that the heaps may grow by while a window is open: five times the profile, whose end takes 50 ms a megabyte."""
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Taken:
    """XSpace bytes of a window, when it began and ended (`time.time_ns`), and whether it ended within a call."""

    data: bytes
    start_ns: int
    end_ns: int
    truncated: bool

    @property
    def meta(self) -> dict[str, Any]:
        """The keys of a window's chunk."""
        return {"start_ns": self.start_ns, "end_ns": self.end_ns, "truncated": self.truncated}


def window(subject: Subject, call_ns: int) -> Taken:
    """A window of about 0.1 s, at least one call. A call of which more is noted than LARGEST is seen in part.

    Raises RuntimeError when the process has another profile open.
    """
    calls = min(MAX_CALLS, WINDOW_NS // max(call_ns, 1), COPY_LIMIT // max(subject.copied_bytes, 1))
    prepared = subject.prepare(max(calls, 1))
    bounded = _Bounded()
    try:
        for arguments in prepared:
            if bounded.is_over:
                break
            subject.call(arguments)
    finally:
        taken = bounded.end()
    return taken


class _Bounded:
    """An open profile that ends by itself once it has noted much."""

    def __init__(self) -> None:
        self._heap = Heap()
        self._lock = threading.Lock()
        self._taken: Taken | None = None
        self._failed: RuntimeError | None = None
        self._ended = threading.Event()
        before = self._heap.look()
        self._start_ns = time.time_ns()
        self._session = compat.open_profile(HOST_LEVEL)
        if before is not None:
            threading.Thread(target=self._watch, args=(before.used,), daemon=True).start()

    @property
    def is_over(self) -> bool:
        """Whether it has ended already."""
        return self._ended.is_set()

    def end(self) -> Taken:
        """What it noted. Raises RuntimeError where the profiler could not end it."""
        self._stop(truncated=False)
        if self._taken is None:
            raise self._failed or RuntimeError("the profile was not ended")
        return self._taken

    def _watch(self, before: int) -> None:
        while not self._ended.wait(_LOOK_S):
            held = self._heap.look()
            if held is None or held.used - before > LARGEST:
                self._stop(truncated=held is not None)
                return

    def _stop(self, *, truncated: bool) -> None:
        with self._lock:
            if self._ended.is_set():
                return
            self._ended.set()
            end_ns = time.time_ns()
            try:
                self._taken = Taken(self._session.stop(), self._start_ns, end_ns, truncated)
            except RuntimeError as error:
                self._failed = error
        if truncated:
            give_back()
