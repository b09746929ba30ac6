"""Executions that a profile holds from their first op to their last, told by the ops themselves."""

from __future__ import annotations

import numpy as np

from xlascope.traces.hlo_graph import NO_KERNEL, call_graph
from xlascope.traces.profile import Profile
from xlascope.traces.wire import ProfileError


def complete_runs(profile: Profile, program_id: int) -> frozenset[int]:
    """Run ids of a program of which each op of the entry computation was seen to end, on all devices of the profile.

    Empty where the profile does not carry the program's HLO, or where its CPU ops have no `end:` markers: an op's own
    event may end before the op does. Ops without an event of their own (XLA folds some calls) leave it empty too.
    """
    proto = profile.hlo_protos.get(program_id)
    if proto is None:
        return frozenset()
    try:
        graph = call_graph(proto)
    except ProfileError:
        return frozenset()  # the table of op times tells that it is broken
    entry = {op for op in graph.entry if graph.opcodes.get(op) not in NO_KERNEL}
    wanted = np.asarray([name in entry for name in profile.names], bool)
    if not entry or int(wanted.sum()) < len(entry):
        return frozenset()
    ops = profile.ops
    mine = np.asarray([key.program_id == program_id for key in profile.programs], bool)
    rows = np.flatnonzero(mine[ops.program] & (ops.program >= 0) & (ops.run >= 0) & (ops.device >= 0) & ops.marked)
    rows = rows[wanted[ops.op[rows]]]
    seen = np.unique(np.stack([ops.run[rows], ops.device[rows], ops.op[rows]]), axis=1)
    runs, counts = np.unique(seen[0], return_counts=True)
    whole = runs[counts == len(entry) * len(profile.devices)]
    return frozenset(profile.run_ids[whole].tolist())
