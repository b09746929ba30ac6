"""How often a program was called, counted: XLA numbers the executions of an executable one after the other.

The ``run_id`` of an executable's n-th execution is that of its first plus n - 1, as 32-bit numbers (seen on CPU with
JAX 0.10.2 and 0.12.0). So the runs between two windows are counted although nobody watched them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xlascope.views.call_rate import Lifetime
from xlascope.views.windows import Window

_SILENT_NS = 30_000_000
_MANY = 50


@dataclass(frozen=True, slots=True)
class Count:
    """``calls`` from the first to the last execution that a window saw; ``tail`` is estimated for the time after it.

    ``from_first``: the first window was open before the program's first call, so that nothing came before.
    ``to_end``: the last one was open when the script ended, so that nothing came after.
    """

    calls: int
    tail: int
    from_first: bool
    to_end: bool


def count(windows: Sequence[Window], program_id: int, life: Lifetime) -> Count | None:
    """Executions of one executable; None where run ids are absent or not in sequence."""
    seen = [window for window in windows if program_id in window.spans and window.start_ns is not None]
    if not seen or not all(_in_sequence(window, program_id) for window in seen):
        return None
    first, last = seen[0], seen[-1]
    begin, end = first.spans[program_id].first_run, last.spans[program_id].last_run
    if begin is None or end is None:
        return None
    calls = _steps(begin, end) + 1
    watched = sum(window.times.calls_of(program_id) or 0 for window in seen)
    if calls < watched:
        return None
    from_first = (first.start_ns or 0) <= life.start_ns or first.covers_from_start
    later = [window.start_ns for window in windows if (window.start_ns or 0) > (last.end_ns or 0)]
    tail = _tail(seen, program_id, life, min((start for start in later if start is not None), default=None))
    return Count(calls, tail, from_first, (last.end_ns or 0) >= life.end_ns)


def _in_sequence(window: Window, program_id: int) -> bool:
    """Did the window see as many executions as its first and last run id say?"""
    span = window.spans[program_id]
    if span.first_run is None or span.last_run is None:
        return False
    watched = window.times.calls_of(program_id)
    return watched is not None and _steps(span.first_run, span.last_run) + 1 == watched


def _steps(begin: int, end: int) -> int:
    return (end - begin) & 0xFFFFFFFF


def _tail(seen: Sequence[Window], program_id: int, life: Lifetime, later_ns: int | None) -> int:
    """Calls after the last window, at the mean rate since the one before; none where it was no longer called.

    ``later_ns``: when the next window opened, in which it was not called: it stopped in between, nobody knows when.
    """
    last = seen[-1]
    span = last.spans[program_id]
    assert last.start_ns is not None and last.end_ns is not None and span.last_run is not None
    latest = last.start_ns + span.last_ns
    left = life.end_ns - max(last.end_ns, latest)
    if later_ns is not None:
        left = (later_ns - max(last.end_ns, latest)) // 2 if (last.times.calls_of(program_id) or 0) >= _MANY else 0
    before = seen[-2] if len(seen) > 1 else None
    if left <= 0:
        return 0
    if before is not None and before.start_ns is not None:
        other = before.spans[program_id]
        runs, time = _steps(other.last_run or 0, span.last_run), latest - (before.start_ns + other.last_ns)
    else:
        runs, time = _steps(span.first_run or 0, span.last_run), span.last_ns - span.first_ns
    # The last events of a window may be missing from it, so that a short silence at its end means nothing.
    silence = 5 * time / max(runs, 1)
    if runs >= _MANY:
        silence = max(silence, _SILENT_NS, (last.end_ns - last.start_ns) / 4)
    if runs <= 0 or time <= 0 or last.end_ns - latest > silence:
        return 0
    return round(left * runs / time)
