"""When an op really ended: `end: NAME` events matched to the ops they close, and ends whose op is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xlascope.traces.collect import Rows
from xlascope.traces.wire import I64


@dataclass(frozen=True, slots=True)
class Ends:
    """`end` is valid where `marked`; `orphans` are positions of the markers that close no op of the profile."""

    end: I64
    marked: np.ndarray
    orphans: I64


def match_ends(key: I64, start: I64, op: I64, end_key: I64, end_time: I64, end_name: I64) -> Ends:
    """Match ops to markers: the marker's key (`_c`) is the op's (`_p`), its name the op's, its time not before.

    `key` is -1 for an op without one. Of several markers with one key the first is taken.
    """
    if not end_key.size:
        return Ends(start.copy(), np.zeros(len(start), bool), np.zeros(0, np.int64))
    order = np.lexsort((end_time, end_key))
    keys = end_key[order]
    slot = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    position = order[slot]
    marked = (keys[slot] == key) & (key != -1) & (end_name[position] == op) & (end_time[position] >= start)
    used = np.zeros(len(end_key), bool)
    used[position[marked]] = True
    return Ends(end_time[position], marked, np.flatnonzero(~used))


def attribute_orphans(key: I64, start: I64, end: I64, orphans: I64, ends: Rows) -> I64:
    """For each orphan marker an op event of the same execution, or -1.

    Keys count up per thread, so an orphan's neighbours in key order are of its execution or of the one beside it.
    Between two executions the nearer in time is taken.
    """
    if not orphans.size or not key.size:
        return np.full(len(orphans), -1, np.int64)
    order = np.argsort(key, kind="stable")
    keys = key[order]
    wanted = ends.joined("key")[orphans]
    time = ends.joined("time")[orphans]
    after = np.searchsorted(keys, wanted)
    left, right = order[np.maximum(after - 1, 0)], order[np.minimum(after, len(keys) - 1)]
    far = np.int64(1) << 62
    thread = wanted >> 32
    gap_left = np.where((after > 0) & (key[left] >> 32 == thread), np.maximum(time - end[left], 0), far)
    gap_right = np.where((after < len(keys)) & (key[right] >> 32 == thread), np.maximum(start[right] - time, 0), far)
    owner = np.where(gap_left < gap_right, left, right)
    return np.where(np.minimum(gap_left, gap_right) < far, owner, -1)
