"""A small event loop: descriptors, timers, and calls from other threads."""

from __future__ import annotations

import heapq
import itertools
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE


class Timer:
    """A call that is due at ``when`` (monotonic seconds) unless cancelled."""

    __slots__ = ("call", "when")

    def __init__(self, when: float, call: Callable[[], None]) -> None:
        self.when = when
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """It is not called any more."""
        self.call = None


class Loop:
    """Runs callbacks of descriptors, timers and posted calls in one thread.

    Only `post` and `wake` may be called from other threads.
    """

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._posted: deque[Callable[[], None]] = deque()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wake_read, READ, None)
        self._closing = threading.Lock()
        self._closed = False

    @property
    def wake_fd(self) -> int:
        """A descriptor for `signal.set_wakeup_fd`: a byte written to it ends a wait."""
        return self._wake_write

    def watch(self, fd: int, events: int, call: Callable[[int], None]) -> bool:
        """Call ``call(events)`` when ``fd`` is ready; 0 events ends it. False for what cannot be waited for: a file."""
        known = fd in self._selector.get_map()
        if not events:
            if known:
                self._selector.unregister(fd)
            return True
        try:
            if known:
                self._selector.modify(fd, events, call)
            else:
                self._selector.register(fd, events, call)
        except PermissionError:
            return False
        return True

    def forget(self, fd: int) -> None:
        """Stop watching ``fd``; unknown ones are fine."""
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def later(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Call ``call`` in the loop's thread after so many seconds."""
        timer = Timer(time.monotonic() + seconds, call)
        heapq.heappush(self._timers, (timer.when, next(self._order), timer))
        return timer

    def post(self, call: Callable[[], None]) -> None:
        """Run ``call`` in the loop's thread, soon. From any thread; after `close` it is dropped."""
        self._posted.append(call)
        self.wake()

    def post_from_signal(self, call: Callable[[], None]) -> None:
        """`post` for a signal handler in the loop's own thread, which may stand anywhere in this class; the descriptor
        given to `signal.set_wakeup_fd` does the waking."""
        self._posted.append(call)

    def wake(self) -> None:
        """Make the loop look at what was posted; from any thread."""
        with self._closing:
            if self._closed:
                return
            try:
                os.write(self._wake_write, b"\0")
            except BlockingIOError:
                pass  # the pipe is full, so the loop is woken already

    def run(self, done: Callable[[], bool]) -> None:
        """Turn until ``done()``; it is asked after each turn."""
        while not done():
            self.turn(self._until_next())

    def turn(self, timeout: float | None) -> None:
        """Wait for one thing to happen, at most ``timeout`` seconds, and run all that is due."""
        if self._posted:
            timeout = 0
        for key, events in self._selector.select(timeout):
            if key.data is None:
                _empty(self._wake_read)
            elif key.fd in self._selector.get_map():  # an earlier callback of this turn may have closed it
                key.data(events)
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            if timer.call is not None:
                timer.call()
        for _ in range(len(self._posted)):
            self._posted.popleft()()

    def close(self) -> None:
        """Let go of all descriptors; nothing is called any more."""
        with self._closing:
            self._closed = True
            self._selector.close()
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _until_next(self) -> float | None:
        while self._timers and self._timers[0][2].call is None:
            heapq.heappop(self._timers)
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None


def _empty(fd: int) -> None:
    try:
        while os.read(fd, 4096):
            pass
    except BlockingIOError:
        pass  # empty now, which is what was wanted


Callback = Callable[[dict[str, Any]], None]
