"""When an op really ended: `end: NAME` events matched to the ops they close, and ends whose op is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xlascope.traces.collect import Rows
from xlascope.traces.grouping import distinct
from xlascope.traces.wire import I64

_MOST = 200
"""So many orphans are looked at one by one."""


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
    """For each orphan marker an op event of the execution that lost its op, or -1.

    Keys count up per thread, so the events beside it in key order are of its execution or of those beside it. Taken is
    the nearer of these in time that has such an op less often than others do; then an execution like that which was
    going on, or was nearest, at the time of the marker. Where none has it less often, it was the only execution of its
    program, or, of an op that others have too, one was lost as a whole. Too many orphans are
    attributed by their neighbours alone.
    """
    if not orphans.size or not len(end):
        return np.full(len(orphans), -1, np.int64)
    time, name = ends.joined("time")[orphans], ends.joined("name")[orphans]
    near, far = _neighbours(ops, end, ends.joined("key")[orphans], time)
    beside = np.flatnonzero(near >= 0)
    owner = near.copy()
    if beside.size and len(orphans) <= _MOST:
        executions = _Executions(ops, device, end)
        owner[beside] = [
            executions.loser(int(name[at]), int(time[at]), int(near[at]), int(far[at])) for at in beside.tolist()
        ]
    return owner


def _neighbours(ops: Rows, end: I64, wanted: I64, time: I64) -> tuple[I64, I64]:
    """For each marker's key and time the events beside it in key order on its thread: the nearer in time, the other.

    -1 where there is none.
    """
    key, start = ops.joined("_p"), ops.joined("start")
    order = np.argsort(key, kind="stable")
    keys = key[order]
    after = np.searchsorted(keys, wanted)
    left, right = order[np.maximum(after - 1, 0)], order[np.minimum(after, len(keys) - 1)]
    never = np.int64(1) << 62
    thread = wanted >> 32
    gap_left = np.where((after > 0) & (key[left] >> 32 == thread), np.maximum(time - end[left], 0), never)
    gap_right = np.where((after < len(keys)) & (key[right] >> 32 == thread), np.maximum(start[right] - time, 0), never)
    left, right = np.where(gap_left < never, left, -1), np.where(gap_right < never, right, -1)
    nearer = gap_left < gap_right
    return np.where(nearer, left, right), np.where(nearer, right, left)


class _Executions:
    """The executions (program, run, device) of a profile: when each began and ended, and how often it has each op."""

    def __init__(self, ops: Rows, device: I64, end: I64) -> None:
        program = _numbers(ops.joined("program_id"), ops.joined("module").astype(np.int64))
        self._of = _numbers(_numbers(program, ops.joined("run_id")), device)
        found, self._row = np.unique(self._of, return_index=True)
        self._program = program[self._row]
        self._first = np.full(len(found), np.iinfo(np.int64).max)
        self._last = np.full(len(found), np.iinfo(np.int64).min)
        np.minimum.at(self._first, self._of, ops.joined("start"))
        np.maximum.at(self._last, self._of, end)
        self._op = ops.joined("op")

    def loser(self, op: int, time: int, near: int, far: int) -> int:
        """A row of the execution that lost an event of `op`, which ended at `time`, or -1; `near`, `far`: see above."""
        times = np.bincount(self._of[self._op == op], minlength=len(self._row))
        most = np.zeros(int(self._program.max()) + 1, np.int64)
        np.maximum.at(most, self._program, times)
        lacking = times < most[self._program]
        for row in (near, far):
            if row >= 0 and lacking[self._of[row]]:
                return row
        others = np.flatnonzero(lacking)
        if others.size:
            away = np.maximum(np.maximum(self._first[others] - time, time - self._last[others]), 0)
            return int(self._row[others[np.argmin(away)]])
        # All have it as often: an execution was lost as a whole, unless there is but one to compare.
        of = self._of[near]
        alone = np.count_nonzero(self._program == self._program[of]) == 1
        away = max(self._first[of] - time, time - self._last[of])
        never_seen = not times.any()
        return near if never_seen or (alone and away <= self._last[of] - self._first[of]) else -1


def _numbers(first: I64, second: I64) -> I64:
    """For each pair of elements the number of that pair."""
    of_first, of_second = distinct(first)[1], distinct(second)[1]
    return distinct(of_first * (int(of_second.max(initial=0)) + 1) + of_second)[1]
