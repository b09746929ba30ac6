"""When an op really ended: `end: NAME` events matched to the ops they close, and ends whose op is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xlascope.traces.collect import Rows
from xlascope.traces.grouping import distinct
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


def attribute_orphans(ops: Rows, device: I64, end: I64, orphans: I64, ends: Rows) -> I64:
    """For each orphan marker an op event of the same execution, or -1.

    Keys count up per thread, so an orphan's neighbours in key order are of its execution or of the one beside it.
    Between two executions it is that whose program has such an op, then that which has it less often, then the nearer.
    """
    key, start = ops.joined("_p"), ops.joined("start")
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
    takes_left = gap_left < gap_right
    both = np.flatnonzero((gap_left < far) & (gap_right < far))
    name = ends.joined("name")[orphans[both]]
    takes_left[both] = _likelier(ops, device, left[both], right[both], name, takes_left[both])
    owner = np.where(takes_left, left, right)
    return np.where(np.minimum(gap_left, gap_right) < far, owner, -1)


def _likelier(ops: Rows, device: I64, left: I64, right: I64, name: I64, nearer: np.ndarray) -> np.ndarray:
    """Whether an op of this name was lost by the execution of `left`, not of `right`; `nearer` where nothing tells."""
    rows = np.flatnonzero(np.isin(ops.joined("program_id"), ops.joined("program_id")[np.concatenate((left, right))]))
    op = np.append(ops.joined("op")[rows].astype(np.int64), name)
    program = _numbers(ops.joined("program_id")[rows], ops.joined("module")[rows].astype(np.int64))
    execution = _numbers(_numbers(program, ops.joined("run_id")[rows]), device[rows])
    at = np.zeros(len(device), np.int64)
    at[rows] = np.arange(len(rows))
    size = int(op.max(initial=0)) + 1

    def count(group: I64, side: I64) -> I64:
        found, counts = np.unique(group * size + op[: len(rows)], return_counts=True)
        asked = group[at[side]] * size + name
        slot = np.minimum(np.searchsorted(found, asked), len(found) - 1)
        return np.where(found[slot] == asked, counts[slot], 0)

    of_left, of_right = count(program, left) > 0, count(program, right) > 0
    times_left, times_right = count(execution, left), count(execution, right)
    return np.where(
        of_left != of_right, of_left, np.where(times_left != times_right, times_left < times_right, nearer)
    )


def _numbers(first: I64, second: I64) -> I64:
    """For each pair of elements the number of that pair."""
    of_first, of_second = distinct(first)[1], distinct(second)[1]
    return distinct(of_first * (int(of_second.max(initial=0)) + 1) + of_second)[1]
