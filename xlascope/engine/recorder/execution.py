"""An execution that takes long: whether it still runs, and how much an open profile notes of it meanwhile."""

from __future__ import annotations

import time
import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

from .. import compat
from ..core.memory import Heap, Held

ARRAYS = 64  # arrays that are looked at: those of one execution are there at one moment
HELD_BYTES = 8 << 20  # of these arrays, that are kept alive until the first of them is filled
QUIET_BYTES, QUIET_SECONDS = 256 << 10, 1.0  # heaps that grew by less in the last second: next to nothing is noted
QUIET_LONGEST = 1800.0  # seconds to wait for the end of what notes nothing; …
LONGEST = 10.0  # … of what notes events, that somebody may want to see meanwhile; …
UNTOLD_LONGEST = 1.0  # … where nobody tells how much that is
LARGEST = 8 << 20  # bytes in use that the heaps may grow by while waiting, …
SPREAD = 24 << 20  # … and bytes in all: events lie between what is computed, and keep its memory from being reused, …
QUIET_SPREAD = 40 << 20  # … which a busy machine does alone, where next to nothing is noted: threads take heaps anew
STEADY, STEADY_BYTES = 3, 512 << 10  # so many looks at a profile, each of which finds it larger by that: it is dense


class Noted:
    """How much an open profile has noted, by what the C library's heaps hold. Any thread may look."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap
        self._sizes: deque[tuple[float, int]] = deque()
        self._first: Held | None = None
        self._last: Held | None = None

    def look(self) -> None:
        """Note what the heaps hold now."""
        held = self._heap.look()
        if held is None:
            return
        now = time.monotonic()
        self._first, self._last = self._first or held, held
        self._sizes.append((now, held.used))
        while now - self._sizes[0][0] > QUIET_SECONDS and len(self._sizes) > STEADY + 1:
            self._sizes.popleft()

    @property
    def grown(self) -> int | None:
        """Bytes in use, from the first look to the last."""
        return None if self._first is None or self._last is None else self._last.used - self._first.used

    @property
    def spread(self) -> int:
        """Bytes that the heaps grew by, used or not, from the first look to the last."""
        return 0 if self._first is None or self._last is None else self._last.whole - self._first.whole

    @property
    def is_quiet(self) -> bool:
        """Whether next to nothing is noted."""
        return bool(self._sizes) and self._sizes[-1][1] - self._sizes[0][1] < QUIET_BYTES

    @property
    def is_dense(self) -> bool:
        """Whether the profile grows fast, and did so all the time: what a program allocates comes at once."""
        sizes = [size for _, size in self._sizes]
        last = list(pairwise(sizes))[-STEADY:]
        steady = len(last) == STEADY and all(after - before >= STEADY_BYTES for before, after in last)
        return steady and (self.grown or 0) >= LARGEST

    def disregard(self, work: Callable[[], object]) -> None:
        """Do work of ours: what the heaps grow by in it says nothing about the profile."""
        before = self._heap.look()
        try:
            work()
        finally:
            after = self._heap.look()
            if before is not None and after is not None and self._first is not None:
                more, whole = after.used - before.used, after.whole - before.whole
                self._first = Held(self._first.used + more, self._first.whole + whole)
                self._sizes = deque((at, size + more) for at, size in self._sizes)


class Execution:
    """What JAX executes at the moment this is made, told by the arrays that wait for it.

    An execution that began before a profile opened, or that ends after it, is not in it: only its parts are, and of a
    loop that XLA made one operation, nothing. ``began``: monotonic seconds.
    """

    def __init__(self, heap: Heap) -> None:
        self.began = time.monotonic()
        self._began_ns = time.time_ns()
        self._arrays = _kept(compat.unfinished(ARRAYS))
        self.noted = Noted(heap)

    @property
    def is_over(self) -> bool:
        """Whether one of the arrays is there, or all are gone; also where nothing was executed."""
        waiting, there = self._counts()
        return there > 0 or waiting == 0

    @property
    def settled_ns(self) -> int | None:
        """`time.time_ns` before which was dispatched only what has ended; None where that is not known."""
        waiting, there = self._counts()
        return self._began_ns if there and not waiting else None

    def _counts(self) -> tuple[int, int]:
        """How many of the arrays still wait, and how many are there; scripts drop and give away the others."""
        arrays = [array for reference in self._arrays if (array := reference()) is not None]
        return sum(map(compat.is_unfinished, arrays)), sum(map(compat.is_finished, arrays))

    def is_worth_waiting(self) -> bool:
        """Whether it still runs, and a profile that stays open for its end stays small."""
        waited = time.monotonic() - self.began
        if self.is_over or waited > QUIET_LONGEST:
            return False
        self.noted.look()
        grown = self.noted.grown
        if grown is None:
            return waited < UNTOLD_LONGEST
        quiet = self.noted.is_quiet
        if self.noted.spread > (QUIET_SPREAD if quiet else SPREAD):
            return False
        return grown < LARGEST and (quiet or waited < LONGEST)

    def wait(self, seconds: float) -> None:
        """Wait for its end, as long as that is worth it and at most ``seconds``."""
        until = self.began + seconds
        while self.is_worth_waiting() and time.monotonic() < until:
            time.sleep(min(0.01, seconds))


def _kept(arrays: list[Any]) -> list[Callable[[], Any]]:
    """What gives each array, or None when it is gone: small ones are held, as scripts drop what they waited for."""
    found: list[Callable[[], Any]] = []
    held = 0
    for array in sorted(arrays, key=lambda each: int(each.nbytes)):
        held += array.nbytes
        found.append(weakref.ref(array) if held > HELD_BYTES else partial(_same, array))
    return found


def _same(array: Any) -> Any:
    return array
