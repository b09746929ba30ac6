"""The rules of verdict and stopping under simulated noise: what a user is told must be true."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tests.stats.noise import Noise, Outcome, measure

BASES_S = (1e-4, 1e-3, 1e-2)
NOISE = Noise(sigma=0.03)


def outcomes(base_s: float, true_ratio: float, noise: Noise = NOISE, seed: int = 20261) -> list[Outcome]:
    rng = np.random.default_rng(seed)
    return [measure(base_s, true_ratio, noise, rng) for _ in range(100)]


@pytest.mark.parametrize("base_s", BASES_S)
def test_a_switch_that_does_nothing_is_same(base_s: float) -> None:
    found = outcomes(base_s, 1.0)
    told = Counter(outcome.verdict for outcome in found)
    assert told["slower"] + told["faster"] <= 5
    assert told["same"] >= 90
    assert max(outcome.elapsed_s for outcome in found) <= 3.1


@pytest.mark.parametrize("base_s", BASES_S)
def test_a_planted_delay_is_slower(base_s: float) -> None:
    told = Counter(outcome.verdict for outcome in outcomes(base_s, 1.05))
    assert told["slower"] >= 95


@pytest.mark.parametrize("base_s", BASES_S)
def test_a_planted_gain_is_faster(base_s: float) -> None:
    told = Counter(outcome.verdict for outcome in outcomes(base_s, 1 / 1.05))
    assert told["faster"] >= 95


@pytest.mark.parametrize("true_ratio", [1.0, 1.05])
def test_the_interval_holds_the_truth(true_ratio: float) -> None:
    found = outcomes(1e-3, true_ratio, Noise(sigma=0.05), seed=7)
    assert sum(o.ratio.low <= true_ratio <= o.ratio.high for o in found) >= 90


def test_heavy_noise_is_never_told_as_an_effect() -> None:
    """Ten times the usual noise: the answer may be unclear, not wrong."""
    told = Counter(outcome.verdict for outcome in outcomes(1e-2, 1.0, Noise(sigma=0.3)))
    assert told["slower"] + told["faster"] <= 5


def test_quiet_programs_stop_early() -> None:
    found = outcomes(1e-3, 1.0, Noise(sigma=0.01, drift=0.0, burst_share=0.0))
    assert np.median([outcome.elapsed_s for outcome in found]) < 0.5
