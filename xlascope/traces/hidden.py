"""Ops that no row shows because a GPU's command buffer, launched as one graph, holds them."""

from __future__ import annotations

import numpy as np

from xlascope.traces.grouping import distinct
from xlascope.traces.nesting import ProgramGraphs
from xlascope.traces.profile import Problem, Profile

_NAMED = 8


def hidden_ops(profile: Profile, graphs: ProgramGraphs) -> tuple[Problem, ...]:
    """Of each program that was seen on a GPU, the ops of its command buffers that have no event of their own."""
    gpu = np.asarray([device.kind == "gpu" for device in profile.devices] + [False])
    found = []
    for number, inside in enumerate(graphs.buffered):
        mine = (profile.ops.program == number) & gpu[profile.ops.device] if inside else np.zeros(0, bool)
        if not mine.any():
            continue
        seen = {profile.names[op] for op in distinct(profile.ops.op[mine].astype(np.int64))[0].tolist()}
        lost = sorted(inside - seen)
        if lost:
            listed = ", ".join(lost[:_NAMED]) + (" …" if len(lost) > _NAMED else "")
            text = f"Ops of {profile.programs[number].module} inside of command buffers, without rows: {listed}."
            found.append(Problem("command_buffers", text, len(lost)))
    return tuple(found)
