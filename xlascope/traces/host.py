"""The host's threads: ops of CPU devices, the markers that end them, calls and compile phases."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from xlascope.traces.build import OP_STATS, SPAN_STATS, Build, add_ops, add_spans
from xlascope.traces.collect import EventTable, Rows
from xlascope.traces.grouping import distinct
from xlascope.traces.markers import attribute_orphans, match_ends
from xlascope.traces.planes import IdTable, Plane

# Names with a $ are frames of the Python tracer, one for each call of a Python function.
_HOST_NAMES = re.compile(r"PjitFunction\(|(?!\$|end: ).*(?:[Cc]ompil|RunBackend|HLO passes|Codegen)")
GRAPH_NAME = re.compile(r"command_?buffer|GraphLaunch|cuda_?graph", re.IGNORECASE)


def add_host_plane(build: Build, data: memoryview, plane: Plane) -> None:
    """Threads of the host: ops of CPU devices, their end markers, calls and compile phases."""
    meta_ids = sorted(plane.events)
    meta_names = [plane.events[identity].name for identity in meta_ids]
    numbered = IdTable({identity: index for index, identity in enumerate(meta_ids)})
    is_end = _flags(name.startswith("end: ") for name in meta_names)
    is_host = _flags(bool(_HOST_NAMES.match(name)) for name in meta_names)
    is_graph = _flags(bool(GRAPH_NAME.search(name)) for name in meta_names)
    own = np.asarray([build.names(name.removeprefix("end: ")) for name in meta_names] + [-1], np.int64)
    ops, ends = Rows(), Rows()

    def keep(table: EventTable) -> tuple[EventTable, EventTable, EventTable]:
        slot = numbered(table.metadata)
        build.graph_launches += int(np.count_nonzero(is_graph[slot]))
        is_op = table.has["hlo_op"]
        # An event with a correlation id launches work on another device: the work has its own event there.
        return (
            table.take(np.flatnonzero(is_op & ~table.has["correlation_id"]), *OP_STATS),
            table.take(np.flatnonzero(is_end[slot] & table.has["_c"]), "_c"),
            table.take(np.flatnonzero(is_host[slot] & ~is_op), *SPAN_STATS),
        )

    for (found, closing, host), line in build.tables(data, plane, keep):
        add_ops(ops, found, line, None)
        ends.add(key=closing.numbers["_c"], time=closing.start_ps, name=own[numbered(closing.metadata)])
        add_spans(build.host, host, line, None, own[numbered(host.metadata)])
    _close_host_plane(build, plane, ops, ends)


def _flags(of_names: Iterable[bool]) -> np.ndarray:
    """A mask over names, with one element more: no name."""
    return np.asarray([*of_names, False])


def _close_host_plane(build: Build, plane: Plane, ops: Rows, ends: Rows) -> None:
    start = ops.joined("start")
    if not start.size and not ends.joined("key").size:
        return
    ordinals = ops.joined("device_ordinal")
    if not ops.joined("has_device_ordinal").all():
        build.note("device", "Some op events name no device; they are counted for device 0.")
        ordinals = np.where(ops.joined("has_device_ordinal"), ordinals, 0)
    unique, inverse = distinct(ordinals)
    index = np.asarray([build.device("cpu", str(int(value)), plane.name) for value in unique], np.int64)
    device = index[inverse] if unique.size else np.zeros(0, np.int64)
    match = match_ends(
        np.where(ops.joined("has__p"), ops.joined("_p"), -1),
        start,
        ops.joined("op"),
        ends.joined("key"),
        ends.joined("time"),
        ends.joined("name"),
    )
    end = np.where(match.marked, match.end, ops.joined("end"))
    lost = int(np.count_nonzero(~match.marked))
    if lost and match.marked.any():
        build.note(
            "unfinished",
            "Op events without an end marker (not ended when the window closed, or the marker was dropped): "
            "their own duration is used, for loops and calls at least until the last event inside of them.",
            lost,
        )
    owner = attribute_orphans(ops, device, end, match.orphans, ends)
    if match.orphans.size:
        build.note(
            "unstarted",
            "Ops that have an end but no start (they began before the window, or were dropped).",
            int(match.orphans.size),
        )
    kept = np.flatnonzero(owner >= 0)
    rows = owner[kept]
    for name in ("module", "program_id", "has_program_id", "run_id", "has_run_id", "line"):
        build.device_spans.add(**{name: ops.joined(name)[rows]})
    time = ends.joined("time")[match.orphans[kept]]
    build.device_spans.add(device=device[rows], start=time, end=time, name=ends.joined("name")[match.orphans[kept]])
    for name in ("op", "module", "program_id", "has_program_id", "run_id", "has_run_id", "line"):
        build.ops.add(**{name: ops.joined(name)})
    build.ops.add(device=device, start=start, end=end, marked=match.marked)
