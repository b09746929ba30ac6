"""The ratio of one program's times in two runs, which were not measured in turn.

Other processes only ever make calls longer, so that quick calls feel them least; a processor whose own speed wanders
(a virtual one, say) makes quick calls of its best moments, and there the median is steadier. So times are taken at
three LEVELS, the time which so many of the calls stay below, and of each program the level whose interval is the
narrowest; the median may not contradict it. Calls that follow each other are alike: how far chance moves a level is
told by drawing blocks of neighbouring calls anew (the moving-block bootstrap of Künsch 1989, with blocks that do not
overlap). Two runs of the same program differ by more than that, as memory lies elsewhere: RUN_TO_RUN is added, or what
the run's programs scatter by, and where their code is the same in both runs what they differ by, beyond chance. Where
other processes kept cores busy calls may have been held up: the interval is as wide as that can make it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from .ratio import Ratio
from .summary import CONFIDENCE, Samples

LEVELS = (0.05, 0.25, 0.5)
BUSY = (0.6, 0.3, 0.1)
"""So many cores may others keep busy on average, and so much of the calls as a level says had the machine alone."""
LEAST_CALLS = 8
RUN_TO_RUN = 0.02
"""Standard deviation of the logarithm of a program's time from run to run that is taken for granted."""
FEW_PROGRAMS = 0.035
"""The same where a run has too few programs to tell how far they scatter."""
MOST_SCATTER = 0.05
"""What the scatter of a run's programs may add: beyond it programs differ by themselves."""
LEAST_PROGRAMS = 4
SAME_CODE_CONFIDENCE = 0.997
"""Of the interval of a program whose code is the same in both runs, where it says that there is a change."""
_BLOCKS, _LEAST_BLOCK = 16, 3
_DRAWS, _MOST_CALLS = 200, 2000


@dataclass(frozen=True, slots=True)
class Level:
    """The logarithm of a time in ns, and its standard error."""

    log_ns: float
    error: float


@dataclass(frozen=True, slots=True)
class Side:
    """A program's times in one run, one for each of LEVELS, and how many calls in how many windows they are of."""

    levels: tuple[Level, ...]
    calls: int
    windows: int

    def ns(self, share: float) -> float:
        """The time that this share of the calls stay below, in ns; ``share``: one of LEVELS."""
        return exp(self.levels[LEVELS.index(share)].log_ns)

    @property
    def median_ns(self) -> float:
        """The median time of a call, in ns."""
        return self.ns(0.5)


Both = tuple[Side, Side]


def side(windows: Sequence[Samples]) -> Side | None:
    """Of the times of calls, in ns, window by window; None below LEAST_CALLS calls. Raises ValueError: not positive."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = [np.log(np.asarray(each, np.float64)) for each in windows if len(each)]
    calls = sum(len(each) for each in logs)
    if calls < LEAST_CALLS:
        return None
    if not all(np.isfinite(each).all() for each in logs):
        raise ValueError("times must be positive and finite")
    levels = np.quantile(np.concatenate(logs), LEVELS)
    errors = _errors(_blocks(logs, calls))
    return Side(tuple(map(Level, levels.tolist(), errors)), calls, len(logs))


def _blocks(windows: Sequence[NDArray[np.float64]], calls: int) -> list[NDArray[np.float64]]:
    """Neighbouring calls of one window each; of very many calls some at equal distances."""
    size = max(calls // _BLOCKS, _LEAST_BLOCK)
    blocks = [part for each in windows for part in np.array_split(each, max(round(len(each) / size), 1))]
    step = calls // _MOST_CALLS
    return [each[::step] for each in blocks] if step > 1 else blocks


def _errors(blocks: Sequence[NDArray[np.float64]]) -> list[float]:
    """Standard error of each level; 0 of a single block."""
    count = len(blocks)
    if count < 2:
        return [0.0] * len(LEVELS)
    values = np.concatenate(blocks)
    owner = np.repeat(np.arange(count), [len(each) for each in blocks])
    order = np.argsort(values, kind="stable")
    values, owner = values[order], owner[order]
    # The same draws each time: the same file gives the same answer.
    drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), _DRAWS)
    held = np.cumsum(drawn[:, owner], axis=1)
    found = []
    for level in LEVELS:
        first = np.argmax(held >= np.maximum(level * held[:, -1:], 1), axis=1)
        found.append(float(np.std(values[first])) * sqrt(count / (count - 1)))
    return found


def scatter(sides: Sequence[Both]) -> tuple[float, ...]:
    """How much the ratios of two runs' programs lie apart beyond chance, by level, as a robust standard deviation: from
    RUN_TO_RUN to MOST_SCATTER. A few programs that changed do not move it; FEW_PROGRAMS where there are less than
    LEAST_PROGRAMS.
    """
    if len(sides) < LEAST_PROGRAMS:
        return (FEW_PROGRAMS,) * len(LEVELS)
    found = []
    for level in range(len(LEVELS)):
        shifts, chance = _shifts(sides, level)
        found.append(min(max(_beyond(shifts - np.median(shifts), chance), RUN_TO_RUN), MOST_SCATTER))
    return tuple(found)


def noise(sides: Sequence[Both]) -> tuple[float, ...]:
    """How far the times of programs lie apart whose code is the same in both runs, beyond chance, by level, as a robust
    standard deviation about no change at all: that much the machine did. Up to half of them may differ for other
    reasons (a callback that waits). 0 of less than LEAST_PROGRAMS.
    """
    if len(sides) < LEAST_PROGRAMS:
        return (0.0,) * len(LEVELS)
    return tuple(_beyond(*_shifts(sides, level)) for level in range(len(LEVELS)))


def _shifts(sides: Sequence[Both], level: int) -> tuple[NDArray[np.float64], float]:
    """Logarithms of the ratios, and the variance that chance gives them."""
    pairs = [(a.levels[level], b.levels[level]) for a, b in sides]
    chance = float(np.median([a.error**2 + b.error**2 for a, b in pairs]))
    return np.asarray([b.log_ns - a.log_ns for a, b in pairs]), chance


def _beyond(shifts: NDArray[np.float64], chance: float) -> float:
    return sqrt(max((1.4826 * float(np.median(np.abs(shifts)))) ** 2 - chance, 0.0))


def held_up(others: float | None, cores: int | None, busy: float = BUSY[0]) -> float:
    """How many times longer the calls of a level may have been for the cores (a mean number) that others kept busy.

    ``busy``: what the level stands, one of BUSY. A program that uses all cores has what others leave, and one core at
    the least. 1 where nothing is known.
    """
    if others is None or not cores or others <= busy:
        return 1.0
    return cores / max(cores - others, 1.0)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Of a run while a program was watched: mean number of cores that others kept busy, cores there are."""

    others: float | None = None
    cores: int | None = None


@dataclass(frozen=True, slots=True)
class Between:
    """``ratio`` with its interval, of the times that ``share`` of the calls stay below."""

    ratio: Ratio
    share: float


def independent_ratio(
    a: Side,
    b: Side,
    spread: Sequence[float] = (RUN_TO_RUN,) * len(LEVELS),
    drift: float | None = None,
    around: tuple[Surroundings, Surroundings] = (Surroundings(), Surroundings()),
    same_code: bool = False,
) -> Between:
    """Time in run `b` ÷ time in run `a` with its interval, at the level where that is narrowest.

    `spread`: see `scatter` and `noise`. `drift`: time of a reference in b ÷ in a; the interval is made to hold the
    ratio with and without it, as nobody knows how much of it this program felt. None: unknown. An interval that the
    medians contradict is made to hold 1. `same_code`: that such a program changed nevertheless is unlikely; an interval
    that excludes 1 is then the one that holds those of all levels, at SAME_CODE_CONFIDENCE.
    """

    def at_levels(confidence: float) -> list[tuple[float, float, float]]:
        return [_at(level, a, b, spread[level], drift, around, confidence) for level in range(len(LEVELS))]

    found = at_levels(CONFIDENCE)
    best = min(range(len(LEVELS)), key=lambda level: found[level][2] - found[level][1])
    shift, low, high = found[best]
    if same_code and not low <= 0 <= high:
        every = at_levels(SAME_CODE_CONFIDENCE)
        low, high = min(each[1] for each in every), max(each[2] for each in every)
    if (b.levels[-1].log_ns - a.levels[-1].log_ns) * shift < 0:
        low, high = min(low, 0.0), max(high, 0.0)
    return Between(Ratio(exp(shift), exp(low), exp(high)), LEVELS[best])


def _at(
    level: int, a: Side, b: Side, spread: float, drift: float | None, around: tuple[Surroundings, Surroundings],
    confidence: float,
) -> tuple[float, float, float]:  # fmt: skip
    """Logarithm of the ratio at a level, and the ends of its interval."""
    one, two = a.levels[level], b.levels[level]
    shift = two.log_ns - one.log_ns
    half = NormalDist().inv_cdf((1 + confidence) / 2) * sqrt(one.error**2 + two.error**2 + spread**2)
    held = [log(held_up(each.others, each.cores, BUSY[level])) for each in around]
    low, high = shift - half - held[1], shift + half + held[0]
    if drift is not None:
        low, high = min(low, low - log(drift)), max(high, high - log(drift))
    return shift, low, high
