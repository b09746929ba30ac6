"""Medians with confidence intervals from order statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95

Samples = Sequence[float] | NDArray[np.float64] | NDArray[np.int64]

_EXACT_COUNT = 1000


@dataclass(frozen=True, slots=True)
class Summary:
    """A median time and its 95 % confidence interval, in nanoseconds.

    The ends are None below six samples: no two of them hold the median with that confidence.
    """

    median_ns: float
    ci_low_ns: float | None
    ci_high_ns: float | None
    samples: int


def summarize(samples: Samples) -> Summary:
    """Median and 95 % interval of times in nanoseconds. Raises ValueError without samples or with one not finite."""
    values = np.sort(np.asarray(samples, np.float64))
    if not values.size or not np.isfinite(values).all():
        raise ValueError("a summary needs at least one sample, all of them finite")
    interval = order_interval(int(values.size))
    low, high = (None, None) if interval is None else (float(values[interval[0]]), float(values[interval[1]]))
    return Summary(float(np.median(values)), low, high, int(values.size))


def order_interval(count: int, confidence: float = CONFIDENCE) -> tuple[int, int] | None:
    """Positions (from 0) in the sorted samples that hold the median with at least `confidence`.

    From the binomial distribution of the number of samples below the median, so no shape of the noise is assumed.
    None when `count` is too small for any two positions.
    """
    tail = (1 - confidence) / 2
    if count > _EXACT_COUNT:
        # At this size the normal approximation, rounded outwards, is within one position of the exact answer.
        low = int(count / 2 - NormalDist().inv_cdf(1 - tail) * sqrt(count) / 2) - 1
        return low, count - 1 - low
    cumulative, low = 0, -1
    limit = tail * 2**count
    for below in range(count // 2):
        cumulative += comb(count, below)
        if cumulative > limit:
            break
        low = below
    return None if low < 0 else (low, count - 1 - low)
