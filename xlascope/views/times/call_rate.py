"""How often a program was called in a whole run, from windows that saw a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from xlascope.views.times.windows import Window

# A pause this many times the mean distance of calls means that the program was no longer, or not yet, being called.
_PAUSE = 5


@dataclass(frozen=True, slots=True)
class Lifetime:
    """The time a program can have been called in, `time.time_ns`: from its first call to the end of the script."""

    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What one window saw of a program: ``calls`` between ``first_ns`` and ``last_ns`` (None: no calls)."""

    start_ns: int
    end_ns: int
    calls: int
    first_ns: int | None
    last_ns: int | None

    def rate(self, life: Lifetime, at_end: bool) -> float:
        """Calls per ns at one edge of the window."""
        begin = max(self.start_ns, life.start_ns)
        if not self.calls or self.end_ns <= begin:
            return 0.0
        if self.calls < 3 or self.first_ns is None or self.last_ns is None:
            first = self.start_ns <= life.start_ns <= self.end_ns
            # The first call waits for the compiler and says nothing about the rate.
            return max(self.calls - first, 0) / (self.end_ns - begin)
        distance = max(self.last_ns - self.first_ns, 1) / (self.calls - 1)
        pause = self.end_ns - self.last_ns if at_end else self.first_ns - begin
        return 0.0 if pause > _PAUSE * distance else 1 / distance


def glimpse(window: Window, program_ids: Sequence[int], calls: int) -> Glimpse | None:
    """What a window saw of a program; None for a window of unknown place in time."""
    if window.start_ns is None or window.end_ns is None:
        return None
    spans = [window.spans[number] for number in program_ids if number in window.spans]
    first = min((window.start_ns + span.first_ns for span in spans), default=None)
    last = max((window.start_ns + span.last_ns for span in spans), default=None)
    return Glimpse(window.start_ns, window.end_ns, calls, first, last)


def estimate(glimpses: Sequence[Glimpse], life: Lifetime) -> int:
    """Calls seen, and for the time between windows the mean of the rates at their edges."""
    seen = sum(each.calls for each in glimpses)
    known = [each for each in glimpses if each.end_ns > life.start_ns]
    if not known:
        return seen
    result = float(seen)
    before = known[0].start_ns - life.start_ns
    if before > 0:
        result += 1 + known[0].rate(life, at_end=False) * before
    for left, right in pairwise(known):
        gap = max(right.start_ns - max(left.end_ns, life.start_ns), 0)
        result += gap * (left.rate(life, at_end=True) + right.rate(life, at_end=False)) / 2
    result += known[-1].rate(life, at_end=True) * max(life.end_ns - known[-1].end_ns, 0)
    return round(result)
