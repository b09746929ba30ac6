"""Memory of answers: by key and generation, bounded, computed once however many threads ask."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from xlascope.views.errors import Cancelled

T = TypeVar("T")
_wanted: ContextVar[Callable[[], bool] | None] = ContextVar("wanted", default=None)


@contextmanager
def cancellable(wanted: Callable[[], bool]) -> Iterator[None]:
    """Queries inside raise Cancelled between two steps once ``wanted()`` is false."""
    token = _wanted.set(wanted)
    try:
        yield
    finally:
        _wanted.reset(token)


def checkpoint() -> None:
    """A place between two steps of a query. Raises Cancelled when nobody wants the answer any more."""
    wanted = _wanted.get()
    if wanted is not None and not wanted():
        raise Cancelled


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    generation: int | None = None
    value: Any = None
    filled: bool = False


class Cache:
    """Keeps the newest answer for each key; the ``limit`` most recently used keys stay."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._slots: OrderedDict[Hashable, _Slot] = OrderedDict()

    def get(self, key: Hashable, compute: Callable[[], T], generation: int = 0) -> T:
        """The answer for ``key`` at ``generation``; a second thread waits for the first one's."""
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > self._limit:
                self._slots.popitem(last=False)
        with slot.lock:
            if not slot.filled or slot.generation != generation:
                checkpoint()
                slot.value, slot.generation, slot.filled = compute(), generation, True
            return slot.value


class Keep:
    """Facts that never change, by key; the least recently used go when more than ``limit`` are kept."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable) -> Any:
        """What is kept, or None."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Hashable, value: Any) -> None:
        """Keeps a value; the least recently used goes when there are too many."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._limit:
                self._values.popitem(last=False)

    def get_or(self, key: Hashable, compute: Callable[[], T]) -> T:
        """What is kept, else computed and kept."""
        found = self.get(key)
        if found is None:
            found = compute()
            self.put(key, found)
        return found
