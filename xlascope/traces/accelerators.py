"""The planes of accelerators: streams of a GPU, lines of a TPU core."""

from __future__ import annotations

import re

import numpy as np

from xlascope.traces.build import Build, add_ops, add_spans
from xlascope.traces.collect import GRAPHS, EventTable
from xlascope.traces.grouping import distinct
from xlascope.traces.hlo_graph import COMMAND_BUFFER
from xlascope.traces.host import GRAPH_NAME
from xlascope.traces.planes import Plane, read_stats
from xlascope.traces.wire import I64, ProfileError, signed

_MODULE_ID = re.compile(r"^(.*)\((-?\d{1,20})\)$")


def add_device_plane(build: Build, data: memoryview, plane: Plane, kind: str, ordinal: str) -> None:
    """The streams of a GPU, or the lines of a TPU core."""
    tables = [(table, line) for (table,), line in build.tables(data, plane, lambda table: (table,))]
    if not tables:
        return
    device = build.device(kind, ordinal, plane.name)
    labels = build.lines.all()
    streams = [(table, line) for table, line in tables if labels[line].startswith("Stream")]
    if streams:
        for table, line in streams:
            _add_stream(build, table, line, device, plane)
    else:
        _add_core(build, data, plane, tables, device)


def _add_stream(build: Build, table: EventTable, line: int, device: int, plane: Plane) -> None:
    is_op = table.has["hlo_op"]
    graph = _in_graphs(build, table, plane)
    build.graph_launches += int(np.count_nonzero(graph))
    on = np.full(np.count_nonzero(graph), device)
    build.graphs.add(device=on, start=table.start_ps[graph], end=table.end_ps[graph])
    ops, rest = table.take(np.flatnonzero(is_op)), table.take(np.flatnonzero(~is_op))
    add_ops(build.ops, ops, line, device)
    build.ops.add(marked=np.zeros(len(ops.metadata), bool))
    unique, kind = distinct(rest.metadata)
    names = [_meta_name(plane, int(identity)) for identity in unique]
    numbered = np.asarray([build.names(name) for name in names], np.int64)
    add_spans(build.device_spans, rest, line, device, numbered[kind])


def _in_graphs(build: Build, table: EventTable, plane: Plane) -> np.ndarray:
    """Mask of the events that are a command buffer, or a kernel of one that is counted for the whole buffer."""
    # There are few such names, mostly none: the many events are looked through only when there are.
    kinds = [key for key, meta in plane.events.items() if GRAPH_NAME.search(meta.name)]
    ops = [number for number, name in enumerate(build.names.all()) if name.startswith(COMMAND_BUFFER)]
    nothing = np.zeros(len(table.metadata), bool)
    whole = np.isin(table.names["hlo_op"], ops) if ops else nothing
    found = whole | (np.isin(table.metadata, kinds) & ~table.has["hlo_op"] if kinds else nothing)
    for name in GRAPHS:
        if name in table.has:
            found |= table.has[name] & (table.numbers[name] != 0) & (~table.has["hlo_op"] | whole)
    return found


def _add_core(build: Build, data: memoryview, plane: Plane, tables: list[tuple[EventTable, int]], device: int) -> None:
    """TPU: ops lie on the line `XLA Ops`; the execution they belong to is the enclosing one of `XLA Modules`."""
    labels = build.lines.all()
    modules = [(table, line) for table, line in tables if labels[line] == "XLA Modules"]
    runs = _module_runs(build, plane, modules)
    for table, line in tables:
        if labels[line] != "XLA Ops" or not len(table.metadata):
            continue
        unique, inverse = distinct(table.metadata)
        op = np.asarray([build.names(_op_name(plane, int(i))) for i in unique], np.int64)[inverse]
        op = np.where(table.has["hlo_op"], table.names["hlo_op"], op)
        ids = [_meta_program(build, data, plane, int(i)) for i in unique]
        own = np.asarray([i if i is not None else 0 for i in ids], np.int64)[inverse]
        has_own = np.asarray([i is not None for i in ids])[inverse]
        slot = np.searchsorted(runs["start"], table.start_ps, side="right") - 1
        inside = (slot >= 0) & (table.start_ps < runs["end"][np.maximum(slot, 0)])
        slot = np.where(inside, slot, len(runs["start"]) - 1)
        program = np.where(table.has["program_id"], table.numbers["program_id"], own)
        has_program = table.has["program_id"] | has_own
        build.ops.add(
            device=np.full(len(op), device),
            op=op,
            line=np.full(len(op), line),
            start=table.start_ps,
            end=table.end_ps,
            marked=np.zeros(len(op), bool),
            module=np.where(inside, runs["module"][slot], table.names["hlo_module"]),
            program_id=np.where(inside & (runs["has_program_id"][slot] > 0), runs["program_id"][slot], program),
            has_program_id=(inside & (runs["has_program_id"][slot] > 0)) | has_program,
            run_id=np.where(inside, runs["run_id"][slot], table.numbers["run_id"]),
            has_run_id=np.where(inside, runs["has_run_id"][slot], table.has["run_id"]),
        )
    for name in ("module", "program_id", "has_program_id", "run_id", "has_run_id", "start", "end", "name", "line"):
        build.device_spans.add(**{name: runs[name][:-1]})
    build.device_spans.add(device=np.full(len(runs["start"]) - 1, device))


def _module_runs(build: Build, plane: Plane, tables: list[tuple[EventTable, int]]) -> dict[str, I64]:
    """Executions on a TPU core sorted by start, with one row of unknowns added at the end."""
    rows: list[tuple[int, ...]] = []
    columns = (
        "start", "end", "name", "module", "program_id", "has_program_id", "run_id", "has_run_id", "line",
    )  # fmt: skip
    for table, line in tables:
        for i, meta in enumerate(table.metadata.tolist()):
            full = _meta_name(plane, meta)
            parts = _MODULE_ID.match(full)
            named = signed(int(parts.group(2)) & 0xFFFFFFFFFFFFFFFF) if parts else 0
            has = bool(table.has["program_id"][i])
            rows.append((
                int(table.start_ps[i]), int(table.end_ps[i]), build.names(full),
                build.names(parts.group(1) if parts else full),
                int(table.numbers["program_id"][i]) if has else named, int(has or parts is not None),
                int(table.numbers["run_id"][i]), int(table.has["run_id"][i]), line,
            ))  # fmt: skip
    rows.sort()
    last = (np.iinfo(np.int64).max,) * 2 + (-1, -1, 0, 0, 0, 0, -1)
    table_of = np.asarray([*rows, last], np.int64)
    return {name: table_of[:, i] for i, name in enumerate(columns)}


def _meta_name(plane: Plane, identity: int) -> str:
    meta = plane.events.get(identity)
    return meta.name if meta else ""


def _op_name(plane: Plane, identity: int) -> str:
    """An op's name on TPU: the display name, else what stands before ` = ` in its HLO text."""
    meta = plane.events.get(identity)
    if meta is None:
        return "?"
    return (meta.display_name or meta.name.split(" = ")[0]).lstrip("%")


def _meta_program(build: Build, data: memoryview, plane: Plane, identity: int) -> int | None:
    meta = plane.events.get(identity)
    if meta is None or not meta.raw_stats:
        return None
    try:
        value = read_stats(data, plane, meta.raw_stats).get("program_id")
    except ProfileError as error:
        build.fault(error)
        return None
    return signed(value & 0xFFFFFFFFFFFFFFFF) if isinstance(value, int) else None
