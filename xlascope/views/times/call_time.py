"""How long one call of a program takes on its device, from the windows that saw it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xlascope.views.times.windows import Window

# Enough calls in later windows, so that the first, which sees compiling and cold memory, is not needed.
_ENOUGH = 20


@dataclass(frozen=True, slots=True)
class CallTime:
    """``ns``: from a call's first op to the end of its last, over all devices. ``calls``: how many it is the mean of.

    ``steady``: those of the first windows are left out. ``calls_ns`` and ``seen``: of all calls that windows saw.
    """

    ns: int
    calls: int
    steady: bool
    calls_ns: int
    seen: int


def call_time(windows: Sequence[Window], program_ids: Iterable[int]) -> CallTime | None:
    """The mean over windows, each weighted by its calls; None where no window tells single calls."""
    wanted = frozenset(program_ids)
    parts = [
        (window.why != "first", span.calls, span.typical_ns, span.calls_ns or 0)
        for window in windows
        for number, span in window.spans.items()
        if number in wanted and span.typical_ns is not None
    ]
    seen = sum(calls for _, calls, _, _ in parts)
    if not seen:
        return None
    later = sum(calls for steady, calls, _, _ in parts if steady)
    steady = later >= _ENOUGH or later > seen / 2
    used = [(calls, ns) for late, calls, ns, _ in parts if ns is not None and (late or not steady)]
    number = sum(calls for calls, _ in used)
    mean = sum(calls * ns for calls, ns in used) / number
    return CallTime(round(mean), number, steady and later < seen, sum(total for *_, total in parts), seen)
