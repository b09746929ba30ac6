"""Interval arithmetic on integer times: unions, and the split of each instant among the innermost active events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xlascope.traces.wire import I64


@dataclass(frozen=True, slots=True)
class Split:
    """`own`: each event's share of covered time, float64; `covered`: the time at least one event is active."""

    own: np.ndarray
    covered: int


def union_length(start: I64, end: I64) -> int:
    """Total length of the union of the intervals [start, end)."""
    first, last = union(start, end)
    return int((last - first).sum())


def union(start: I64, end: I64) -> tuple[I64, I64]:
    """The union of the intervals as disjoint ones in order; empty intervals are left out."""
    some = end > start
    start, end = start[some], end[some]
    if not start.size:
        return start, end
    order = np.argsort(start, kind="stable")
    start, reach = start[order], np.maximum.accumulate(end[order])
    fresh = np.flatnonzero(np.concatenate(([True], start[1:] > reach[:-1])))
    return start[fresh], reach[np.concatenate((fresh[1:] - 1, [len(reach) - 1]))]


def split(start: I64, end: I64, parent: I64) -> Split:
    """Split each instant evenly among the events active then that have no active descendant.

    `parent` holds positions (-1: none); a parent starts no later than its children and is active when they start.
    The shares add up to the covered time.
    """
    owner, first, last = _pieces(start, end, parent)
    alone = _alone(first, last)
    length = last - first
    own = np.bincount(owner[alone], length[alone], len(start))
    covered = int(length[alone].sum())
    if alone.all():
        return Split(own, covered)
    beside = ~alone
    shared = _shared(owner[beside], first[beside], last[beside], len(start))
    return Split(own + shared.own, covered + shared.covered)


def _alone(first: I64, last: I64) -> np.ndarray:
    """Mask of the intervals, none of them empty, that overlap no other."""
    order = np.argsort(first, kind="stable")
    reach = np.maximum.accumulate(last[order])
    apart = np.concatenate(([True], first[order[1:]] >= reach[:-1], [True]))
    alone = np.empty(len(first), bool)
    alone[order] = apart[:-1] & apart[1:]
    return alone


def _shared(owner: I64, first: I64, last: I64, count: int) -> Split:
    """Split each instant evenly among the intervals that hold it; `owner` of each, out of `count`, gets its shares."""
    times = np.concatenate((first, last))
    order = np.argsort(times, kind="stable")
    place = np.empty(len(times), np.int64)
    place[order] = np.arange(len(times))
    steps = np.ones(len(times), np.int64)
    steps[len(first) :] = -1
    active = np.cumsum(steps[order])[:-1]
    length = np.diff(times[order])
    busy = active > 0
    share = np.zeros(len(times))
    np.cumsum(np.where(busy, length / np.maximum(active, 1), 0.0), out=share[1:])
    own = np.bincount(owner, share[place[len(first) :]] - share[place[: len(first)]], count)
    return Split(own, int(length[busy].sum()))


def _pieces(start: I64, end: I64, parent: I64) -> tuple[I64, I64, I64]:
    """(event, start, end) of the stretches in which an event is active and none of its descendants is."""
    reach = _reach(end, parent)
    child = np.flatnonzero(parent >= 0)
    has_child = np.zeros(len(start), bool)
    has_child[parent[child]] = True
    leaf = np.flatnonzero(~has_child)
    owners, firsts, lasts = [leaf], [start[leaf]], [end[leaf]]
    if child.size:
        above, begin = parent[child], start[child]
        if not _sorted(above, begin):
            child = child[np.lexsort((begin, above))]
            above, begin = parent[child], start[child]
        new = np.concatenate(([True], above[1:] != above[:-1]))
        upto = start[above] + _running_max(reach[child] - start[above], np.cumsum(new) - 1)
        before = np.where(new, start[above], np.concatenate(([0], upto[:-1])))
        last_of_group = np.flatnonzero(np.concatenate((new[1:], [True])))
        owners += [above, above[last_of_group]]
        firsts += [before, upto[last_of_group]]
        lasts += [np.minimum(begin, end[above]), end[above[last_of_group]]]
    owner, first, last = np.concatenate(owners), np.concatenate(firsts), np.concatenate(lasts)
    some = last > first
    return owner[some], first[some], last[some]


def _sorted(first: I64, then: I64) -> bool:
    """Do the pairs already ascend?"""
    step = np.diff(first)
    return bool(((step > 0) | ((step == 0) & (np.diff(then) >= 0))).all())


def _reach(end: I64, parent: I64) -> I64:
    """The latest end among an event and its descendants."""
    depth = np.zeros(len(end), np.int64)
    up = parent.copy()
    while (above := np.flatnonzero(up >= 0)).size:
        depth[above] += 1
        up[above] = parent[up[above]]
    reach = end.copy()
    for level in range(int(depth.max(initial=0)), 0, -1):
        rows = np.flatnonzero(depth == level)
        np.maximum.at(reach, parent[rows], reach[rows])
    return reach


def _running_max(values: I64, group: I64) -> I64:
    """Running maximum of values ≥ 0 within each group of consecutive elements."""
    size = int(values.max()) + 1
    if size * (int(group[-1]) + 1) < 1 << 62:
        return np.maximum.accumulate(group * size + values) - group * size
    ordered, rank = np.unique(values, return_inverse=True)
    return ordered[np.maximum.accumulate(group * len(ordered) + rank) % len(ordered)]
