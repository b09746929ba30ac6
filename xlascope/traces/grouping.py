"""Numbering the distinct values of a column without sorting it, where their range allows."""

from __future__ import annotations

from typing import Final

import numpy as np

from xlascope.traces.wire import I64

GROUPED: Final = 4
"""How many times as wide as a column is long its range may be, so that counting through the range is quicker."""


def distinct(values: I64) -> tuple[I64, I64]:
    """The distinct values in order, and for each element the position of its value."""
    if not values.size:
        return values, np.zeros(0, np.int64)
    low = int(values.min())
    limit = int(values.max()) - low + 1
    if limit > GROUPED * len(values) + 65536:
        found, position = np.unique(values, return_inverse=True)
        return found, position
    found, position = grouped(values - low, limit)
    return found + low, position


def grouped(values: I64, limit: int) -> tuple[I64, I64]:
    """The distinct values in order, and for each element the position of its value. All lie in 0 … limit-1."""
    if limit > GROUPED * len(values) + 65536:
        distinct, position = np.unique(values, return_inverse=True)
        return distinct, position
    there = np.zeros(limit, bool)
    there[values] = True
    distinct = np.flatnonzero(there)
    table = np.zeros(limit, np.int64)
    table[distinct] = np.arange(len(distinct))
    return distinct, table[values]
