"""Write XSpace bytes plane by plane, for profiles that this machine cannot record."""

from __future__ import annotations

from collections.abc import Mapping

from tests.traces.xspace_proto import HloProto, XSpace

Value = int | float | str | bytes


class SpaceBuilder:
    """`plane(...)` returns a builder of lines; texts of stats are written as references, as the profiler does."""

    def __init__(self) -> None:
        self.space = XSpace()

    def plane(self, name: str, stats: Mapping[str, Value] | None = None) -> PlaneBuilder:
        builder = PlaneBuilder(self.space.planes.add(name=name))
        for key, value in (stats or {}).items():
            builder.set_stat(builder.proto.stats.add(), key, value)
        return builder

    def bytes(self) -> bytes:
        return self.space.SerializeToString()


class PlaneBuilder:
    def __init__(self, proto) -> None:
        self.proto = proto
        self._stats: dict[str, int] = {}
        self._events: dict[str, int] = {}

    def stat_id(self, name: str) -> int:
        if name not in self._stats:
            key = self._stats[name] = len(self._stats) + 1
            entry = self.proto.stat_metadata.add(key=key)
            entry.value.id, entry.value.name = key, name
        return self._stats[name]

    def set_stat(self, stat, name: str, value: Value, inline: bool = False) -> None:
        stat.metadata_id = self.stat_id(name)
        if isinstance(value, str) and inline:
            stat.str_value = value
        elif isinstance(value, str):
            stat.ref_value = self.stat_id(value)
        elif isinstance(value, bytes):
            stat.bytes_value = value
        elif isinstance(value, float):
            stat.double_value = value
        elif value >= 1 << 63:
            stat.uint64_value = value
        else:
            stat.int64_value = value

    def event_id(self, name: str, display_name: str = "", stats: Mapping[str, Value] | None = None) -> int:
        if name not in self._events:
            key = self._events[name] = len(self._events) + 1
            entry = self.proto.event_metadata.add(key=key)
            entry.value.id, entry.value.name, entry.value.display_name = key, name, display_name
            for stat, value in (stats or {}).items():
                self.set_stat(entry.value.stats.add(), stat, value)
        return self._events[name]

    def line(self, name: str, timestamp_ns: int = 0):
        return self.proto.lines.add(name=name, timestamp_ns=timestamp_ns)

    def event(self, line, name: str, start_ns: float, end_ns: float, inline: bool = False, **stats: Value):
        event = line.events.add(metadata_id=self.event_id(name))
        event.offset_ps = round(start_ns * 1000) - line.timestamp_ns * 1000
        event.duration_ps = round((end_ns - start_ns) * 1000)
        for key, value in stats.items():
            self.set_stat(event.stats.add(), key, value, inline)
        return event


def hlo_proto(module: str, computations: Mapping[str, list[tuple[str, str, list[str]]]]) -> bytes:
    """A HloProto: for each computation its (instruction, opcode, called computations)."""
    ids = {name: i + 1 for i, name in enumerate(computations)}
    proto = HloProto()
    proto.hlo_module.name = module
    for name, instructions in computations.items():
        computation = proto.hlo_module.computations.add(name=name, id=ids[name])
        for instruction, opcode, called in instructions:
            computation.instructions.add(
                name=instruction, opcode=opcode, called_computation_ids=[ids[c] for c in called]
            )
    return proto.SerializeToString()
