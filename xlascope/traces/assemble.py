"""From planes to a Profile: which events are ops of which device, when they ended, and what else showed work."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from xlascope.traces.collect import EventTable, LineReader, Rows
from xlascope.traces.markers import attribute_orphans, match_ends
from xlascope.traces.planes import Names, Plane, read_stats
from xlascope.traces.profile import I32, DeviceKey, OpEvents, Problem, Profile, ProgramKey, Spans
from xlascope.traces.wire import I64, ProfileError, signed

EVENT_CAP: Final = 1_000_000
"""About this many events a profiler keeps; a profile that reaches it has probably lost some."""

_HOST_NAMES = re.compile(
    r"PjitFunction\(|.*[Cc]ompil|.*Lowering|.*RunBackend|.*HLO passes|.*hlo_passes|.*Codegen|.*codegen"
)
_COMMAND_BUFFER = re.compile(r"command_?buffer|CommandBuffer|GraphLaunch|cuda_graph|CudaGraph", re.IGNORECASE)
_MODULE_ID = re.compile(r"^(.*)\((-?\d+)\)$")
_MAX_FAULTS = 20
_NS_SPAN = 1 << 50


class Assembly:
    """Takes planes one by one; `profile` gives the result."""

    def __init__(self) -> None:
        self.hlo_protos: dict[int, bytes] = {}
        self.window_ps: int | None = None
        self._names = Names()
        self._lines = Names()
        self._devices: dict[DeviceKey, int] = {}
        self._ops = Rows()
        self._spans = Rows()
        self._host = Rows()
        self._problems: list[Problem] = []
        self._faults = 0
        self._origin_ns: int | None = None
        self._events = 0
        self._broken = 0
        self._graph_launches = 0

    def fault(self, error: ProfileError) -> None:
        """Note bytes that could not be read; only the first few are told one by one."""
        self._faults += 1
        if self._faults <= _MAX_FAULTS:
            self.note("truncated" if "cut off" in str(error) else "broken", str(error))

    def note(self, kind: str, text: str, count: int | None = None) -> None:
        self._problems.append(Problem(kind, text, count))

    # -- planes ------------------------------------------------------------------------------------------------

    def host_plane(self, data: memoryview, plane: Plane) -> None:
        """Threads of the host: ops of CPU devices, their end markers, calls and compile phases."""
        meta_ids = np.asarray(sorted(plane.events) or [0], np.int64)
        meta_names = [plane.events[int(i)].name if plane.events else "" for i in meta_ids]
        is_end = np.asarray([name.startswith("end: ") for name in meta_names])
        is_host = np.asarray([bool(_HOST_NAMES.match(name)) and not name.startswith("end: ") for name in meta_names])
        is_graph = np.asarray([bool(_COMMAND_BUFFER.search(name)) for name in meta_names])
        own = np.asarray([self._names(name.removeprefix("end: ")) for name in meta_names], np.int64)
        ops, ends = Rows(), Rows()
        reader = LineReader(data, plane, self._names)

        def place(table: EventTable) -> tuple[I64, np.ndarray]:
            slot = np.minimum(np.searchsorted(meta_ids, table.metadata), len(meta_ids) - 1)
            return slot, meta_ids[slot] == table.metadata

        def keep(table: EventTable) -> I64:
            slot, known = place(table)
            return np.flatnonzero(table.has["hlo_op"] | known & (is_end | is_host | is_graph)[slot])

        for table, line in self._tables(reader, plane, keep):
            slot, known = place(table)
            # An event with a correlation id launches work on another device: the work has its own event there.
            op_rows = np.flatnonzero(table.has["hlo_op"] & ~table.has["correlation_id"])
            end_rows = np.flatnonzero(known & is_end[slot] & table.has["_c"])
            host_rows = np.flatnonzero(known & is_host[slot] & ~table.has["hlo_op"])
            self._graph_launches += int(np.count_nonzero(known & is_graph[slot]))
            self._add_ops(ops, table.take(op_rows), line, None)
            found = table.take(end_rows)
            ends.add(key=found.numbers["_c"], time=found.start_ps, name=own[slot[end_rows]])
            host = table.take(host_rows)
            self._add_spans(self._host, host, line, None, own[slot[host_rows]])
        self._count(reader)
        self._close_host_plane(plane, ops, ends)

    def _close_host_plane(self, plane: Plane, ops: Rows, ends: Rows) -> None:
        start = ops.joined("start")
        if not start.size and not ends.joined("key").size:
            return
        ordinals = ops.joined("device_ordinal")
        if not ops.joined("has_device_ordinal").all():
            self.note("device", "Some op events name no device; they are counted for device 0.")
            ordinals = np.where(ops.joined("has_device_ordinal"), ordinals, 0)
        unique, inverse = np.unique(ordinals, return_inverse=True)
        index = np.asarray([self._device("cpu", str(int(value)), plane.name) for value in unique], np.int64)
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
            self.note(
                "unfinished",
                "Op events without an end marker (not ended when the window closed, or the marker was dropped): "
                "their own duration is used.",
                lost,
            )
        owner = attribute_orphans(ops.joined("_p"), ops.joined("op"), start, end, match.orphans, ends)
        if match.orphans.size:
            self.note(
                "unstarted",
                "Ops that have an end but no start (they began before the window, or were dropped).",
                int(match.orphans.size),
            )
        kept = np.flatnonzero(owner >= 0)
        rows = owner[kept]
        for name in ("module", "program_id", "has_program_id", "run_id", "has_run_id", "line"):
            self._spans.add(**{name: ops.joined(name)[rows]})
        time = ends.joined("time")[match.orphans[kept]]
        self._spans.add(device=device[rows], start=time, end=time, name=ends.joined("name")[match.orphans[kept]])
        for name in ("op", "module", "program_id", "has_program_id", "run_id", "has_run_id", "line"):
            self._ops.add(**{name: ops.joined(name)})
        self._ops.add(device=device, start=start, end=end, marked=match.marked)

    def device_plane(self, data: memoryview, plane: Plane, kind: str, ordinal: str) -> None:
        """The streams of a GPU, or the lines of a TPU core."""
        reader = LineReader(data, plane, self._names)
        tables = list(self._tables(reader, plane, lambda table: np.arange(len(table.metadata))))
        self._count(reader)
        if not tables:
            return
        device = self._device(kind, ordinal, plane.name)
        labels = self._lines.all()
        streams = [(table, line) for table, line in tables if labels[line].startswith("Stream")]
        if streams:
            for table, line in streams:
                self._add_stream(table, line, device, plane)
        else:
            self._add_core(data, plane, tables, device)

    def _add_stream(self, table: EventTable, line: int, device: int, plane: Plane) -> None:
        is_op = table.has["hlo_op"]
        ops, rest = table.take(np.flatnonzero(is_op)), table.take(np.flatnonzero(~is_op))
        self._add_ops(self._ops, ops, line, device)
        self._ops.add(marked=np.zeros(len(ops.metadata), bool))
        names = np.asarray([self._names(self._meta_name(plane, int(i))) for i in rest.metadata], np.int64)
        self._graph_launches += sum(bool(_COMMAND_BUFFER.search(self._meta_name(plane, int(i)))) for i in rest.metadata)
        self._add_spans(self._spans, rest, line, device, names)

    def _add_core(self, data: memoryview, plane: Plane, tables: list[tuple[EventTable, int]], device: int) -> None:
        """TPU: ops lie on the line `XLA Ops`; the execution they belong to is the enclosing one of `XLA Modules`."""
        labels = self._lines.all()
        modules = [(table, line) for table, line in tables if labels[line] == "XLA Modules"]
        runs = self._module_runs(plane, modules)
        for table, line in tables:
            if labels[line] != "XLA Ops" or not len(table.metadata):
                continue
            unique, inverse = np.unique(table.metadata, return_inverse=True)
            op = np.asarray([self._names(self._op_name(plane, int(i))) for i in unique], np.int64)[inverse]
            op = np.where(table.has["hlo_op"], table.names["hlo_op"], op)
            ids = [self._meta_program(data, plane, int(i)) for i in unique]
            own = np.asarray([i if i is not None else 0 for i in ids], np.int64)[inverse]
            has_own = np.asarray([i is not None for i in ids])[inverse]
            slot = np.searchsorted(runs["start"], table.start_ps, side="right") - 1
            inside = (slot >= 0) & (table.start_ps < runs["end"][np.maximum(slot, 0)])
            slot = np.where(inside, slot, len(runs["start"]) - 1)
            program = np.where(table.has["program_id"], table.numbers["program_id"], own)
            has_program = table.has["program_id"] | has_own
            self._ops.add(
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
            self._spans.add(**{name: runs[name][:-1]})
        self._spans.add(device=np.full(len(runs["start"]) - 1, device))

    def _module_runs(self, plane: Plane, tables: list[tuple[EventTable, int]]) -> dict[str, I64]:
        """Executions on a TPU core sorted by start, with one row of unknowns added at the end."""
        rows: list[tuple[int, ...]] = []
        columns = (
            "start", "end", "name", "module", "program_id", "has_program_id", "run_id", "has_run_id", "line",
        )  # fmt: skip
        for table, line in tables:
            for i, meta in enumerate(table.metadata.tolist()):
                full = self._meta_name(plane, meta)
                parts = _MODULE_ID.match(full)
                named = signed(int(parts.group(2)) & 0xFFFFFFFFFFFFFFFF) if parts else 0
                has = bool(table.has["program_id"][i])
                rows.append((
                    int(table.start_ps[i]), int(table.end_ps[i]), self._names(full),
                    self._names(parts.group(1) if parts else full),
                    int(table.numbers["program_id"][i]) if has else named, int(has or parts is not None),
                    int(table.numbers["run_id"][i]), int(table.has["run_id"][i]), line,
                ))  # fmt: skip
        rows.sort()
        last = (np.iinfo(np.int64).max,) * 2 + (-1, -1, 0, 0, 0, 0, -1)
        table_of = np.asarray([*rows, last], np.int64)
        return {name: table_of[:, i] for i, name in enumerate(columns)}

    # -- pieces ------------------------------------------------------------------------------------------------

    def _tables(
        self, reader: LineReader, plane: Plane, keep: Callable[[EventTable], I64]
    ) -> Iterator[tuple[EventTable, int]]:
        """(events with times since the origin, line number) of each stretch of each line."""
        for start, end in plane.lines:
            head, tables, fault = reader.read(start, end, keep)
            if fault is not None:
                self.fault(fault)
            if self._origin_ns is None and tables:
                self._origin_ns = head.timestamp_ns
            shift = min(max(head.timestamp_ns - (self._origin_ns or 0), -_NS_SPAN), _NS_SPAN) * 1000
            line = self._lines(head.name)
            for table in tables:
                table.start_ps += shift
                table.end_ps += shift
                yield table, line

    def _count(self, reader: LineReader) -> None:
        self._events += reader.events
        self._broken += reader.broken

    def _device(self, kind: str, ordinal: str, plane: str) -> int:
        return self._devices.setdefault(DeviceKey(kind, ordinal, plane), len(self._devices))

    @staticmethod
    def _meta_name(plane: Plane, identity: int) -> str:
        meta = plane.events.get(identity)
        return meta.name if meta else ""

    @staticmethod
    def _op_name(plane: Plane, identity: int) -> str:
        """An op's name on TPU: the display name, else what stands before ` = ` in its HLO text."""
        meta = plane.events.get(identity)
        if meta is None:
            return "?"
        return (meta.display_name or meta.name.split(" = ")[0]).lstrip("%")

    def _meta_program(self, data: memoryview, plane: Plane, identity: int) -> int | None:
        meta = plane.events.get(identity)
        if meta is None or not meta.raw_stats:
            return None
        try:
            value = read_stats(data, plane, meta.raw_stats).get("program_id")
        except ProfileError as error:
            self.fault(error)
            return None
        return signed(value & 0xFFFFFFFFFFFFFFFF) if isinstance(value, int) else None

    @staticmethod
    def _add_ops(rows: Rows, table: EventTable, line: int, device: int | None) -> None:
        n = len(table.metadata)
        rows.add(
            op=table.names["hlo_op"],
            module=table.names["hlo_module"],
            line=np.full(n, line),
            start=table.start_ps,
            end=table.end_ps,
        )
        for name in ("program_id", "run_id", "device_ordinal", "_p"):
            if device is not None and name in ("device_ordinal", "_p"):
                continue
            rows.add(**{name: table.numbers[name], f"has_{name}": table.has[name]})
        if device is not None:
            rows.add(device=np.full(n, device))

    @staticmethod
    def _add_spans(rows: Rows, table: EventTable, line: int, device: int | None, names: I64) -> None:
        n = len(table.metadata)
        rows.add(name=names, line=np.full(n, line), start=table.start_ps, end=table.end_ps)
        rows.add(module=table.names["hlo_module"], device=np.full(n, -1 if device is None else device))
        for name in ("program_id", "run_id"):
            rows.add(**{name: table.numbers[name], f"has_{name}": table.has[name]})

    # -- result ------------------------------------------------------------------------------------------------

    def profile(self) -> Profile:
        """The Profile of all planes taken so far."""
        if self._faults > _MAX_FAULTS:
            self.note("broken", "More faults like the ones listed.", self._faults - _MAX_FAULTS)
        if self._broken:
            self.note("broken", "Events that could not be read whole.", self._broken)
        if self._events >= EVENT_CAP:
            text = f"The profiler keeps about {EVENT_CAP} events, and this one is as long: later ones may be missing."
            self.note("capped", text, self._events)
        count = len(self._ops.joined("start"))
        if not count:
            self.note("empty", "The profile holds no op event.")
        self._note_command_buffers()
        programs: dict[ProgramKey, int] = {}
        runs: dict[int, int] = {}
        names = self._names.all()
        columns = [self._keys(rows, programs, runs, names) for rows in (self._ops, self._spans, self._host)]
        ops = OpEvents(
            self._ops.joined("device"),
            columns[0][0],
            columns[0][1],
            self._ops.joined("op"),
            self._ops.joined("line"),
            self._ops.joined("start"),
            self._ops.joined("end"),
            self._ops.joined("marked"),
        )
        return Profile(
            tuple(self._devices),
            tuple(programs),
            np.asarray(list(runs), np.int64),
            names,
            self._lines.all(),
            ops,
            self._make_spans(self._spans, columns[1]),
            self._make_spans(self._host, columns[2]),
            self._origin_ns or 0,
            self.window_ps,
            self.hlo_protos,
            self._events,
            tuple(self._problems),
        )

    def _note_command_buffers(self) -> None:
        gpu = [index for key, index in self._devices.items() if key.kind == "gpu"]
        if gpu and self._graph_launches:
            self.note(
                "command_buffers",
                "Kernels were launched through command buffers, so rows of single ops can be missing: measure with "
                "xla_gpu_enable_command_buffer= (empty) to see them.",
                self._graph_launches,
            )

    @staticmethod
    def _keys(
        rows: Rows, programs: dict[ProgramKey, int], runs: dict[int, int], names: tuple[str, ...]
    ) -> tuple[I32, I32]:
        """Index columns (program, run) of `rows`; new keys are added to `programs` and `runs`."""
        ids, id_of = _numbered(rows.joined("program_id"), rows.joined("has_program_id"))
        pairs, pair_of = np.unique((id_of + 1) * (len(names) + 1) + rows.joined("module") + 1, return_inverse=True)
        index = []
        for pair in pairs.tolist():
            identity, name = divmod(pair, len(names) + 1)
            key = ProgramKey(int(ids[identity - 1]) if identity else None, names[name - 1] if name else None)
            index.append(programs.setdefault(key, len(programs)) if pair else -1)
        program = np.asarray(index or [-1], np.int32)[pair_of]
        values, value_of = _numbered(rows.joined("run_id"), rows.joined("has_run_id"))
        table = np.asarray([runs.setdefault(int(value), len(runs)) for value in values] + [-1], np.int32)
        return program, table[value_of]

    @staticmethod
    def _make_spans(rows: Rows, keys: tuple[I32, I32]) -> Spans:
        return Spans(
            rows.joined("device"),
            keys[0],
            keys[1],
            rows.joined("name"),
            rows.joined("line"),
            rows.joined("start"),
            rows.joined("end"),
        )


def _numbered(values: I64, known: np.ndarray) -> tuple[I64, I64]:
    """The distinct known values, and for each element the position of its value, -1 where unknown."""
    distinct, inverse = np.unique(values[known], return_inverse=True)
    position = np.full(len(values), -1, np.int64)
    position[known] = inverse
    return distinct, position
