"""Summary, paired ratio, verdict and stopping rule on exact and generated inputs."""

from __future__ import annotations

from itertools import product
from math import comb, inf, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlascope.stats import Ratio, Summary, enough, opposed, paired_ratio, summarize, verdict
from xlascope.stats.ratio import MAX_BLOCKS, MIN_PAIRS, _signed_rank_quantile
from xlascope.stats.summary import order_interval

TIMES = st.floats(min_value=1, max_value=1e12)


def test_summary_of_known_samples() -> None:
    assert summarize(range(1, 11)) == Summary(5.5, 2.0, 9.0, 10)
    assert summarize([3, 1, 2]) == Summary(2.0, None, None, 3)


@pytest.mark.parametrize("samples", [[], [1.0, float("nan")], [float("inf")]])
def test_summary_refuses(samples: list[float]) -> None:
    with pytest.raises(ValueError):
        summarize(samples)


@given(st.integers(6, 1000))
def test_order_interval_is_the_narrowest_that_holds(count: int) -> None:
    interval = order_interval(count)
    assert interval is not None
    low, high = interval
    assert high == count - 1 - low

    def inside(first: int) -> float:
        """P(the median lies between positions `first` and its mirror), from the binomial distribution."""
        return 1 - 2 * sum(comb(count, k) for k in range(first + 1)) / 2**count

    assert inside(low) >= 0.95
    assert inside(low + 1) < 0.95


def test_order_interval_joins_its_approximation() -> None:
    below, above = order_interval(1000), order_interval(1002)
    assert below is not None and above is not None
    assert abs(above[0] - below[0] - 1) <= 1
    assert order_interval(5) is None


@given(st.lists(TIMES, min_size=1, max_size=200))
def test_summary_holds_its_median(samples: list[float]) -> None:
    summary = summarize(samples)
    assert min(samples) <= summary.median_ns <= max(samples)
    if summary.ci_low_ns is not None and summary.ci_high_ns is not None:
        assert summary.ci_low_ns <= summary.median_ns <= summary.ci_high_ns


@pytest.mark.parametrize("count", range(1, 13))
def test_signed_rank_quantile_by_enumeration(count: int) -> None:
    """All sign patterns of the ranks, one by one."""
    sums = [sum(r for r, s in enumerate(signs, 1) if s) for signs in product((0, 1), repeat=count)]
    fitting = [k for k in range(max(sums) + 1) if sum(s <= k for s in sums) / 2**count <= 0.025]
    assert _signed_rank_quantile(count, 0.025) == (max(fitting) if fitting else None)


@given(st.lists(TIMES, min_size=1, max_size=80), st.floats(0.1, 10))
def test_an_exact_factor_is_found(samples: list[float], factor: float) -> None:
    ratio = paired_ratio(samples, [sample * factor for sample in samples])
    assert ratio is not None
    assert ratio.ratio == pytest.approx(factor)
    if len(samples) >= 6:
        assert ratio.low == pytest.approx(factor) == ratio.high
    else:
        assert (ratio.low, ratio.high) == (0.0, inf)


@given(st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=60))
def test_the_inverse_question_has_the_inverse_answer(pairs: list[tuple[float, float]]) -> None:
    a, b = zip(*pairs, strict=True)
    forth, back = paired_ratio(a, b), paired_ratio(b, a)
    assert forth is not None and back is not None
    assert forth.ratio * back.ratio == pytest.approx(1)
    assert forth.low <= forth.ratio * (1 + 1e-12) and forth.ratio <= forth.high * (1 + 1e-12)
    if len(pairs) >= 6:
        assert forth.low * back.high == pytest.approx(1)


@pytest.mark.parametrize("count", [MAX_BLOCKS, MAX_BLOCKS + 1, 10 * MAX_BLOCKS + 7])
def test_a_quarter_of_outliers_does_no_harm(count: int) -> None:
    rng = np.random.default_rng(3)
    base = rng.lognormal(0, 0.01, count)
    variant = 1.1 * rng.lognormal(0, 0.01, count)
    wild = rng.uniform(size=count) < 0.25
    variant[wild] *= 50
    ratio = paired_ratio(base, variant)
    assert ratio is not None and ratio.ratio == pytest.approx(1.1, rel=0.02)


def test_an_unpaired_sample_is_left_out() -> None:
    assert paired_ratio([1.0] * 8, [2.0] * 7) == paired_ratio([1.0] * 7, [2.0] * 7)
    assert paired_ratio([1.0], []) is None


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_ratio_refuses_what_is_no_time(bad: float) -> None:
    with pytest.raises(ValueError):
        paired_ratio([1.0, bad], [1.0, 1.0])


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (None, None),
        (Ratio(1.05, 1.04, 1.06), "slower"),
        (Ratio(0.95, 0.94, 0.96), "faster"),
        (Ratio(1.0, 0.98, 1.02), "same"),
        (Ratio(1.005, 1.001, 1.009), "same"),
        (Ratio(1.01, 1.001, 1.02), "slower"),
        (Ratio(0.991, 0.985, 0.997), "same"),
        (Ratio(1.02, 0.99, 1.05), "unclear"),
        (Ratio(1.0, 0.0, inf), "unclear"),
    ],
)
def test_verdict(ratio: Ratio | None, expected: str | None) -> None:
    assert verdict(ratio) == expected


def test_verdict_with_other_limits() -> None:
    assert verdict(Ratio(1.05, 1.04, 1.06), min_effect=0.1, same=0.1) == "same"


def test_enough_stops_at_the_budget() -> None:
    assert enough([], [], 3.0, 3.0)
    assert not enough([1.0], [1.0], 2.9, 3.0)


def test_enough_stops_when_narrow_and_not_too_soon() -> None:
    steady = [1.0] * MIN_PAIRS
    assert enough(steady, steady, 1.0, 3.0)
    assert not enough(steady, steady, 0.01, 3.0)
    assert not enough(steady[1:], steady[1:], 1.0, 3.0)


def test_enough_goes_on_while_wide() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.lognormal(0, 0.5, MIN_PAIRS), rng.lognormal(0, 0.5, MIN_PAIRS)
    assert not enough(a, b, 1.0, 3.0)
    assert enough(a, b, 1.0, 3.0, target=2.0)


def test_pairs_that_are_like_their_neighbours_count_for_fewer() -> None:
    """Each value five times in a row holds a fifth of what as many independent ones hold."""
    rng = np.random.default_rng(3)
    logs = np.repeat(rng.normal(0, 0.05, 50), 5)
    in_order = paired_ratio(np.ones(250), np.exp(logs))
    mixed = paired_ratio(np.ones(250), np.exp(rng.permutation(logs)))
    assert in_order is not None and mixed is not None
    assert 1.6 < (in_order.high - in_order.low) / (mixed.high - mixed.low) < sqrt(5)


@pytest.mark.parametrize("turned", [False, True])
def test_no_sure_verdict_against_the_medians(turned: bool) -> None:
    """A machine of two speeds, which a tenth of the pairs straddle: nine in ten pairs say 1.2, the medians 0.6."""
    pairs = [(10.0, 12.0)] * 45 + [(20.0, 12.0)] * 10 + [(20.0, 24.0)] * 45
    one, two = ([each[place] for each in pairs] for place in ((1, 0) if turned else (0, 1)))
    ratio = paired_ratio(one, two)
    assert ratio is not None and (ratio.high < 1 if turned else ratio.low > 1)
    medians = summarize(one).median_ns, summarize(two).median_ns
    assert opposed(ratio.low, ratio.high, *medians) == pytest.approx(1 / 0.6 if turned else 0.6)
    assert (verdict(ratio), verdict(ratio, medians=medians)) == ("faster" if turned else "slower", "unclear")


def test_medians_that_agree_or_are_unknown_deny_nothing() -> None:
    assert opposed(1.02, 1.25, 100.0, 101.0) is None and opposed(1.02, 1.25, 100.0, 100.0) is None
    assert opposed(0.98, 1.25, 100.0, 90.0) is None
    assert opposed(1.02, 1.25, None, 90.0) is None and opposed(None, None, 100.0, 90.0) is None
