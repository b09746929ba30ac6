"""The tables of an XPlane: names of events and stats, its lines, and the HLO protos it carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from xlascope.traces.wire import BYTES, FIXED64, I64, VARINT, ProfileError, fields, signed, text


@dataclass(slots=True)
class EventMeta:
    """An XEventMetadata: the name events of one kind share, and their common stats by name."""

    name: str = ""
    display_name: str = ""
    raw_stats: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Plane:
    """One XPlane with its tables read and its lines only located: (start, end) offsets of each XLine."""

    name: str = ""
    lines: list[tuple[int, int]] = field(default_factory=list)
    events: dict[int, EventMeta] = field(default_factory=dict)
    stats: dict[int, str] = field(default_factory=dict)
    raw_stats: list[tuple[int, int]] = field(default_factory=list)


Stat = int | float | str | tuple[int, int]
"""A stat's value; raw bytes as their (start, end) offsets."""


def read_plane(data: memoryview, start: int, end: int, on_fault: Callable[[ProfileError], None]) -> Plane:
    """Read the tables of the XPlane in data[start:end]; what cannot be read is told to `on_fault` and left out."""
    plane = Plane()

    def cut(place: int) -> None:
        on_fault(ProfileError("a part of a plane is cut off", place))

    try:
        for part in fields(data, start, end, cut):
            if part.wire != BYTES:
                continue
            if part.number == 2:
                plane.name = text(data, part.start, part.end)
            elif part.number == 3:
                plane.lines.append((part.start, part.end))
            elif part.number in (4, 5):
                try:
                    _read_entry(data, part.start, part.end, plane, part.number == 4)
                except ProfileError as fault:
                    on_fault(fault)
            elif part.number == 6:
                plane.raw_stats.append((part.start, part.end))
    except ProfileError as fault:
        on_fault(fault)
    return plane


def _read_entry(data: memoryview, start: int, end: int, plane: Plane, is_event: bool) -> None:
    """One entry of the map of event or stat metadata."""
    key, value = 0, None
    for part in fields(data, start, end):
        if part.number == 1 and part.wire == VARINT:
            key = signed(part.value)
        elif part.number == 2 and part.wire == BYTES:
            value = (part.start, part.end)
    if value is None:
        return
    if not is_event:
        plane.stats[key] = "".join(
            text(data, part.start, part.end) for part in fields(data, *value) if part.number == 2 and part.wire == BYTES
        )
        return
    meta = EventMeta()
    for part in fields(data, *value):
        if part.wire != BYTES:
            continue
        if part.number == 2:
            meta.name = text(data, part.start, part.end)
        elif part.number == 4:
            meta.display_name = text(data, part.start, part.end)
        elif part.number == 5:
            meta.raw_stats.append((part.start, part.end))
    plane.events[key] = meta


def read_stats(data: memoryview, plane: Plane, raw: list[tuple[int, int]]) -> dict[str, Stat]:
    """Stats of a plane or of an event's metadata by name. Raises ProfileError when they are broken."""
    result: dict[str, Stat] = {}
    for start, end in raw:
        name = ""
        value: Stat | None = None
        for part in fields(data, start, end):
            if part.number == 1 and part.wire == VARINT:
                name = plane.stats.get(signed(part.value), "")
            elif part.number == 2 and part.wire == FIXED64:
                value = float(np.uint64(part.value).view(np.float64))
            elif part.number in (3, 4) and part.wire == VARINT:
                value = signed(part.value) if part.number == 4 else part.value
            elif part.number == 5 and part.wire == BYTES:
                value = text(data, part.start, part.end)
            elif part.number == 6 and part.wire == BYTES:
                value = (part.start, part.end)
            elif part.number == 7 and part.wire == VARINT:
                value = plane.stats.get(signed(part.value), "")
        if name and value is not None:
            result[name] = value
    return result


_DENSE = 1 << 20


class IdTable:
    """From int64 ids to small indices, vectorised; -1 for an id that is not in the table."""

    def __init__(self, table: dict[int, int]) -> None:
        self._ids: I64 = np.asarray(sorted(table) or [0], np.int64)
        self._values = np.asarray([table.get(int(i), -1) for i in self._ids], np.int64)
        self._limit = np.uint64(_DENSE)
        if self._ids[0] >= 0 and self._ids[-1] < _DENSE:  # as profilers number them: looked up, not searched for
            self._limit = np.uint64(self._ids[-1] + 1)
            self._dense = np.full(int(self._limit) + 1, -1, np.int64)
            self._dense[self._ids] = self._values

    def __call__(self, ids: I64) -> I64:
        """The index of each id, in the shape of `ids`."""
        if self._limit < _DENSE:
            return self._dense[np.minimum(ids.view(np.uint64), self._limit).view(np.int64)]
        slot = np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)
        return np.where(self._ids[slot] == ids, self._values[slot], -1)


class Names:
    """Texts numbered in the order of their first use."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}

    def __call__(self, name: str) -> int:
        """The number of a text."""
        return self._index.setdefault(name, len(self._index))

    def all(self) -> tuple[str, ...]:
        """All names in the order of their numbers."""
        return tuple(self._index)
