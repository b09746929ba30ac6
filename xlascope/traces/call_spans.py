"""How long each execution of each program lasted, on all its devices together."""

from __future__ import annotations

import numpy as np

from xlascope.traces.grouping import grouped
from xlascope.traces.profile import Profile
from xlascope.traces.wire import I64

LEAST = 5


def call_spans(profile: Profile) -> dict[int, I64]:
    """Nanoseconds from the first start to the last end of each execution, by program number, in order of start.

    The first execution of a program in the profile and its last one are left out where there are LEAST or more: a
    profile that begins or ends in the middle of them shows a part. Executions that name no run cannot be told apart
    and are left out.
    """
    ops, spans = profile.ops, profile.device_spans
    program = np.concatenate((ops.program, spans.program)).astype(np.int64)
    run = np.concatenate((ops.run, spans.run)).astype(np.int64)
    start, end = np.concatenate((ops.start_ps, spans.start_ps)), np.concatenate((ops.end_ps, spans.end_ps))
    known = (program >= 0) & (run >= 0)
    program, run, start, end = program[known], run[known], start[known], end[known]
    if not len(run):
        return {}
    runs = len(profile.run_ids)
    keys, group = grouped(program * runs + run, len(profile.programs) * runs)
    first, last = np.full(len(keys), np.iinfo(np.int64).max), np.full(len(keys), np.iinfo(np.int64).min)
    np.minimum.at(first, group, start)
    np.maximum.at(last, group, end)
    owner = keys // runs
    found = {}
    for index, who in enumerate(profile.programs):
        mine = np.flatnonzero(owner == index)
        if who.program_id is None or not mine.size:
            continue
        mine = mine[np.argsort(first[mine], kind="stable")]
        if mine.size >= LEAST:
            mine = mine[1:-1]
        found[who.program_id] = np.maximum((last[mine] - first[mine]) // 1000, 1)
    return found
