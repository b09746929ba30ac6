"""Outputs compared: NaN, infinities, scale, and arguments moved by a rounding error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from xlascope.engine.core.outputs import Difference, compare, nudged

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ([1.0, 2.0], [1.0, 2.5], Difference(0.5, 0.25, 0)),
        ([NAN, 2.0], [NAN, 2.0], Difference(0.0, 0.0, 0)),
        ([NAN, 2.0], [1.0, 2.0], Difference(0.0, 0.0, 1)),
        ([INF, -INF], [INF, INF], Difference(0.0, 0.0, 1)),
        ([INF], [INF], Difference(0.0, 0.0, 0)),
        ([NAN], [1.0], Difference(None, None, 1)),
        ([0.0], [1e-9], Difference(1e-9, 1.0, 0)),
        ([], [], Difference(None, None, 0)),
    ],
)
def test_compare(left: list[float], right: list[float], expected: Difference) -> None:
    assert compare([np.array(left)], [np.array(right)]) == expected


def test_kinds() -> None:
    assert compare([np.array([True, False])], [np.array([True, True])]) == Difference(1.0, 1.0, 0)
    assert compare([np.array([1 + 1j])], [np.array([1 + 2j])]).absolute == 1.0
    assert compare([np.array([200], np.uint8)], [np.array([100], np.uint8)]).absolute == 100.0
    assert compare([np.array([1], np.uint8)], [np.array([2], np.uint8)]).absolute == 1.0


def test_other_shapes_and_counts() -> None:
    with pytest.raises(ValueError):
        compare([np.zeros(2)], [np.zeros(3)])
    with pytest.raises(ValueError):
        compare([np.zeros(2)], [])


@given(arrays.arrays(np.float32, arrays.array_shapes(max_dims=2, max_side=4), elements=st.floats(width=32)))
def test_an_array_equals_itself(values: np.ndarray) -> None:
    found = compare([values], [values.copy()])
    assert found.mismatched == 0 and found.absolute == 0.0


@given(arrays.arrays(np.float32, 5, elements=st.floats(1, 1e6, width=32)))
def test_nudged_moves_each_value_a_little(values: np.ndarray) -> None:
    (moved,) = nudged([values])
    assert moved.dtype == values.dtype and (moved != values).all()
    np.testing.assert_allclose(moved, values, rtol=3e-7)


def test_nudged_leaves_integers() -> None:
    assert nudged([np.arange(3)])[0].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("left", "right", "ulp"),
    [
        (np.float32([1.0, 2.0]), np.nextafter(np.float32([1.0, 2.0]), np.float32(9)), 1),
        (np.float32([0.0]), np.float32([-0.0]), 0),
        (np.float32([1e-45]), np.float32([-1e-45]), 2),
        (np.float64([1.0]), np.float64([1.0 + 2**-50]), 4),
        (np.float64([1e308]), np.float64([-1e308]), 2 * int(np.float64(1e308).view(np.int64))),
        (np.float16([1.0, NAN]), np.float16([1.0, NAN]), 0),
        (np.complex64([1 + 1j]), np.complex64([1 + np.nextafter(np.float32(1), np.float32(2)) * 1j]), 1),
        (np.int32([1]), np.int32([5]), None),
    ],
)
def test_units_in_the_last_place(left: np.ndarray, right: np.ndarray, ulp: int | None) -> None:
    assert compare([left], [right]).ulp == ulp


def test_units_are_those_of_the_outputs_own_type() -> None:
    import ml_dtypes

    one, next_one = np.array([1.0], ml_dtypes.bfloat16), np.array([1.0078125], ml_dtypes.bfloat16)
    assert compare([one], [next_one]).ulp == 1
    assert compare([one.astype(np.float32)], [next_one.astype(np.float32)]).ulp == 1 << 16


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.integers(0, 200))
def test_units_count_the_steps_between(value: float, steps: int) -> None:
    start = np.float32([value])
    end = start.copy()
    for _ in range(steps):
        end = np.nextafter(end, np.float32(-1) if value > 0 else np.float32(1))
    if np.isfinite(end).all():
        found = compare([start], [end]).ulp
        assert found == steps or (abs(value) < 1 and found is not None and found <= steps)


def test_the_first_output_that_differs_and_what_is_not_finite() -> None:
    found = compare([np.ones(2), np.array([1.0, INF])], [np.ones(2), np.array([NAN, NAN])])
    assert (found.first, found.nan, found.infinite) == (1, (0, 2), (1, 0))
    assert compare([np.ones(2)], [np.ones(2)]).first is None
