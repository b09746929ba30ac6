"""Loops and calls that were not over when the profile ended: they last at least as long as what ran inside of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xlascope.traces.nesting import Graph, ProgramGraphs
from xlascope.traces.profile import Profile

_MOST = 1000


def lengthened(profile: Profile, graphs: ProgramGraphs) -> Profile:
    """The profile with the end of each calling op that has no end marker moved to that of the last event inside of it.

    Without its marker an event's own duration is only that of its launch. Where no op has a marker the profile is of
    another kind, and stays as it is. At most `_MOST` events are looked at, the latest first.
    """
    ops = profile.ops
    if not ops.marked.any():
        return profile
    on_cpu = np.asarray([device.kind == "cpu" for device in profile.devices] + [False])[ops.device]
    open_rows = np.flatnonzero(~ops.marked & on_cpu & (ops.run >= 0) & (ops.program >= 0))
    end = ops.end_ps.copy()
    inside: dict[tuple[int, int], np.ndarray] = {}
    for row in open_rows[np.argsort(-ops.start_ps[open_rows], kind="stable")][:_MOST].tolist():
        program, op = int(ops.program[row]), int(ops.op[row])
        graph = graphs.parents[program]
        if graph is None:
            continue
        if (program, op) not in inside:
            inside[program, op] = _inside(profile.names, graph, profile.names[op])
        if not inside[program, op].any():
            continue
        same = (ops.program == program) & (ops.run == ops.run[row]) & (ops.device == ops.device[row])
        after = same & (ops.start_ps >= ops.start_ps[row])
        again = ops.start_ps[after & (ops.op == op) & (np.arange(len(ops)) != row)]
        if again.size:  # another execution of it: what starts from there on lies inside of that one
            after &= ops.start_ps < again.min()
        mine = end[after & inside[program, op][ops.op]]
        if mine.size:
            end[row] = max(int(end[row]), int(mine.max()))
    return replace(profile, ops=replace(ops, end_ps=end))


def _inside(names: tuple[str, ...], graph: Graph, caller: str) -> np.ndarray:
    """Mask over names: the ops in the computations that an op calls, directly or not."""
    found: set[str] = set()
    wave = {caller}
    while wave:
        wave = {op for op, callers in graph.items() if op not in found and not wave.isdisjoint(callers)}
        found |= wave
    return np.asarray([name in found for name in names], bool)
