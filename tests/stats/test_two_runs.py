"""The ratio of two runs: simulated runs, alike, slowed, disturbed."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest

from xlascope.stats import verdict
from xlascope.stats.runs import (
    FEW_PROGRAMS,
    LEAST_CALLS,
    MOST_SCATTER,
    RUN_TO_RUN,
    Side,
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
    said = [verdict(independent_ratio(*sides(k, 1000 + k)), same=0.05) for k in range(200)]
    assert sum(each in ("slower", "faster") for each in said) <= 10


def test_a_slowdown_is_found_in_nineteen_of_twenty() -> None:
    said = [verdict(independent_ratio(*sides(k, 1000 + k, 1.18)), same=0.05) for k in range(200)]
    assert said.count("slower") >= 190 and "faster" not in said


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.1, 3.0])
def test_the_interval_holds_the_truth(factor: float) -> None:
    found = [independent_ratio(*sides(k, 5000 + k, factor)) for k in range(100)]
    assert sum(each.low <= factor <= each.high for each in found) >= 93


def test_few_calls_say_nothing() -> None:
    assert side([np.ones(LEAST_CALLS - 1)]) is None
    assert side([]) is None
    assert side([np.ones(4), np.ones(LEAST_CALLS - 4)]) is not None
    with pytest.raises(ValueError, match="positive"):
        side([np.zeros(20)])


def test_what_the_machine_did_is_in_the_interval() -> None:
    a, b = sides(1, 2)
    plain, drifted = independent_ratio(a, b), independent_ratio(a, b, drift=1.2)
    assert drifted.high == plain.high and drifted.low == pytest.approx(plain.low / 1.2)
    assert independent_ratio(a, b, drift=0.8).high == pytest.approx(plain.high / 0.8)
    busy = independent_ratio(a, b, held=(1.5, 2.0))
    assert busy.low == pytest.approx(plain.low / 2) and busy.high == pytest.approx(plain.high * 1.5)


def test_medians_that_contradict_leave_it_open() -> None:
    a, b = Side(log(100), 0.001, log(200), 50, 5), Side(log(120), 0.001, log(190), 50, 5)
    ratio = independent_ratio(a, b)
    assert ratio.low <= 1 <= ratio.high and verdict(ratio) == "unclear"


def test_scatter_is_not_moved_by_one_program_that_changed() -> None:
    def pair(shift: float) -> tuple[Side, Side]:
        return Side(5.0, 0.0, 5.0, 50, 5), Side(5.0 + shift, 0.0, 5.0 + shift, 50, 5)

    assert scatter([pair(0.5), pair(0.001), pair(0.0), pair(-0.001)]) == RUN_TO_RUN
    assert scatter([pair(0.5), pair(-0.5), pair(0.2), pair(-0.3)]) == MOST_SCATTER
    assert scatter([pair(0.5), pair(-0.5)]) == FEW_PROGRAMS > RUN_TO_RUN


def test_programs_of_the_same_code_tell_what_the_machine_did() -> None:
    def pair(shift: float) -> tuple[Side, Side]:
        return Side(5.0, 0.0, 5.0, 50, 5), Side(5.0 + shift, 0.0, 5.0 + shift, 50, 5)

    assert noise([pair(0.5), pair(0.5), pair(0.5)]) == 0.0
    quiet = noise([pair(0.7), pair(0.01), pair(0.0), pair(-0.02), pair(0.01)])  # one waits in a callback
    assert quiet == pytest.approx(1.4826 * 0.01)
    slow = [pair(shift) for shift in (0.14, 0.29, 0.23, 0.05, 0.58, 0.32)]
    shaken = noise(slow)
    assert shaken == pytest.approx(1.4826 * 0.26)
    assert {verdict(independent_ratio(one, two, shaken)) for one, two in slow} == {"unclear"}
    assert verdict(independent_ratio(*pair(0.7), run_to_run=quiet)) == "slower"


@pytest.mark.parametrize(("others", "cores", "factor"), [
    (None, 8, 1.0), (0.1, 2, 1.0), (1.0, 2, 2.0), (5.0, 2, 2.0), (4.0, 8, 2.0), (1.0, None, 1.0),
])  # fmt: skip
def test_how_far_others_can_hold_a_program_up(others: float | None, cores: int | None, factor: float) -> None:
    assert held_up(others, cores) == factor
