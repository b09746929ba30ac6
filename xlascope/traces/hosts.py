"""Profiles of several hosts, recorded at the same time, as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from xlascope.traces.optimes import OpTimes


def side_by_side(parts: Mapping[str, OpTimes]) -> OpTimes:
    """Hosts by name as one: device `0` of host `a` is called `a/0`, and the window is the longest.

    One host alone keeps the names it has.
    """
    if len(parts) == 1:
        return next(iter(parts.values()))
    windows = [each.window_ns for each in parts.values()]
    known = [each for each in windows if each is not None]
    return OpTimes(
        tuple(
            sorted(
                (replace(row, device=f"{host}/{row.device}") for host, each in parts.items() for row in each.rows),
                key=lambda row: -row.self_ns,
            )
        ),
        tuple(replace(row, device=f"{host}/{row.device}") for host, each in parts.items() for row in each.calls),
        tuple(replace(row, device=f"{host}/{row.device}") for host, each in parts.items() for row in each.devices),
        max(known) if known and len(known) == len(windows) else None,
        1,
        "; ".join(dict.fromkeys(each.nesting for each in parts.values() if each.rows)) or "none",
        tuple(
            replace(problem, text=f"{host}: {problem.text}")
            for host, each in parts.items()
            for problem in each.problems
        ),
    )
