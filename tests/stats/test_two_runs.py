"""The ratio of two runs: simulated runs, alike, slowed, disturbed."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest

from xlascope.stats import verdict
from xlascope.stats.runs import (
    BUSY,
    FEW_PROGRAMS,
    LEAST_CALLS,
    LEVELS,
    MOST_SCATTER,
    RUN_TO_RUN,
    Level,
    Side,
    Surroundings,
    held_up,
    independent_ratio,
    noise,
    scatter,
    side,
)


def simulated(seed: int, factor: float = 1.0, windows: int = 5, calls: int = 30) -> list[np.ndarray]:
    """Windows of a program: a run-to-run shift, windows that differ, and calls held up now and then."""
    random = np.random.default_rng(seed)
    base = 1e5 * factor * exp(random.normal(0, 0.012))
    found = []
    for _ in range(windows):
        level = base * exp(abs(random.normal(0, 0.02)))
        held = np.where(random.random(calls) < 0.3, random.uniform(1, 2, calls), 1.0)
        found.append(level * np.exp(np.abs(random.normal(0, 0.03, calls))) * held)
    return found


def sides(a: int, b: int, factor: float = 1.0) -> tuple[Side, Side]:
    first, second = side(simulated(a)), side(simulated(b, factor))
    assert first is not None and second is not None
    return first, second


def test_runs_of_the_same_program_get_a_verdict_at_most_once_in_twenty() -> None:
    said = [verdict(independent_ratio(*sides(k, 1000 + k)).ratio, same=0.05) for k in range(200)]
    assert sum(each in ("slower", "faster") for each in said) <= 10


def test_a_slowdown_is_found_in_nineteen_of_twenty() -> None:
    said = [verdict(independent_ratio(*sides(k, 1000 + k, 1.18)).ratio, same=0.05) for k in range(200)]
    assert said.count("slower") >= 190 and "faster" not in said


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.1, 3.0])
def test_the_interval_holds_the_truth(factor: float) -> None:
    found = [independent_ratio(*sides(k, 5000 + k, factor)).ratio for k in range(100)]
    assert sum(each.low <= factor <= each.high for each in found) >= 93


def test_few_calls_say_nothing() -> None:
    assert side([np.ones(LEAST_CALLS - 1)]) is None
    assert side([]) is None
    assert side([np.ones(4), np.ones(LEAST_CALLS - 4)]) is not None
    with pytest.raises(ValueError, match="positive"):
        side([np.zeros(20)])


def told(*ns: float, error: float = 0.001) -> Side:
    """A side whose levels are these times."""
    return Side(tuple(Level(log(each), error) for each in ns), 50, 5)


def test_what_the_machine_did_is_in_the_interval() -> None:
    a, b = told(100, 100, 100), told(104, 104, 104)
    plain, drifted = independent_ratio(a, b).ratio, independent_ratio(a, b, drift=1.2).ratio
    assert drifted.high == plain.high and drifted.low == pytest.approx(plain.low / 1.2)
    assert independent_ratio(a, b, drift=0.8).ratio.high == pytest.approx(plain.high / 0.8)
    busy = independent_ratio(a, b, around=(Surroundings(1.0, 3), Surroundings(1.0, 2))).ratio
    assert busy.low == pytest.approx(plain.low / 2) and busy.high == pytest.approx(plain.high * 1.5)


def test_where_others_kept_cores_busy_now_and_then_quick_calls_are_taken() -> None:
    a, b = told(100, 110, 120), told(100, 110, 120)
    assert independent_ratio(a, b, around=(Surroundings(0.2, 2), Surroundings(0.5, 2))).share == LEVELS[0]


def test_the_level_that_tells_most_is_taken() -> None:
    """A processor whose speed wanders: the best moments of two runs differ, the middle does not."""
    steady = Level(log(100), 0.01)
    a = Side((Level(log(70), 0.1), Level(log(90), 0.03), steady), 50, 5)
    b = Side((Level(log(60), 0.1), Level(log(90), 0.03), Level(log(110), 0.01)), 50, 5)
    found = independent_ratio(a, b)
    assert found.share == 0.5 and found.ratio.ratio == pytest.approx(1.1)
    assert found.ratio.low > 1
    noisy_median = independent_ratio(a, b, spread=(0.02, 0.02, 0.3))
    assert noisy_median.share == 0.25


def test_medians_that_contradict_leave_it_open() -> None:
    a = Side((Level(log(100), 0.001), Level(log(100), 0.1), Level(log(200), 0.1)), 50, 5)
    b = Side((Level(log(120), 0.001), Level(log(120), 0.1), Level(log(190), 0.1)), 50, 5)
    found = independent_ratio(a, b)
    assert found.share == LEVELS[0]
    assert found.ratio.low <= 1 <= found.ratio.high and verdict(found.ratio) == "unclear"


def test_a_change_of_a_program_whose_code_is_the_same_has_to_be_larger() -> None:
    a, b = told(100, 100, 100), told(105, 105, 105)
    assert independent_ratio(a, b).ratio.low > 1 > independent_ratio(a, b, same_code=True).ratio.low
    same = independent_ratio(a, told(102, 102, 102), same_code=True)
    assert same == independent_ratio(a, told(102, 102, 102))  # it holds 1 anyway
    far = independent_ratio(a, told(150, 150, 150), same_code=True).ratio
    assert far.low > 1.4 and far.ratio == pytest.approx(1.5)


def test_a_change_of_the_same_code_shows_at_every_level() -> None:
    a, b = told(100, 100, 100), told(140, 140, 101)
    assert independent_ratio(a, b, spread=(0.01, 0.02, 0.02)).ratio.low > 1.3
    found = independent_ratio(a, b, spread=(0.01, 0.02, 0.02), same_code=True).ratio
    assert found.low < 1 < found.ratio == pytest.approx(1.4) and verdict(found) == "unclear"


def pair(shift: float, error: float = 0.0) -> tuple[Side, Side]:
    return Side((Level(5.0, error),) * 3, 50, 5), Side((Level(5.0 + shift, error),) * 3, 50, 5)


def test_scatter_is_not_moved_by_one_program_that_changed() -> None:
    assert scatter([pair(0.5), pair(0.001), pair(0.0), pair(-0.001)]) == (RUN_TO_RUN,) * 3
    assert scatter([pair(0.5), pair(-0.5), pair(0.2), pair(-0.3)]) == (MOST_SCATTER,) * 3
    assert scatter([pair(0.5), pair(-0.5)]) == (FEW_PROGRAMS,) * 3 and FEW_PROGRAMS > RUN_TO_RUN


def test_programs_of_the_same_code_tell_what_the_machine_did() -> None:
    assert noise([pair(0.5), pair(0.5), pair(0.5)]) == (0.0,) * 3
    quiet = noise([pair(0.7), pair(0.01), pair(0.0), pair(-0.02), pair(0.01)])  # one waits in a callback
    assert quiet == pytest.approx((1.4826 * 0.01,) * 3)
    slow = [pair(shift) for shift in (0.14, 0.29, 0.23, 0.05, 0.58, 0.32)]
    shaken = noise(slow)
    assert shaken == pytest.approx((1.4826 * 0.26,) * 3)
    assert {verdict(independent_ratio(one, two, shaken).ratio) for one, two in slow} == {"unclear"}
    assert verdict(independent_ratio(*pair(0.7), spread=quiet).ratio) == "slower"


def test_what_chance_does_is_not_taken_for_the_machine() -> None:
    apart = [pair(shift, 0.05) for shift in (0.06, -0.05, 0.02, -0.07, 0.08)]
    chance = 2 * 0.05**2
    assert noise(apart) == pytest.approx((((1.4826 * 0.06) ** 2 - chance) ** 0.5,) * 3)
    assert noise([pair(0.01, 0.05)] * 4) == (0.0,) * 3


@pytest.mark.parametrize("noisy", [0.03, 0.2])
def test_the_error_of_a_level_is_what_it_varies_by(noisy: float) -> None:
    """Windows of unequal length in a series whose neighbours are alike."""
    random = np.random.default_rng(1)

    def one() -> Side:
        series = np.zeros(600)
        for k in range(1, len(series)):
            series[k] = 0.7 * series[k - 1] + random.normal(0, noisy)
        parts = ((0, 70), (100, 112), (150, 153), (200, 203), (300, 320), (400, 403), (500, 503))
        made = side([1e5 * np.exp(series[begin:end]) for begin, end in parts])
        assert made is not None
        return made

    many = [one() for _ in range(300)]
    for level in range(len(LEVELS)):
        truth = np.std([each.levels[level].log_ns for each in many])
        said = np.median([each.levels[level].error for each in many])
        assert 0.7 * truth < said < 1.5 * truth


def test_a_side_says_the_same_each_time() -> None:
    windows = simulated(7)
    assert side(windows) == side(windows)
    made = side(windows)
    assert made is not None
    assert made.ns(0.25) == pytest.approx(np.exp(np.quantile(np.log(np.concatenate(windows)), 0.25)))


def test_very_many_calls_are_summed_up_from_some() -> None:
    random = np.random.default_rng(2)
    many, few = (side([np.exp(random.normal(9, 0.1, size)) for _ in range(10)]) for size in (20_000, 400))
    assert many is not None and few is not None
    assert many.calls == 200_000
    assert all(0 < each.error < other.error * 2 for each, other in zip(many.levels, few.levels, strict=True))


@pytest.mark.parametrize(("others", "cores", "factor"), [
    (None, 8, 1.0), (0.1, 2, 1.0), (1.0, 2, 2.0), (5.0, 2, 2.0), (4.0, 8, 2.0), (1.0, None, 1.0),
])  # fmt: skip
def test_how_far_others_can_hold_a_program_up(others: float | None, cores: int | None, factor: float) -> None:
    assert held_up(others, cores) == factor
    assert held_up(0.2, 2, BUSY[-1]) == pytest.approx(2 / 1.8) and held_up(0.2, 2) == 1.0
