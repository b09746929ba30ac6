"""Short profile windows: what ran, told by JAX's own profiler, at a bounded share of the run's time."""

from __future__ import annotations

import _thread
import time
from typing import Any

from xlascope.engine import compat

HOST_LEVEL = 2
FIRST_INTERVAL = 10.0
INTERVAL_GROWTH = 1.5
LONGEST_INTERVAL = 1800.0
PERIODIC_SECONDS = 0.25
FIRST_LIMIT = 10.0  # the first window lasts at most this many times the window asked for
DUTY = 0.02  # share of the run that windows after the first may take
ALLOWANCE = 0.5  # seconds that they may take beyond it, so that early programs are seen


class Windows:
    """Opens and closes raw profiler sessions; any thread may call any method.

    ``seconds`` is how long the first window stays open after the newest program of the script began to run; 0 means no
    windows at all. Times are monotonic seconds inside, ``time.time_ns()`` in what is sent.
    """

    def __init__(self, link: Any, seconds: float) -> None:
        self._link = link
        self._seconds = seconds
        self._lock = _thread.RLock()
        self._session: Any = None
        self._why = "first"
        self._from_start = False
        self._start_ns = 0
        self._opened = 0.0
        self._index = 0
        self._began = time.monotonic()
        self._spent = 0.0
        self._last_new: float | None = None
        self._first_dispatch: float | None = None
        self._interval = FIRST_INTERVAL
        self._next = float("inf")
        self._held = 0
        self.off = seconds <= 0

    @property
    def is_open(self) -> bool:
        return self._session is not None

    def open_first(self) -> None:
        """Open the window that covers the run from its first dispatch on."""
        self._began = time.monotonic()
        self._open("first", from_start=True)

    def dispatched(self, new_program: bool) -> None:
        """A program is about to run for the first time; ``new_program``: one of the script's own."""
        if self.off:
            return
        now = time.monotonic()
        if self._first_dispatch is None:
            self._first_dispatch = self._last_new = now
        if not new_program:
            return
        self._last_new = now
        if self._session is None and not self._held and self._may_spend(PERIODIC_SECONDS, now):
            self._open("periodic", from_start=False)

    def tick(self) -> None:
        """Close what is due, open what is due; call a few times a second."""
        if self.off or self._held:
            return
        now = time.monotonic()
        if self._session is not None:
            if self._is_over(now):
                self.close()
                self._plan(time.monotonic())
        elif now >= self._next and self._may_spend(PERIODIC_SECONDS, now):
            self._open("periodic", from_start=False)

    def _is_over(self, now: float) -> bool:
        if self._first_dispatch is None:
            return False
        if self._why == "first":
            limit = self._first_dispatch + FIRST_LIMIT * self._seconds
            return now >= limit or now >= (self._last_new or now) + self._seconds
        newest = max(self._opened, self._last_new or 0.0)
        return now >= newest + min(PERIODIC_SECONDS, self._seconds) or now >= self._opened + self._seconds

    def _plan(self, now: float) -> None:
        self._next = now + self._interval
        self._interval = min(self._interval * INTERVAL_GROWTH, LONGEST_INTERVAL)

    def _may_spend(self, seconds: float, now: float) -> bool:
        return self._spent + seconds <= ALLOWANCE + DUTY * (now - self._began)

    def _open(self, why: str, *, from_start: bool) -> None:
        if self.off or self._held or not self._link.alive or not self._lock.acquire(False):
            return
        try:
            if self._session is None and not compat.script_is_profiling():
                self._start_ns = time.time_ns()
                self._session = compat.open_profile(HOST_LEVEL)
                self._why, self._from_start, self._opened = why, from_start, time.monotonic()
        except (RuntimeError, ValueError) as error:
            # Another session of this process: the script's, or one that a library opened.
            self._link.drop("profile window", str(error).partition("\n")[0])
            self._plan(time.monotonic())
        finally:
            self._lock.release()

    def close(self) -> None:
        """Stop the open window, if any, and send it."""
        with self._lock:
            session, self._session = self._session, None
            if session is None:
                return
            started = time.monotonic()
            try:
                data = session.stop()
            except RuntimeError as error:
                self._link.drop("profile window", str(error).partition("\n")[0])
                return
            end_ns = time.time_ns()
            if self._why != "first":
                self._spent += time.monotonic() - self._opened
            else:
                self._spent += time.monotonic() - started
            meta = {
                "index": self._index,
                "start_ns": self._start_ns,
                "end_ns": end_ns,
                "why": self._why,
                "covers_from_start": self._from_start,
                "truncated": False,
            }
            self._index += 1
            self._link.send({"kind": "chunk", "chunk": "profile", "meta": meta}, {"data": data})

    def hold(self) -> None:
        """Close ours and keep out of the way: the script is about to profile by itself."""
        self._held += 1
        self.close()

    def release(self) -> None:
        """The script's own profile has ended."""
        self._held = max(0, self._held - 1)
        self._plan(time.monotonic())
