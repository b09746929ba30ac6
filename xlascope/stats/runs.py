"""The ratio of one program's times in two runs, which were not measured in turn.

What else the machine does only ever makes calls longer, often by a factor and for most of a run; what a program needs
shows in its quick calls. So the ratio is that of the time which QUICK of the calls stay below, and the median may not
contradict it. Calls that follow each other are alike: how far chance moves the estimate is told by leaving out one
window, or one part of a window, after the other (the jackknife). Two runs of the same program differ by more than
that, as memory lies elsewhere: RUN_TO_RUN is added, or what the run's programs scatter by, and where their code is the
same in both runs what they differ by. Where other processes kept
cores busy most of the time even quick calls may have been held up: the interval is as wide as that can make it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import NormalDist

import numpy as np

from .ratio import Ratio
from .summary import CONFIDENCE, Samples

QUICK = 0.05
LEAST_CALLS = 8
PARTS = 4
RUN_TO_RUN = 0.02
"""Standard deviation of the logarithm of a program's time from run to run that is taken for granted."""
FEW_PROGRAMS = 0.035
"""The same where a run has too few programs to tell how far they scatter."""
MOST_SCATTER = 0.05
"""What the scatter of a run's programs may add: beyond it programs differ by themselves."""
LEAST_PROGRAMS = 4
BUSY_SHARE = 0.6
"""Up to so many cores kept busy by others on average, a twentieth of the calls had the machine to themselves."""


@dataclass(frozen=True, slots=True)
class Side:
    """A program's times in one run, as logarithms of ns: quick calls with their standard error, and the median."""

    quick: float
    error: float
    median: float
    calls: int
    windows: int

    @property
    def quick_ns(self) -> float:
        """The time that QUICK of the calls stay below, in ns."""
        return exp(self.quick)

    @property
    def median_ns(self) -> float:
        """The median time of a call, in ns."""
        return exp(self.median)


def side(windows: Sequence[Samples]) -> Side | None:
    """Of the times of calls, in ns, window by window; None below LEAST_CALLS calls. Raises ValueError: not positive."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = [np.log(np.asarray(each, np.float64)) for each in windows if len(each)]
    calls = sum(len(each) for each in logs)
    if calls < LEAST_CALLS:
        return None
    if not all(np.isfinite(each).all() for each in logs):
        raise ValueError("times must be positive and finite")
    every = np.concatenate(logs)
    parts = [part for each in logs for part in np.array_split(each, min(PARTS, len(each)))]
    error = max(_jackknife(parts), _jackknife(logs))
    return Side(float(np.quantile(every, QUICK)), error, float(np.median(every)), calls, len(logs))


def _jackknife(blocks: Sequence[np.ndarray]) -> float:
    """Standard error of the quick level; 0 of a single block."""
    count = len(blocks)
    if count < 2:
        return 0.0
    without = [np.quantile(np.concatenate([*blocks[:k], *blocks[k + 1 :]]), QUICK) for k in range(count)]
    return sqrt((count - 1) * float(np.var(without)))


def scatter(sides: Sequence[tuple[Side, Side]]) -> float:
    """How much the ratios of two runs' programs lie apart, as a robust standard deviation: from RUN_TO_RUN to
    MOST_SCATTER. A few programs that changed do not move it; FEW_PROGRAMS where there are less than LEAST_PROGRAMS.
    """
    if len(sides) < LEAST_PROGRAMS:
        return FEW_PROGRAMS
    logs = np.asarray([b.quick - a.quick for a, b in sides])
    apart = 1.4826 * float(np.median(np.abs(logs - np.median(logs))))
    return min(max(apart, RUN_TO_RUN), MOST_SCATTER)


def noise(sides: Sequence[tuple[Side, Side]]) -> float:
    """How far the times of programs lie apart whose code is the same in both runs, as a robust standard deviation about
    no change at all: that much the machine did. Up to half of them may differ for other reasons (a callback that
    waits). 0 of less than LEAST_PROGRAMS.
    """
    if len(sides) < LEAST_PROGRAMS:
        return 0.0
    return 1.4826 * float(np.median(np.abs([b.quick - a.quick for a, b in sides])))


def held_up(others: float | None, cores: int | None) -> float:
    """How many times longer quick calls may have been for the cores (a mean number) that others kept busy.

    A program that uses all cores has what others leave, and one core at the least. 1 where nothing is known.
    """
    if others is None or not cores or others <= BUSY_SHARE:
        return 1.0
    return cores / max(cores - others, 1.0)


def independent_ratio(
    a: Side,
    b: Side,
    run_to_run: float = RUN_TO_RUN,
    drift: float | None = None,
    held: tuple[float, float] = (1.0, 1.0),
) -> Ratio:
    """Time in run `b` ÷ time in run `a` with its 95 % interval.

    `run_to_run`: see `scatter`. `drift`: time of a reference in b ÷ in a; the interval is made to hold the ratio with
    and without it, as nobody knows how much of it this program felt. None: unknown. `held`: see `held_up`, for a and b.
    An interval that the medians contradict is made to hold 1.
    """
    shift = b.quick - a.quick
    half = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * sqrt(a.error**2 + b.error**2 + run_to_run**2)
    low, high = shift - half - log(held[1]), shift + half + log(held[0])
    if drift is not None:
        low, high = min(low, low - log(drift)), max(high, high - log(drift))
    if (b.median - a.median) * shift < 0:
        low, high = min(low, 0.0), max(high, 0.0)
    return Ratio(exp(shift), exp(low), exp(high))
