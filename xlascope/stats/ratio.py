"""The ratio of two programs measured in turn (A B A B …), its interval, the verdict, and when to stop measuring.

Neighbouring samples make a pair, so that drift and bursts, which last longer than a pair, cancel. Of the log ratios
of the pairs the Hodges-Lehmann estimate (median of the averages of all two) is taken, with the interval of Wilcoxon's
signed-rank test: it needs no shape of the noise beyond symmetry, which the difference of two samples with the same
noise has, and a quarter of the pairs can be outliers. More than MAX_BLOCKS pairs are first joined into blocks of
neighbours by their median, which also takes away most of what correlation between neighbours is left; of fewer
pairs the interval is widened by what their correlation takes from the number of independent ones. Measuring stops at
the first look that shows a narrow interval, which is a lucky one more often than not: each look's interval is of
LOOK_CONFIDENCE, so that the one reported holds the truth 95 times in 100 (simulated under ten kinds of noise).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp, inf, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .summary import Samples

Verdict = Literal["faster", "slower", "same", "unclear"]

LOOK_CONFIDENCE = 0.96875
"""All that six pairs can give: 1 - 2 ÷ 2⁶."""
MIN_EFFECT = 0.01
SAME = 0.03
MAX_BLOCKS = 300
MIN_PAIRS = 20
MIN_SHARE = 0.1
"""No stop before this share of the budget: noise slower than the samples so far would not have shown."""
_LOOK_GROWTH = 1.2
_EXACT_PAIRS = 30


@dataclass(frozen=True, slots=True)
class Ratio:
    """Time of the variant ÷ time of the baseline with its 95 % interval; [0, inf] below six pairs."""

    ratio: float
    low: float
    high: float


def paired_ratio(baseline: Samples, variant: Samples) -> Ratio | None:
    """Ratio of `variant` to `baseline`, sample by sample neighbours in time; None without a pair.

    A last sample without a partner is left out. Raises ValueError for a time that is not positive and finite.
    """
    count = min(len(baseline), len(variant))
    if not count:
        return None
    first, second = np.asarray(baseline, np.float64)[:count], np.asarray(variant, np.float64)[:count]
    if not (np.isfinite(first).all() and np.isfinite(second).all() and first.min() > 0 and second.min() > 0):
        raise ValueError("times must be positive and finite")
    logs = _blocks(np.log(second) - np.log(first))
    rows, columns = np.triu_indices(len(logs))
    averages = (logs[rows] + logs[columns]) / 2
    skip = _signed_rank_quantile(len(logs), (1 - LOOK_CONFIDENCE) / 2)
    center = float(np.median(averages))
    if skip is None:
        return Ratio(exp(center), 0.0, inf)
    top = len(averages) - 1 - skip
    ends = np.partition(averages, (skip, top))
    wider = _correlation_factor(logs)
    low, high = (center + wider * (float(end) - center) for end in (ends[skip], ends[top]))
    return Ratio(exp(center), exp(low), exp(high))


def _correlation_factor(logs: NDArray[np.float64]) -> float:
    """How much wider an interval of the mean of a series is than if its values were independent; at least 1.

    From the correlation of the ranks of neighbours, next and next but one: outliers do not move ranks.
    """
    count = len(logs)
    if count < MIN_PAIRS:
        return 1.0
    _, place, ties = np.unique(logs, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[place] - (count + 1) / 2
    spread = float(ranks @ ranks)
    if not spread:
        return 1.0
    near = sum(max(float(ranks[:-lag] @ ranks[lag:]) / spread, 0.0) for lag in (1, 2))
    return sqrt(1 + 2 * near)


def _blocks(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """At most MAX_BLOCKS medians of neighbouring values; the last few that fill no block are left out."""
    if len(logs) <= MAX_BLOCKS:
        return logs
    # An odd size: the median of an even number is an average, which an outlier moves.
    size = ceil(len(logs) / MAX_BLOCKS) | 1
    return np.median(logs[: len(logs) // size * size].reshape(-1, size), axis=1)


def _signed_rank_quantile(count: int, tail: float) -> int | None:
    """How many of the ordered averages lie outside the interval at each end; None when even all are too few."""
    if count > _EXACT_PAIRS:
        mean, spread = count * (count + 1) / 4, sqrt(count * (count + 1) * (2 * count + 1) / 24)
        return max(int(mean - NormalDist().inv_cdf(1 - tail) * spread), 0)
    # ways[s]: subsets of the ranks 1..count that sum to s, of which all 2**count are equally likely
    ways = np.zeros(count * (count + 1) // 2 + 1)
    ways[0] = 1
    for rank in range(1, count + 1):
        ways[rank:] = ways[rank:] + ways[:-rank]
    below = np.cumsum(ways) / 2.0**count
    outside = int(np.count_nonzero(below <= tail))
    return outside - 1 if outside else None


def verdict(
    ratio: Ratio | None,
    min_effect: float = MIN_EFFECT,
    same: float = SAME,
    medians: tuple[float | None, float | None] = (None, None),
) -> Verdict | None:
    """`slower` or `faster` when the interval excludes 1 and the change is at least `min_effect`; `same` when the
    interval lies within 1 ± `same`; else `unclear`. None for None: nothing was executed.

    `medians`: of all samples of the baseline and of the variant. Where they deny the pairs (`opposed`) nothing is sure.
    """
    if ratio is None:
        return None
    if opposed(ratio.low, ratio.high, *medians) is not None:
        return "unclear"
    if ratio.low > 1 and ratio.ratio - 1 >= min_effect:
        return "slower"
    if ratio.high < 1 and 1 - ratio.ratio >= min_effect:
        return "faster"
    if ratio.low >= 1 - same and ratio.high <= 1 + same:
        return "same"
    return "unclear"


def opposed(
    low: float | None, high: float | None, baseline_ns: float | None, variant_ns: float | None
) -> float | None:
    """The ratio of the medians where it lies on the other side of 1 than the whole interval of the pairs, else None.

    Pairs that say slower while the median is shorter: in between the machine's speed changed by more than the effect,
    and not the same for both, which no interval of the pairs holds.
    """
    if low is None or high is None or not baseline_ns or not variant_ns:
        return None
    medians = variant_ns / baseline_ns
    return medians if (low > 1 and medians < 1) or (high < 1 and medians > 1) else None


def enough(a: Samples, b: Samples, elapsed_s: float, budget_s: float, target: float = 0.01) -> bool:
    """Whether to stop measuring: the budget is spent, or the ratio's interval is no wider than ± `target`.

    A small effect (its interval reaches below MIN_EFFECT) goes on to a quarter of the target: stopping at the first
    narrow interval would favour the lucky ones. Ask after every pair; it is cheap, because the interval is computed
    only at MIN_PAIRS and then each time a fifth more pairs are there.
    """
    if elapsed_s >= budget_s:
        return True
    count = min(len(a), len(b))
    if count < MIN_PAIRS or elapsed_s < MIN_SHARE * budget_s or not _is_look(count):
        return False
    ratio = paired_ratio(a, b)
    if ratio is None:
        return False
    doubtful = verdict(ratio) in ("slower", "faster") and ratio.low < 1 + MIN_EFFECT and ratio.high > 1 - MIN_EFFECT
    return ratio.high - ratio.low <= 2 * (target / 4 if doubtful else target) * ratio.ratio


def _is_look(count: int) -> bool:
    """Whether `count` is one of MIN_PAIRS × _LOOK_GROWTH^k, rounded up."""
    look = float(MIN_PAIRS)
    while ceil(look) < count:
        look *= _LOOK_GROWTH
    return ceil(look) == count
