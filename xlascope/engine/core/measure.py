"""Baseline and variant measured in turn (A B A B …)."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ... import stats

SAMPLE_NS = 100_000
"""A sample lasts about this long at least: several calls where one is shorter."""
MAX_CALLS = 1_000
BETWEEN_NS = 1_000_000
"""Samples of this length do not feel what is done between two of them."""
LEAD_IN_NS = 20_000_000
"""Programs that take longer refill their caches within a call."""
COPY_LIMIT = 256 << 20
WARM_UP_NS = 30_000_000
MAX_PAIRS = 20_000
LEAST_PAIRS = 6
"""Below this a median has no interval."""
PATIENCE = 2.0
"""The least number of pairs may take this many budgets, no more."""


class Cancelled(Exception):
    """The command was cancelled between two samples."""


class Subject(Protocol):
    """What can be called again and again; `call` returns when the call is finished."""

    @property
    def copied_bytes(self) -> int:
        """Bytes that have to be copied before each call."""

    def prepare(self, calls: int) -> list[Any]:
        """Arguments for so many calls, one entry a call: donated ones are copied."""

    def call(self, arguments: Any) -> None:
        """One call; returns when its outputs are ready."""


@dataclass(slots=True)
class Pairs:
    """Samples in turn, in nanoseconds for one call; the k-th of both are neighbours in time."""

    baseline: list[int] = field(default_factory=list)
    variant: list[int] = field(default_factory=list)
    baseline_calls: int = 1
    variant_calls: int = 1
    elapsed_s: float = 0.0
    lead_in: bool = False

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Times of the baseline and of the variant, ns a call, neighbours in time at equal places."""
        return np.asarray(self.baseline, np.int64), np.asarray(self.variant, np.int64)


def in_turn(
    baseline: Subject,
    variant: Subject,
    budget_s: float,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int | None, float], None] = lambda done, total, left_s: None,
) -> Pairs:
    """Measure until the interval of the ratio is narrow or `budget_s` is spent; warm-up counts for neither.

    `progress` gets the pairs done, about how many there will be, and the seconds left. Raises Cancelled between two
    samples, and whatever a call raises.
    """
    pairs = Pairs()
    times = _warm_up(baseline, cancelled), _warm_up(variant, cancelled)
    pairs.baseline_calls, pairs.variant_calls = _calls(baseline, times[0]), _calls(variant, times[1])
    pairs.lead_in = max(times) < LEAD_IN_NS
    started = time.perf_counter()
    with collector_off():
        while not _done(pairs, budget_s):
            if cancelled():
                raise Cancelled
            _pair(baseline, variant, pairs)
            pairs.elapsed_s = time.perf_counter() - started
            done = len(pairs.variant)
            left = max(budget_s - pairs.elapsed_s, 0.0)
            progress(done, done + ceil(left * done / pairs.elapsed_s) if pairs.elapsed_s else None, left)
    return pairs


def _pair(baseline: Subject, variant: Subject, pairs: Pairs) -> None:
    """One sample of each. Which goes first alternates: what happens between two pairs would slow the first down.

    So the first follows a sample of the same program, and finds its caches without a lead-in, if it is not short.
    Arguments of both are made before either: what one alone has to copy would leave it cold caches and idle threads.
    """
    count = len(pairs.baseline)
    turns = [(baseline, pairs.baseline, pairs.baseline_calls), (variant, pairs.variant, pairs.variant_calls)]
    ordered = turns if count % 2 == 0 else turns[::-1]
    leads = [
        pairs.lead_in and not (place == 0 and count > 0 and samples[-1] * calls >= BETWEEN_NS)
        for place, (_, samples, calls) in enumerate(ordered)
    ]
    prepared = [subject.prepare(calls + lead) for (subject, _, calls), lead in zip(ordered, leads, strict=True)]
    for (subject, samples, _), arguments, lead in zip(ordered, prepared, leads, strict=True):
        samples.append(_timed(subject, arguments, lead))


def _done(pairs: Pairs, budget_s: float) -> bool:
    count = len(pairs.variant)
    if count < LEAST_PAIRS:
        return count > 0 and pairs.elapsed_s >= budget_s * PATIENCE
    return count >= MAX_PAIRS or stats.enough(pairs.baseline, pairs.variant, pairs.elapsed_s, budget_s)


def sample(subject: Subject, calls: int, lead_in: bool = False) -> int:
    """Nanoseconds for one call, at least 1, from `calls` calls one after the other.

    With `lead_in` an untimed call goes before them: right after the other program the caches are the other's, which
    would be counted as a cost of this one. A script calls a program again and again, and finds its own.
    """
    return _timed(subject, subject.prepare(calls + lead_in), lead_in)


def _timed(subject: Subject, prepared: list[Any], lead_in: bool) -> int:
    call = subject.call
    if lead_in:
        call(prepared.pop())
    started = time.perf_counter_ns()
    for arguments in prepared:
        call(arguments)
    return max(round((time.perf_counter_ns() - started) / len(prepared)), 1)


def _warm_up(subject: Subject, cancelled: Callable[[], bool]) -> int:
    """Call until the first costs are over; the shortest call seen, in nanoseconds."""
    best, spent, calls = None, 0, 0
    while calls < 2 or (spent < WARM_UP_NS and calls < 200):
        if cancelled():
            raise Cancelled
        took = sample(subject, 1)
        best = took if best is None else min(best, took)
        spent, calls = spent + took, calls + 1
        if calls == 1 and took > 10 * WARM_UP_NS:
            break
    return best or 1


def _calls(subject: Subject, call_ns: int) -> int:
    wanted = min(ceil(SAMPLE_NS / call_ns), MAX_CALLS)
    if subject.copied_bytes:
        wanted = min(wanted, COPY_LIMIT // subject.copied_bytes)
    return max(wanted, 1)


@contextmanager
def collector_off() -> Iterator[None]:
    """Python's garbage collector off, as it was before afterwards."""
    was = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def statistics(pairs: Pairs) -> dict[str, Any]:
    """The keys of a `result` that come from the samples; an interval that cannot be given is None."""
    baseline, variant = stats.summarize(pairs.baseline), stats.summarize(pairs.variant)
    ratio = stats.paired_ratio(pairs.baseline, pairs.variant)
    bounded = ratio is not None and ratio.high != float("inf")
    return {
        "median_ns": round(variant.median_ns),
        "ci_low_ns": _rounded(variant.ci_low_ns),
        "ci_high_ns": _rounded(variant.ci_high_ns),
        "samples": variant.samples,
        "baseline_median_ns": round(baseline.median_ns),
        "baseline_ci_low_ns": _rounded(baseline.ci_low_ns),
        "baseline_ci_high_ns": _rounded(baseline.ci_high_ns),
        "ratio": None if ratio is None else ratio.ratio,
        "ratio_ci_low": ratio.low if ratio is not None and bounded else None,
        "ratio_ci_high": ratio.high if ratio is not None and bounded else None,
        "verdict": stats.verdict(ratio, medians=(baseline.median_ns, variant.median_ns)),
    }


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)
