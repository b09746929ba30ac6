"""Sampling in turn, on subjects with a clock of their own."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

from xlascope.engine.core import measure
from xlascope.engine.core.measure import Cancelled, in_turn, statistics


class Clock:
    """Time that only calls spend."""

    def __init__(self) -> None:
        self.ns = 0

    def perf_counter_ns(self) -> int:
        return self.ns

    def perf_counter(self) -> float:
        return self.ns / 1e9


class Subject:
    def __init__(self, clock: Clock, name: str, log: list[str], call_ns: int, copied_bytes: int = 0) -> None:
        self.clock, self.name, self.log, self.call_ns, self.copied_bytes = clock, name, log, call_ns, copied_bytes
        self.prepared = 0

    def prepare(self, calls: int) -> list[int]:
        self.clock.ns += 10**6
        self.prepared = max(self.prepared, calls)
        return [0] * calls

    def call(self, arguments: Any) -> None:
        assert arguments == 0
        self.log.append(self.name)
        self.clock.ns += self.call_ns


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(measure, "time", made)
    return made


def test_times_are_of_one_call_and_copies_do_not_count(clock: Clock) -> None:
    log: list[str] = []
    pairs = in_turn(Subject(clock, "a", log, 1_000), Subject(clock, "b", log, 3_000), budget_s=1.0)
    assert (pairs.baseline_calls, pairs.variant_calls) == (100, 34)
    assert set(pairs.baseline) == {1_000} and set(pairs.variant) == {3_000}
    found = statistics(pairs)
    assert found["ratio"] == pytest.approx(3.0) and found["verdict"] == "slower"


def test_in_turn_and_neither_always_first(clock: Clock) -> None:
    log: list[str] = []
    slow = 200_000_000
    in_turn(Subject(clock, "a", log, slow), Subject(clock, "b", log, slow), budget_s=4.0)
    sampled = "".join(log[4:])
    assert len(sampled) >= 12 and sampled.startswith("abbaabba")
    assert log[:4] == ["a", "a", "b", "b"]


def test_short_calls_are_timed_with_their_own_caches(clock: Clock) -> None:
    log: list[str] = []
    in_turn(Subject(clock, "a", log, 10_000_000), Subject(clock, "b", log, 10_000_000), budget_s=1.0)
    assert "".join(log).lstrip("a").lstrip("b").startswith("aabbbaaabbbaaabb")


def test_arguments_of_both_are_made_before_either_is_sampled(clock: Clock) -> None:
    log: list[str] = []

    class Copying(Subject):
        def prepare(self, calls: int) -> list[int]:
            log.append(self.name.upper())
            return super().prepare(calls)

    in_turn(Copying(clock, "a", log, 50_000_000), Copying(clock, "b", log, 50_000_000), budget_s=0.5)
    assert "".join(log).removeprefix("AaAaBbBb").startswith("ABabBAbaABab")


def test_short_samples_have_a_lead_in_each(clock: Clock) -> None:
    log: list[str] = []
    in_turn(Subject(clock, "a", log, 100_000), Subject(clock, "b", log, 100_000), budget_s=0.1)
    assert "".join(log).lstrip("a").lstrip("b").startswith("aabbbbaaaabb")


def test_a_long_call_is_warmed_up_once_and_sampled_within_reason(clock: Clock) -> None:
    log: list[str] = []
    pairs = in_turn(Subject(clock, "a", log, 10**10), Subject(clock, "b", log, 10**10), budget_s=1.0)
    assert len(pairs.variant) == 1 and log == ["a", "b", "a", "b"]
    found = statistics(pairs)
    assert found["samples"] == 1 and found["ci_low_ns"] is None and found["ratio_ci_high"] is None
    assert found["ratio"] == pytest.approx(1.0) and found["verdict"] == "unclear"


def test_six_pairs_may_take_two_budgets(clock: Clock) -> None:
    log: list[str] = []
    pairs = in_turn(Subject(clock, "a", log, 10**8), Subject(clock, "b", log, 10**8), budget_s=1.0)
    assert len(pairs.variant) == 6 and statistics(pairs)["ci_low_ns"] is not None


def test_copies_bound_the_calls_of_a_sample(clock: Clock) -> None:
    log: list[str] = []
    big = Subject(clock, "a", log, 1_000, copied_bytes=100 << 20)
    pairs = in_turn(big, Subject(clock, "b", log, 1_000), budget_s=0.2)
    assert big.prepared - 1 == pairs.baseline_calls == 2


def test_cancel(clock: Clock) -> None:
    log: list[str] = []
    asked = iter(range(1000))
    with pytest.raises(Cancelled):
        in_turn(
            Subject(clock, "a", log, 10**7),
            Subject(clock, "b", log, 10**7),
            budget_s=10.0,
            cancelled=lambda: next(asked) > 20,
        )
    assert gc.isenabled()


def test_progress_counts_up_to_its_total(clock: Clock) -> None:
    told: list[tuple[int, int | None, float]] = []
    log: list[str] = []
    in_turn(
        Subject(clock, "a", log, 10**8),
        Subject(clock, "b", log, 10**8),
        budget_s=3.0,
        progress=lambda done, total, left: told.append((done, total, left)),
    )
    assert [done for done, _, _ in told] == list(range(1, len(told) + 1))
    assert all(total is not None and total >= done for done, total, _ in told)
    assert told[-1][2] == 0.0


def test_the_collector_is_off_while_sampling(clock: Clock) -> None:
    seen: list[bool] = []

    class Watching(Subject):
        def call(self, arguments: Any) -> None:
            seen.append(gc.isenabled())
            super().call(arguments)

    log: list[str] = []
    in_turn(Watching(clock, "a", log, 10**9), Subject(clock, "b", log, 10**9), budget_s=1.0)
    assert seen[-1] is False and gc.isenabled()


def test_a_noisy_pair_has_an_interval(clock: Clock) -> None:
    noise = np.random.default_rng(0)
    log: list[str] = []

    class Noisy(Subject):
        def call(self, arguments: Any) -> None:
            super().call(arguments)
            self.clock.ns += int(noise.integers(0, 10**6))

    pairs = in_turn(Noisy(clock, "a", log, 10**7), Noisy(clock, "b", log, 2 * 10**7), budget_s=3.0)
    found = statistics(pairs)
    assert found["ci_low_ns"] <= found["median_ns"] <= found["ci_high_ns"]
    assert found["ratio_ci_low"] < found["ratio"] < found["ratio_ci_high"] < 2.2 and found["verdict"] == "slower"
