"""Raw rows of the events that matter, gathered plane by plane before they become a Profile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from xlascope.traces.events import EventColumns, parse, stretches
from xlascope.traces.molds import Molds
from xlascope.traces.planes import IdTable, Names, Plane
from xlascope.traces.wire import BYTES, I64, VARINT, ProfileError, fields, signed, text

WANTED = (
    "hlo_op", "hlo_module", "program_id", "run_id", "device_ordinal", "_p", "_c", "correlation_id",
)  # fmt: skip

GRAPHS = ("cuda_graph_exec_id", "cuda_graph_id")
"""Wanted where a plane has them: that of a graph that ran as one event, and that of the graph a kernel is a node of."""

INDEX_COLUMNS = frozenset({"device", "op", "module", "name", "line"})
"""Columns of Rows that number a table: int32; all others but `has_X` and `marked` are int64."""


@dataclass(slots=True)
class Rows:
    """Events as parallel columns; names, modules and lines are numbered by the reader's tables.

    A column `has_X` says where X is known.
    """

    columns: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def add(self, **columns: np.ndarray) -> None:
        """Appends columns of equal length."""
        for name, values in columns.items():
            self.columns.setdefault(name, []).append(values.astype(self._type(name), copy=False))

    def joined(self, name: str) -> np.ndarray:
        """The whole column, joined in place: asking again costs nothing."""
        parts = self.columns.setdefault(name, [])
        if len(parts) != 1:
            parts[:] = [np.concatenate(parts) if parts else np.zeros(0, self._type(name))]
        return parts[0]

    def drop(self, *names: str) -> None:
        """Let go of columns that nobody asks for again."""
        for name in names:
            self.columns.pop(name, None)

    @staticmethod
    def _type(name: str) -> type:
        if name.startswith("has_") or name == "marked":
            return np.bool_
        return np.int32 if name in INDEX_COLUMNS else np.int64


@dataclass(slots=True)
class LineHead:
    """What an XLine says of itself; `name` is its display name where it has one."""

    name: str = ""
    timestamp_ns: int = 0


@dataclass(slots=True)
class EventTable:
    """The parsed events of a line: times relative to the line in picoseconds, stats by name, text numbered."""

    metadata: I64
    start_ps: I64
    end_ps: I64
    numbers: dict[str, I64]
    has: dict[str, np.ndarray]
    names: dict[str, I64]

    def take(self, rows: np.ndarray, *stats: str) -> EventTable:
        """The events at some places, in that order, with these stats alone, or, where none is named, with all."""

        def of(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {k: v[rows] for k, v in columns.items() if not stats or k in stats}

        return EventTable(
            self.metadata[rows], self.start_ps[rows], self.end_ps[rows],
            of(self.numbers), of(self.has), of(self.names),
        )  # fmt: skip


class LineReader:
    """Reads the lines of one plane into EventTables."""

    def __init__(self, data: memoryview, plane: Plane, names: Names, release: Callable[[], None]) -> None:
        self._data = data
        self._release = release
        self._names = names
        self._wanted = {key: name for key, name in plane.stats.items() if name in WANTED or name in GRAPHS}
        self._names_wanted = (*WANTED, *(name for name in GRAPHS if name in self._wanted.values()))
        self._ref = IdTable({key: names(name) for key, name in plane.stats.items()})
        self.events = 0
        self.line_end_ps = 0
        self.last_ps = 0
        self.broken = 0

    def read(
        self, start: int, end: int, keep: Callable[[EventTable], tuple[EventTable, ...]]
    ) -> tuple[LineHead, list[tuple[EventTable, ...]], ProfileError | None]:
        """Parse the XLine in data[start:end]; a fault ends the line early and is returned.

        `keep` gives the tables to keep of each stretch, so that a long line stays small.
        """
        head = LineHead()
        display_name = ""
        self.line_end_ps = 0
        tables: list[tuple[EventTable, ...]] = []
        cuts: list[int] = []
        pos = start
        molds = Molds(self._wanted)
        while pos < end:
            for chunk, starts, ends, after in stretches(self._data, pos, end):
                table = self._table(parse(chunk, starts, ends, self._wanted, molds))
                tables.append(keep(table))
                pos = after
                self._release()
            # Here stands another field than an event, an event that is cut off, or the end.
            try:
                part = next(fields(self._data, pos, end, cuts.append), None)
            except ProfileError as error:
                return head, tables, error
            if cuts:
                return head, tables, ProfileError("a line is cut off", cuts[0])
            if part is None:
                break
            if part.number == 2 and part.wire == BYTES:
                head.name = text(self._data, part.start, part.end)
            elif part.number == 11 and part.wire == BYTES:
                display_name = text(self._data, part.start, part.end)
            elif part.number == 3 and part.wire == VARINT:
                head.timestamp_ns = signed(part.value)
            pos = part.after
        head.name = display_name or head.name
        return head, tables, None

    def _table(self, columns: EventColumns) -> EventTable:
        self.events += len(columns.metadata)
        if len(columns.offset_ps):
            self.line_end_ps = max(self.line_end_ps, int(columns.offset_ps.max()))
        self.broken += columns.broken
        own = np.asarray([self._names(value) for value in columns.strings] or [-1], np.int64)
        numbers: dict[str, I64] = {}
        has: dict[str, np.ndarray] = {}
        named: dict[str, I64] = {}
        for name in self._names_wanted:
            values, present = columns.stats.get(name, (None, None))
            if values is None or present is None:
                values, present = np.zeros(len(columns.metadata), np.int64), np.zeros(len(columns.metadata), bool)
            is_ref = columns.refs.get(name, present) & present
            if name in ("hlo_op", "hlo_module"):
                inline = own[np.clip(-1 - values, 0, len(own) - 1)]
                named[name] = np.where(is_ref, np.where(values < 0, inline, self._ref(values)), -1)
                has[name] = named[name] >= 0
            else:
                numbers[name] = values
                has[name] = present & ~is_ref
        end = columns.offset_ps + np.maximum(columns.duration_ps, 0)
        return EventTable(columns.metadata, columns.offset_ps, end, numbers, has, named)
