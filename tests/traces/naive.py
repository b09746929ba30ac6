"""Independent, slow sums of a profile: protobuf objects, dictionaries, and a sweep over every instant."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

from tests.traces.xspace_proto import HloProto, XSpace


@dataclass
class Op:
    device: str
    program: int
    run: int
    name: str
    start: int
    end: int


@dataclass
class Naive:
    """Picoseconds by (device, program, op), and by device."""

    ops: list[Op] = field(default_factory=list)
    count: dict[tuple[str, int, str], int] = field(default_factory=lambda: defaultdict(int))
    total: dict[tuple[str, int, str], int] = field(default_factory=lambda: defaultdict(int))
    own: dict[tuple[str, int, str], Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    covered: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    busy: dict[str, int] = field(default_factory=dict)
    calls: dict[int, int] = field(default_factory=dict)


def stats_of(plane, event) -> dict[str, object]:
    names = {entry.key: entry.value.name for entry in plane.stat_metadata}
    return {names[stat.metadata_id]: stat_value(stat, names) for stat in event.stats}


def stat_value(stat, names: dict[int, str]) -> object:
    if stat.HasField("ref_value"):
        return names[stat.ref_value]
    for kind in ("int64_value", "uint64_value", "double_value", "str_value", "bytes_value"):
        if stat.HasField(kind):
            return getattr(stat, kind)
    return None


def ancestors(space) -> dict[int, dict[str, set[str]]]:
    """For each program, for each op the ops whose called computations hold it, directly or not."""
    result: dict[int, dict[str, set[str]]] = {}
    for plane in (plane for plane in space.planes if plane.name == "/host:metadata"):
        names = {entry.key: entry.value.name for entry in plane.stat_metadata}
        for entry in plane.event_metadata:
            stats = {names[stat.metadata_id]: stat for stat in entry.value.stats}
            module = HloProto.FromString(stats["Hlo Proto"].bytes_value).hlo_module
            holder = {i.name: c.id for c in module.computations for i in c.instructions}
            callers = defaultdict(set)
            for computation in module.computations:
                for instruction in computation.instructions:
                    if instruction.opcode in ("while", "call", "conditional", "async-start"):
                        for called in instruction.called_computation_ids:
                            callers[called].add(instruction.name)
            above: dict[str, set[str]] = {}
            for name in holder:
                found: set[str] = set()
                todo = [name]
                while todo:
                    for up in callers[holder[todo.pop()]] - found:
                        found.add(up)
                        todo.append(up)
                above[name] = found
            result[stats["program_id"].uint64_value or stats["program_id"].int64_value] = above
    return result


def naive_sums(data: bytes) -> Naive:
    """Sums of the CPU ops of a profile."""
    space = XSpace.FromString(data)
    naive = Naive()
    for plane in (plane for plane in space.planes if plane.name.startswith("/host:CPU")):
        names = {entry.key: entry.value.name for entry in plane.event_metadata}
        ends, found = {}, []
        for line in plane.lines:
            for event in line.events:
                stats = stats_of(plane, event)
                start = line.timestamp_ns * 1000 + event.offset_ps
                if names[event.metadata_id].startswith("end: "):
                    ends[stats["_c"]] = start
                elif "hlo_op" in stats:
                    found.append((stats, start))
        for stats, start in found:
            where = (str(stats["device_ordinal"]), stats["program_id"], stats["run_id"], stats["hlo_op"])
            naive.ops.append(Op(*where, start, ends[stats["_p"]]))
    above = ancestors(space)
    runs = defaultdict(set)
    spans: dict[str, dict[tuple[int, int], tuple[int, int]]] = defaultdict(dict)
    for op in naive.ops:
        key = (op.device, op.program, op.name)
        naive.count[key] += 1
        naive.total[key] += op.end - op.start
        runs[op.program].add(op.run)
        first, last = spans[op.device].get((op.program, op.run), (op.start, op.end))
        spans[op.device][op.program, op.run] = (min(first, op.start), max(last, op.end))
    naive.calls = {program: len(found) for program, found in runs.items()}
    for device, of_device in spans.items():
        naive.busy[device] = length(list(of_device.values()))
        _sweep(naive, [op for op in naive.ops if op.device == device], above)
    return naive


def length(intervals: list[tuple[int, int]]) -> int:
    """Length of the union of intervals, one by one."""
    total, reach = 0, None
    for start, end in sorted(intervals):
        if reach is None or start > reach:
            total += end - start
            reach = end
        elif end > reach:
            total += end - reach
            reach = end
    return total


def _sweep(naive: Naive, ops: list[Op], above: dict[int, dict[str, set[str]]]) -> None:
    moments = defaultdict(lambda: ([], []))
    for op in ops:
        if op.end > op.start:
            moments[op.start][0].append(op)
            moments[op.end][1].append(op)
    active: list[Op] = []
    times = sorted(moments)
    for now, following in zip(times, [*times[1:], times[-1]], strict=True):
        begun, done = moments[now]
        active = [op for op in active if all(op is not other for other in done)] + begun
        if not active:
            continue
        inner = [
            op
            for op in active
            if not any(
                op.name in above[other.program][other.name]
                for other in active
                if other is not op and (other.program, other.run) == (op.program, op.run)
            )
        ]
        for op in inner:
            naive.own[op.device, op.program, op.name] += Fraction(following - now, len(inner))
        naive.covered[active[0].device] += following - now
