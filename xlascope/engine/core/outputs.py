"""Outputs of a variant against those of its baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

NOTABLE = 1e-3
"""Relative differences above this are more than reordered float32 arithmetic usually gives."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Largest differences over all outputs; None when nothing could be compared.

    `relative` is the largest absolute difference of an output ÷ the largest magnitude in that output. Elements that
    are NaN, or the same infinity, on both sides are equal; `mismatched` counts those that are finite on one side only.
    `ulp`: the largest number of floating-point values of the output's own type that lie between the two, +1; None
    without floating-point outputs. `first`: position of the first output that differs. `nan` and `infinite` count
    elements of baseline and variant.
    """

    absolute: float | None
    relative: float | None
    mismatched: int
    ulp: int | None = field(default=None, compare=False)
    first: int | None = field(default=None, compare=False)
    nan: tuple[int, int] = field(default=(0, 0), compare=False)
    infinite: tuple[int, int] = field(default=(0, 0), compare=False)


def identical(baseline: Sequence[NDArray[Any]], variant: Sequence[NDArray[Any]]) -> bool:
    """Whether all outputs have the same bits."""
    if len(baseline) != len(variant):
        return False
    return all(
        left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
        for left, right in zip(baseline, variant, strict=True)
    )


def compare(baseline: Sequence[NDArray[Any]], variant: Sequence[NDArray[Any]]) -> Difference:
    """Compare output by output. Raises ValueError when their number or shapes differ."""
    absolute, relative, mismatched, compared = 0.0, 0.0, 0, False
    ulp: int | None = None
    first: int | None = None
    nan, infinite = [0, 0], [0, 0]
    for index, (left, right) in enumerate(zip(baseline, variant, strict=True)):
        if left.shape != right.shape:
            raise ValueError(f"an output has shape {right.shape} in the variant and {left.shape} in the baseline")
        a, b = _numbers(left), _numbers(right)
        for side, values in enumerate((a, b)):
            nan[side] += int(np.count_nonzero(np.isnan(values)))
            infinite[side] += int(np.count_nonzero(np.isinf(values)))
        finite = np.isfinite(a) & np.isfinite(b)
        with np.errstate(invalid="ignore"):
            same = (a == b) | (np.isnan(a) & np.isnan(b))
        if first is None and not same.all():
            first = index
        mismatched += int(np.count_nonzero(~finite & ~same))
        compared = compared or bool(finite.any()) or bool(same.any())
        if finite.any():
            difference = float(np.max(np.abs(a[finite] - b[finite])))
            scale = float(np.max(np.abs(a[finite])))
            absolute = max(absolute, difference)
            relative = max(relative, difference / scale if scale else (0.0 if difference == 0 else 1.0))
            steps = _ulps(left, right, finite)
            ulp = steps if ulp is None else max(ulp, steps or 0)
    counts = (nan[0], nan[1]), (infinite[0], infinite[1])
    if not compared:
        return Difference(None, None, mismatched, None, first, *counts)
    return Difference(absolute, relative, mismatched, ulp, first, *counts)


def _ulps(left: NDArray[Any], right: NDArray[Any], finite: NDArray[Any]) -> int | None:
    """The largest distance of two finite values, counted in values of their type; None for other types.

    The bits of a floating-point number, sign apart, are ordered as the numbers are; +0 and -0 are one value.
    """
    floating = left.dtype.kind in "fc" or (left.dtype.kind == "V" and "float" in left.dtype.name)
    if left.dtype != right.dtype or not floating:
        return None
    if left.dtype.kind == "c":
        half = np.dtype(f"f{left.dtype.itemsize // 2}")
        left, right, finite = left.reshape(-1).view(half), right.reshape(-1).view(half), np.repeat(finite, 2)
    if left.dtype.itemsize not in (1, 2, 4, 8):
        return None
    a, b = _ordered(left)[finite], _ordered(right)[finite]
    same_side = (a < 0) == (b < 0)
    with np.errstate(over="ignore"):
        near = np.abs(a - b)[same_side]
    # Of different signs the distance can pass what an int64 holds.
    far = max((abs(int(x)) + abs(int(y)) for x, y in _extremes(a[~same_side], b[~same_side])), default=0)
    return max(int(near.max(initial=0)), far)


def _ordered(values: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers that are ordered as the floating-point values are: 0 for zero, -1 for the one below."""
    size = values.dtype.itemsize
    bits = np.ascontiguousarray(values).reshape(-1).view(f"i{size}").astype(np.int64)
    magnitude = bits & ((1 << (8 * size - 1)) - 1)
    return np.where(bits < 0, -magnitude, magnitude)


def _extremes(a: NDArray[Any], b: NDArray[Any]) -> list[tuple[int, int]]:
    """The pair that lies furthest apart."""
    if not a.size:
        return []
    at = int(np.argmax(np.abs(a).astype(np.float64) + np.abs(b).astype(np.float64)))
    return [(int(a[at]), int(b[at]))]


def _numbers(values: NDArray[Any]) -> NDArray[Any]:
    """As float64 or complex128: exact for all but integers above 2**53."""
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64).reshape(-1)


def nudged(values: Sequence[Any]) -> list[Any]:
    """The same arguments with each floating-point value moved by about one unit in its last place."""
    moved = []
    for value in values:
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fc":
            moved.append(value)
            continue
        step = float(np.finfo(value.dtype).eps)
        signs = np.where(np.arange(value.size) % 2, 1 - step, 1 + step).reshape(value.shape)
        moved.append((value * signs).astype(value.dtype))
    return moved
