"""Simulated timing noise of a shared machine, and a measurement of two programs in turn under it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xlascope.stats import Ratio, Verdict, enough, paired_ratio, verdict


@dataclass(frozen=True)
class Noise:
    """Log-normal noise of `sigma`, with autocorrelation, linear drift over the budget, bursts and rare outliers.

    `rho`: lag-1 correlation between neighbouring calls of the slow part, which has the same size as the fast one.
    """

    sigma: float
    rho: float = 0.7
    drift: float = 0.1
    burst_share: float = 0.1
    burst_size: float = 0.5
    burst_s: float = 0.05
    outlier_share: float = 0.02


@dataclass(frozen=True)
class Outcome:
    verdict: Verdict | None
    ratio: Ratio
    pairs: int
    elapsed_s: float


def measure(base_s: float, true_ratio: float, noise: Noise, rng: np.random.Generator, budget_s: float = 3.0) -> Outcome:
    """Measure A B A B … until `enough` says so; time is what the simulated calls took."""
    a, b, elapsed, bursts = [], [], 0.0, _bursts(noise, rng, budget_s)
    slow = 0.0
    buffer = _draws(rng)
    while not enough(a, b, elapsed, budget_s):
        for samples, factor in ((a, 1.0), (b, true_ratio)):
            fast, step, luck, size = next(buffer)
            slow = noise.rho * slow + np.sqrt(1 - noise.rho**2) * step
            log = noise.sigma * (fast + slow) + noise.drift * elapsed / budget_s
            if any(start <= elapsed < end for start, end in bursts):
                log += noise.burst_size
            if luck < noise.outlier_share:
                log += abs(size)
            call = base_s * factor * np.exp(log)
            samples.append(call * 1e9)
            elapsed += call
    ratio = paired_ratio(a, b)
    assert ratio is not None
    return Outcome(verdict(ratio, medians=(float(np.median(a)), float(np.median(b)))), ratio, len(b), elapsed)


def _bursts(noise: Noise, rng: np.random.Generator, budget_s: float) -> list[tuple[float, float]]:
    count = rng.poisson(noise.burst_share * budget_s / noise.burst_s)
    starts = rng.uniform(0, budget_s, count)
    return [(start, start + rng.exponential(noise.burst_s)) for start in starts]


def _draws(rng: np.random.Generator):
    """(normal, normal, uniform, normal) without end, drawn in blocks."""
    while True:
        normal, uniform = rng.normal(size=(4096, 3)), rng.uniform(size=4096)
        yield from zip(normal[:, 0], normal[:, 1], uniform, normal[:, 2], strict=True)
