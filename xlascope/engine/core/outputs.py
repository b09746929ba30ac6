"""Outputs of a variant against those of its baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    """

    absolute: float | None
    relative: float | None
    mismatched: int


def compare(baseline: Sequence[NDArray[Any]], variant: Sequence[NDArray[Any]]) -> Difference:
    """Compare output by output. Raises ValueError when their number or shapes differ."""
    absolute, relative, mismatched, compared = 0.0, 0.0, 0, False
    for left, right in zip(baseline, variant, strict=True):
        if left.shape != right.shape:
            raise ValueError(f"an output has shape {right.shape} in the variant and {left.shape} in the baseline")
        a, b = _numbers(left), _numbers(right)
        finite = np.isfinite(a) & np.isfinite(b)
        with np.errstate(invalid="ignore"):
            same = (a == b) | (np.isnan(a) & np.isnan(b))
        mismatched += int(np.count_nonzero(~finite & ~same))
        compared = compared or bool(finite.any()) or bool(same.any())
        if finite.any():
            difference = float(np.max(np.abs(a[finite] - b[finite])))
            scale = float(np.max(np.abs(a[finite])))
            absolute = max(absolute, difference)
            relative = max(relative, difference / scale if scale else (0.0 if difference == 0 else 1.0))
    return Difference(absolute, relative, mismatched) if compared else Difference(None, None, mismatched)


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
