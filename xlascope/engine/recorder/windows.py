"""Short profile windows: what ran, told by JAX's own profiler, at a bounded share of the run's time."""

from __future__ import annotations

import _thread
import time
from collections.abc import Callable
from typing import Any

from .. import compat
from ..core.memory import Heap, give_back
from .execution import Execution, Noted
from .reference import others, processors

HOST_LEVEL = 2
SETTLED = 1.0  # seconds after a new program began to run when the next window opens: past its warm-up
INTERVAL_GROWTH = 3.0
LONGEST_INTERVAL = 1800.0
# Seconds that a window stays open, at the least, after a new program began to run: its first execution is far slower
# than others, and what is dense ends a window sooner anyway.
FIRST_RUN = 0.6
LENGTH_GROWTH = 1.5  # later windows are longer, for programs that run long
LONGEST_WINDOW = 2.0
WAITING_SHARE = 0.02  # of the time waited for a long execution, between two looks at it
LOOKING_SHARE = 0.1  # of the time a program runs, between two looks at how much the window holds, …
LOOKING_SHORTEST, LOOKING_LONGEST = 0.005, 0.02  # … and seconds at the least and at most
TICK = 0.25  # seconds between two looks at what is due
# What the next window should hold at most, judged by the last; its end takes up to 20 times that for a moment.
WINDOW_BYTES = 1 << 20
GIVE_BACK = 1 << 20  # bytes of a window from which on what its end took is given back to the system
SPREAD_BACK = 16 << 20  # bytes that the heaps grew by meanwhile, for the same
FIRST_LIMIT = 10.0  # the first window lasts at most this many times the window asked for, …
FIRST_LONGEST = 2.5  # … or these seconds, where new programs keep beginning to run
# Share of the run that windows of each kind may cost, and seconds beyond it, so that early programs are seen.
DUTY = {"first": 0.015, "periodic": 0.01, "count": 0.006}
ALLOWANCE = {"first": 0.5, "periodic": 0.05, "count": 0.04}
COUNT_LENGTH = 0.04  # seconds, at most, of the windows that only tell how often programs were called by then, …
COUNT_SHORTEST = 0.004  # … at least, and …
COUNT_BYTES = 96 << 10  # … what they should hold: ending a window costs time by what it holds, some 50 ms a MB
COUNT_EVERY = 0.25  # seconds between them, and …
COUNT_SHARE = 0.03  # … this share of the run's time when that is longer
SLOWDOWN = 0.3  # what a second of an open window costs a program that notes as much as it can
NOTING = 100e-9  # seconds of an open window in which a busy program notes a byte of a profile
OWED_FOR = 5.0  # seconds after a new program began to run in which a window that sees it comes before all that can wait


class Windows:
    """Opens and closes raw profiler sessions; any thread may call any method.

    ``seconds`` is how long a window lasts at first; 0 means no windows at all. ``busy`` tells whether JAX is compiling:
    no periodic window opens then. ``compiling``: seconds of the run in which it was; they are no cost of a window, and
    neither is the time before the first dispatch. ``closed`` is called after a window that was due. Times are monotonic
    seconds inside, `time.time_ns()` in what is sent.
    """

    def __init__(
        self,
        link: Any,
        seconds: float,
        busy: Callable[[], bool] = lambda: False,
        compiling: Callable[[], float] = lambda: 0.0,
        closed: Callable[[], None] = lambda: None,
    ) -> None:
        self._link = link
        self._seconds = seconds
        self._length = seconds
        self._busy = busy
        self._compiling = compiling
        self._closed = closed
        self._lock = _thread.RLock()
        self._session: Any = None
        self._execution: Execution | None = None  # that the open window stays open for, past its time
        self._settled_ns: int | None = None
        self._heap: Heap | None = None
        self._noted: Noted | None = None  # since the newest program began to run, or the window opened
        self._why = "first"
        self._from_start = False
        self._start_ns = 0
        self._processors = processors()
        self._opened = self._counted = self._look = 0.0
        self._compiled = 0.0
        self._index = 0
        self._began = time.monotonic()
        self._spent = dict.fromkeys(DUTY, 0.0)
        self._last_new: float | None = None
        self._seen_until = 0.0
        self._first_dispatch: float | None = None
        self._interval = SETTLED
        self._count_length = COUNT_LENGTH
        self._next = self._next_count = float("inf")
        self._held = 0
        self.off = seconds <= 0

    @property
    def is_open(self) -> bool:
        """Whether a profile is being taken now."""
        return self._session is not None

    @property
    def patience(self) -> float:
        """Seconds after which `tick` should be called again."""
        if self._session is None:
            return TICK
        execution = self._execution  # another thread may set it
        if execution is not None:
            return min(max(WAITING_SHARE * (time.monotonic() - execution.began), LOOKING_LONGEST), TICK)
        if self._why == "count":
            return self._count_length
        running = time.monotonic() - max(self._opened, self._last_new or 0.0)
        return min(max(LOOKING_SHARE * running, LOOKING_SHORTEST), LOOKING_LONGEST)

    @property
    def owed(self) -> bool:
        """Whether the newest program still waits for a window that sees it run, or is in one now."""
        if self.off or self._held or self._last_new is None:
            return False
        waiting = self._seen_until < self._last_new and time.monotonic() < self._last_new + OWED_FOR
        return waiting or (self.is_open and self._execution is None)

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
            self._first_dispatch = now
            self._count_from(now)
            if self._session is None:
                self._next = now + SETTLED
        if not new_program:
            return
        self._last_new = now
        self._forget_execution()
        self._noted = None
        # What the windows before it cost is forgiven in part, so that the newest program is seen too.
        for why in ("periodic", "count"):
            self._spent[why] = min(self._spent[why], DUTY[why] * (now - self._began))
        self._interval, self._length = SETTLED, self._seconds
        self._next = now + SETTLED
        self._next_count = self._next + COUNT_EVERY
        if self._session is None and not self._held and self._may_spend("first", now):
            self._open("first", from_start=False)

    def tick(self) -> None:
        """Close what is due, open what is due; call again after `patience`."""
        if self.off or self._held:
            return
        now = time.monotonic()
        if self._session is not None:
            if self._is_over(now):
                since = now if self._why == "first" else self._opened
                self.close()
                self._closed()
                self._plan(time.monotonic())
                if self._last_new is not None and self._last_new >= since and self._may_spend("periodic", now):
                    # A program began to run while the window was being closed, or in one that does not wait for its
                    # end: this one may cut its execution.
                    self._open("periodic", from_start=False)
            return
        if self._last_new is None and now >= self._next and self._busy():
            self._next = now + SETTLED  # what is compiled may be the first program: its own window is to see it begin
        # Of eager primitives alone no calls are counted.
        next_count = self._next_count if self._last_new is not None else float("inf")
        for why, due in (("periodic", self._next), ("count", next_count)):
            if now >= due and self._may_spend(why, now) and not self._busy():
                self._open(why, from_start=False)
                return

    def _is_over(self, now: float) -> bool:
        if self._first_dispatch is None:
            return False
        newest = max(self._opened, self._last_new or 0.0)
        if self._why == "count":
            return now >= self._opened + self._count_length
        if self._why == "periodic":
            return now >= self._opened + self._length or self._is_dense()
        if self._from_start and self._last_new is None:
            # Only eager primitives so far: the script's first program is still to come.
            return now >= self._first_dispatch + FIRST_LIMIT * self._seconds
        if self._is_dense():
            return True
        enough = now >= newest + max(FIRST_RUN, self._seconds)
        if not enough and now < self._opened + max(FIRST_LONGEST, FIRST_LIMIT * self._seconds):
            return False
        execution = self._execution
        if execution is None:
            execution = self._execution = Execution(self._heaps())
        return not execution.is_worth_waiting()

    def _heaps(self) -> Heap:
        if self._heap is None:
            self._heap = Heap()
        return self._heap

    def _is_dense(self) -> bool:
        """Whether so much is noted that the end of the window would cost seconds and hundreds of megabytes."""
        if self._execution is not None:
            return False  # which looks by itself
        if self._busy():
            self._noted = None  # what the compiler takes is no note
            return False
        now, noted = time.monotonic(), self._noted
        if noted is None:
            noted, self._look = Noted(self._heaps()), now
            self._noted = noted
        if now >= self._look:
            self._look = now + LOOKING_SHARE * (now - max(self._opened, self._last_new or 0.0))
            noted.look()
        return noted.is_dense

    def _plan(self, now: float) -> None:
        self._next_count = now + max(COUNT_EVERY, COUNT_SHARE * (now - self._began))
        if self._why == "count":
            return
        if self._why == "first":
            # Without a program so far there are eager primitives to look at: the script may never have another.
            begun = self._last_new or (now if self._first_dispatch is not None else float("inf"))
            self._next = max(now, begun + SETTLED)
            return
        self._next = now + self._interval
        self._interval = min(self._interval * INTERVAL_GROWTH, LONGEST_INTERVAL)
        self._length = min(self._length * LENGTH_GROWTH, max(LONGEST_WINDOW, self._seconds))

    def _may_spend(self, why: str, now: float) -> bool:
        return self._spent[why] <= ALLOWANCE[why] + DUTY[why] * (now - self._began)

    def _open(self, why: str, *, from_start: bool) -> None:
        if self.off or self._held or not self._link.alive or not self._lock.acquire(False):
            return
        try:
            if self._session is None and not compat.script_is_profiling():
                self._processors = processors()
                self._start_ns = time.time_ns()
                self._settled_ns = None
                self._session = compat.open_profile(HOST_LEVEL)
                self._why, self._from_start, self._opened = why, from_start, time.monotonic()
                self._count_from(self._opened)
        except (RuntimeError, ValueError) as error:
            # Another session of this process: the script's, or one that a library opened.
            self._link.drop("profile window", str(error).partition("\n")[0])
            self._plan(time.monotonic())
        finally:
            self._lock.release()

    def _forget_execution(self) -> None:
        execution, self._execution = self._execution, None
        if execution is not None:
            self._settled_ns = execution.settled_ns or self._settled_ns

    def meanwhile(self, work: Callable[[], object]) -> None:
        """Do work of ours that can take memory, whether a window is open or not."""
        execution = self._execution
        noted = execution.noted if execution is not None else self._noted
        if noted is None:
            work()
        else:
            noted.disregard(work)

    def close_after(self, seconds: float) -> None:
        """Close the open window when what JAX executes is over, but within ``seconds``."""
        if self.is_open:
            execution = self._execution = Execution(self._heaps())
            execution.wait(seconds)
        self.close()

    def close(self) -> None:
        """Stop the open window, if any, and send it."""
        with self._lock:
            session, self._session = self._session, None
            execution, self._noted = self._execution, None
            self._forget_execution()
            if session is None:
                return
            started = time.monotonic()
            spread = execution.noted.spread if execution is not None else 0
            end_ns, busy = time.time_ns(), others(self._processors, processors(), started - self._opened)
            try:
                data = session.stop()
            except RuntimeError as error:
                self._link.drop("profile window", str(error).partition("\n")[0])
                return
            if self._why != "count":
                self._seen_until = started
            watched = 0.0
            if self._first_dispatch is not None:
                watched = max(0.0, started - self._counted - (self._compiling() - self._compiled))
            size = len(data)
            if self._why == "periodic":
                allowed = (started - self._opened) * WINDOW_BYTES / max(size, 1)
                self._length = max(min(self._length, allowed / LENGTH_GROWTH), 0.01)
            if self._why != "first":
                wanted = (started - self._opened) * COUNT_BYTES / max(size, 1)
                self._count_length = min(max(wanted, COUNT_SHORTEST), COUNT_LENGTH)
            meta = {
                "index": self._index,
                "start_ns": self._start_ns,
                "end_ns": end_ns,
                "why": self._why,
                "covers_from_start": self._from_start,
                "truncated": False,
                "settled_ns": self._settled_ns,
                "others": busy,
            }
            self._index += 1
            self._link.send({"kind": "chunk", "chunk": "profile", "meta": meta}, {"data": data})
            del data, session
            if size > GIVE_BACK or spread > SPREAD_BACK:
                give_back()
            # What is noted is what an open window costs: next to nothing while the script traces, or waits.
            self._spent[self._why] += SLOWDOWN * min(watched, NOTING * size) + time.monotonic() - started

    def _count_from(self, now: float) -> None:
        """What the open window costs is counted from here on."""
        self._counted, self._compiled = now, self._compiling()

    def hold(self) -> None:
        """Close ours and keep out of the way: the script is about to profile by itself."""
        self._held += 1
        self.close()

    def release(self) -> None:
        """The script's own profile has ended."""
        self._held = max(0, self._held - 1)
        self._plan(time.monotonic())
