"""How long one call of a program takes on its device, from the windows that saw it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xlascope.views.times.executions import is_whole
from xlascope.views.times.op_store import Span
from xlascope.views.times.windows import Window

# Enough calls in later windows, so that the first, which sees compiling and cold memory, is not needed.
_ENOUGH = 20
_ENOUGH_OF = 0.25  # … or this share of all


@dataclass(frozen=True, slots=True)
class CallTime:
    """``ns``: from a call's first op to the end of its last, over all devices. ``calls``: how many it is the mean of.

    ``steady``: those of the first windows are left out. ``at_least``: no window saw a whole call; ``ns`` is the
    longest part of one that any saw. ``calls_ns`` and ``seen``: of all calls that windows saw, parts included.
    """

    ns: int
    calls: int
    steady: bool
    calls_ns: int
    seen: int
    at_least: bool = False


def call_time(windows: Sequence[Window], program_ids: Iterable[int]) -> CallTime | None:
    """The mean over windows, each weighted by its whole calls; None where no window tells single calls."""
    wanted = frozenset(program_ids)
    parts = [
        (window.why != "first", span)
        for window in windows
        for number, span in window.spans.items()
        if number in wanted and span.typical_ns is not None
    ]
    seen, total = sum(span.calls for _, span in parts), sum(span.calls_ns or 0 for _, span in parts)
    if not seen:
        return None
    longest = max(span.longest_ns for _, span in parts)
    parts = [(late, _by_all(span, longest)) for late, span in parts]
    whole = sum(span.whole for _, span in parts)
    if not whole:
        return CallTime(max(span.typical_ns or 0 for _, span in parts), seen, False, total, seen, at_least=True)
    later = sum(span.whole for late, span in parts if late)
    steady = later >= min(_ENOUGH, _ENOUGH_OF * whole) > 0
    used = [span for late, span in parts if span.whole and (late or not steady)]
    number = sum(span.whole for span in used)
    mean = sum(span.whole * (span.typical_ns or 0) for span in used) / number
    return CallTime(round(mean), number, steady and later < whole, total, seen)


def _by_all(span: Span, longest_ns: int) -> Span:
    """The same where the longest op of all windows is known: a silence that an op can fill tells nothing."""
    told = span.silence_ns is None or bool(is_whole(np.asarray(span.silence_ns), longest_ns))
    return span if told else replace(span, whole=0)
