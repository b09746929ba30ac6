"""The tables a Profile is built from, filled plane by plane."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from xlascope.traces.collect import EventTable, LineReader, Rows
from xlascope.traces.grouping import distinct, grouped
from xlascope.traces.planes import Names, Plane
from xlascope.traces.profile import I32, DeviceKey, OpEvents, Problem, Profile, ProgramKey, Spans
from xlascope.traces.sweep import union_length
from xlascope.traces.wire import I64, ProfileError

EVENT_CAP: Final = 1_000_000
"""Some profilers stop at about this many events; many have no such limit, so the number alone proves nothing."""

SPAN_STATS: Final = ("hlo_module", "program_id", "run_id")
OP_STATS: Final = ("hlo_op", *SPAN_STATS, "device_ordinal", "_p")
"""What `add_spans` and `add_ops` ask a table for."""

_MAX_FAULTS = 20
_NS_SPAN = 1 << 50


class Build:
    """Numbered names, devices and lines, and the rows of ops, device spans and host events; `profile` closes it.

    Rows carry the columns `module`, `program_id`, `run_id` with their `has_`, `line`, `start`, `end`, `device`, and
    `op` and `marked` (ops) or `name` (spans).
    """

    def __init__(self, release: Callable[[], None]) -> None:
        """`release` is called after each stretch of events: what was read of the input is not needed again soon."""
        self._release = release
        self.hlo_protos: dict[int, bytes] = {}
        self.window_ps: int | None = None
        self.names = Names()
        self.lines = Names()
        self.ops = Rows()
        self.device_spans = Rows()
        self.host = Rows()
        self.graph_launches = 0
        self.graphs = Rows()
        self._devices: dict[DeviceKey, int] = {}
        self._problems: list[Problem] = []
        self._faults = 0
        self._origin_ns: int | None = None
        self._events = 0
        self._last_ps = 0
        self._broken = 0

    def fault(self, error: ProfileError) -> None:
        """Note bytes that could not be read; only the first few are told one by one."""
        self._faults += 1
        if self._faults <= _MAX_FAULTS:
            self.note("truncated" if "cut off" in str(error) else "broken", str(error))

    def note(self, kind: str, text: str, count: int | None = None) -> None:
        """Notes what is missing or odd in the profile; `count` is how often."""
        self._problems.append(Problem(kind, text, count))

    def device(self, kind: str, ordinal: str, plane: str) -> int:
        """The number of a device, given when it is seen the first time."""
        return self._devices.setdefault(DeviceKey(kind, ordinal, plane), len(self._devices))

    def tables(
        self, data: memoryview, plane: Plane, keep: Callable[[EventTable], tuple[EventTable, ...]]
    ) -> Iterator[tuple[tuple[EventTable, ...], int]]:
        """(tables with times since the origin, line number) of each stretch of each line of a plane.

        `keep` gives the tables to keep of a stretch; they are the caller's, and share no column of times.
        """
        reader = LineReader(data, plane, self.names, self._release)
        for start, end in plane.lines:
            head, tables, fault = reader.read(start, end, keep)
            if fault is not None:
                self.fault(fault)
            if self._origin_ns is None and tables:
                self._origin_ns = head.timestamp_ns
            shift = min(max(head.timestamp_ns - (self._origin_ns or 0), -_NS_SPAN), _NS_SPAN) * 1000
            line = self.lines(head.name)
            reader.last_ps = max(reader.last_ps, shift + reader.line_end_ps)
            for kept in tables:
                for table in kept:
                    table.start_ps += shift
                    table.end_ps += shift
                yield kept, line
        self._events += reader.events
        self._last_ps = max(self._last_ps, reader.last_ps)
        self._broken += reader.broken

    def profile(self) -> Profile:
        """The Profile of all planes taken so far."""
        if self._faults > _MAX_FAULTS:
            self.note("broken", "More faults like the ones listed.", self._faults - _MAX_FAULTS)
        if self._broken:
            self.note("broken", "Events that could not be read whole.", self._broken)
        self._note_cap()
        count = len(self.ops.joined("start"))
        if not count:
            self.note("empty", "No op event could be read." if self._faults else "The profile holds no op event.")
        self._note_command_buffers()
        programs: dict[ProgramKey, int] = {}
        runs: dict[int, int] = {}
        names = self.names.all()
        columns = [self._keys(rows, programs, runs, names) for rows in (self.ops, self.device_spans, self.host)]
        ops = OpEvents(
            self.ops.joined("device"),
            columns[0][0],
            columns[0][1],
            self.ops.joined("op"),
            self.ops.joined("line"),
            self.ops.joined("start"),
            self.ops.joined("end"),
            self.ops.joined("marked"),
        )
        return Profile(
            tuple(self._devices),
            tuple(programs),
            np.asarray(list(runs), np.int64),
            names,
            self.lines.all(),
            ops,
            self._make_spans(self.device_spans, columns[1]),
            self._make_spans(self.host, columns[2]),
            self._origin_ns or 0,
            self.window_ps,
            self.hlo_protos,
            self._events,
            tuple(self._problems),
        )

    def _note_cap(self) -> None:
        """A capped profile holds just that many events, or falls silent long before its window closes."""
        at_limit = EVENT_CAP <= self._events <= EVENT_CAP * 1.01
        silent = self._events > EVENT_CAP and self.window_ps is not None and self._last_ps < 0.9 * self.window_ps
        if at_limit or silent:
            text = f"Some profilers stop at about {EVENT_CAP} events, as this profile does: later ones may be missing."
            self.note("capped", text, self._events)

    def _note_command_buffers(self) -> None:
        gpu = [index for key, index in self._devices.items() if key.kind == "gpu"]
        if not gpu or not self.graph_launches:
            return
        device, start, end = (self.graphs.joined(name) for name in ("device", "start", "end"))
        spent = sum(union_length(start[device == each], end[device == each]) for each in gpu)
        took = f"; they took {spent / 1e9:.3g} ms of device time" if spent else ""
        self.note(
            "command_buffers",
            f"Kernels were launched through command buffers, which hide single ops{took}: a program compiled with "
            "xla_gpu_enable_command_buffer= (empty) shows them.",
            self.graph_launches,
        )

    @staticmethod
    def _keys(
        rows: Rows, programs: dict[ProgramKey, int], runs: dict[int, int], names: tuple[str, ...]
    ) -> tuple[I32, I32]:
        """Index columns (program, run) of `rows`; new keys are added to `programs` and `runs`."""
        ids, id_of = _numbered(rows.joined("program_id"), rows.joined("has_program_id"))
        width = len(names) + 1
        pair = (id_of + 1) * width + rows.joined("module") + 1
        rows.drop("module", "program_id", "has_program_id")
        pairs, pair_of = grouped(pair, (len(ids) + 1) * width)
        del id_of, pair
        index = []
        for number in pairs.tolist():
            identity, name = divmod(number, width)
            key = ProgramKey(int(ids[identity - 1]) if identity else None, names[name - 1] if name else None)
            index.append(programs.setdefault(key, len(programs)) if number else -1)
        program = np.asarray(index or [-1], np.int32)[pair_of]
        values, value_of = _numbered(rows.joined("run_id"), rows.joined("has_run_id"))
        rows.drop("run_id", "has_run_id")
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
    every = bool(known.all())
    held = values if every else values[known]
    found, inverse = distinct(held)
    if every:
        return found, inverse
    position = np.full(len(values), -1, np.int64)
    position[known] = inverse
    return found, position


def add_ops(rows: Rows, table: EventTable, line: int, device: int | None) -> None:
    """Rows of ops from the events of a line of the profile; times in ps."""
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


def add_spans(rows: Rows, table: EventTable, line: int, device: int | None, names: I64) -> None:
    """Rows of program spans from the events of a line of the profile; times in ps."""
    n = len(table.metadata)
    rows.add(name=names, line=np.full(n, line), start=table.start_ps, end=table.end_ps)
    rows.add(module=table.names["hlo_module"], device=np.full(n, -1 if device is None else device))
    for name in ("program_id", "run_id"):
        rows.add(**{name: table.numbers[name], f"has_{name}": table.has[name]})
