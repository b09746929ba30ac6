"""Whether a difference between two variants is the program's own sensitivity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from xlascope.engine.core.outputs import Difference
from xlascope.engine.core.variant import is_chaotic, matches


def chaos(values: Sequence[Any]) -> list[Any]:
    (x,) = values
    for _ in range(200):
        x = np.float32(3.99) * x * (1 - x)
    return [x]


def calm(values: Sequence[Any]) -> list[Any]:
    return [np.sin(values[0])]


def overflow(values: Sequence[Any]) -> list[Any]:
    """Finite or not by a rounding error."""
    return [np.where(values[0] > np.float32(0.3), np.float32(np.inf), values[0])]


ARGUMENTS = [np.full(8, 0.3, np.float32)]
LARGE, SMALL, NAN = Difference(0.5, 0.5, 0), Difference(1e-7, 1e-7, 0), Difference(0.0, 0.0, 3)


@pytest.mark.parametrize(
    ("difference", "random", "run", "expected"),
    [
        (LARGE, False, chaos, True),
        (LARGE, False, calm, False),
        (SMALL, False, chaos, False),
        (SMALL, True, calm, True),
        (NAN, False, calm, False),
        (NAN, False, overflow, True),
        (Difference(None, None, 0), False, chaos, False),
    ],
)
def test_is_chaotic(difference: Difference, random: bool, run: Any, expected: bool) -> None:
    assert is_chaotic(difference, random, run, lambda: ARGUMENTS) is expected


def test_nothing_is_run_without_a_notable_difference() -> None:
    def never(values: Sequence[Any]) -> list[Any]:
        raise AssertionError

    assert is_chaotic(SMALL, False, never, lambda: ARGUMENTS) is False


def test_matches() -> None:
    text = "ENTRY main {\n  ROOT neg = f32[] negate(x)\n}"
    assert matches(text.replace("neg =", "other =").encode(), text) is True
    assert matches(text.replace("negate", "cosine").encode(), text) is False
    assert matches(None, text) is None
