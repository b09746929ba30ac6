"""The op table of a profile: self times by a sweep over each device, busy time measured on its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from xlascope.traces.grouping import distinct, grouped
from xlascope.traces.hidden import hidden_ops
from xlascope.traces.nesting import Parents, how, nest, program_graphs
from xlascope.traces.optimes import DeviceTimes, OpRow, OpTimes, ProgramCalls
from xlascope.traces.profile import OpEvents, Profile, ProgramKey
from xlascope.traces.sweep import split, union_length
from xlascope.traces.unfinished import lengthened
from xlascope.traces.wire import I64

STRETCH = 300_000
COLLECTIVES = (
    "all-gather", "all-reduce", "all-to-all", "collective-broadcast", "collective-permute", "ragged-all-to-all",
    "reduce-scatter",
)  # fmt: skip
_COLLECTIVE = re.compile(rf"(?:{'|'.join(COLLECTIVES)})(?:-start|-done)?(?:[.\d]|$)")
_FUSED = re.compile(r"async-collective-(?:start|done)(?:[.\d]|$)")  # fusions of TPU compilers, by name alone


def is_collective(op: str, opcode: str | None) -> bool:
    """Whether an op moves data between devices: by its opcode, else by its name."""
    return bool(_COLLECTIVE.match(opcode if opcode else op.lower()) or _FUSED.match(op))


def op_table(profile: Profile, parents: Parents | None = None) -> OpTimes:
    """Rows per (program, op, device) with total and self times, calls, and the devices with busy time and coverage.

    `parents` gives the HLO call graph by program id or module name: for each op inside a called computation, the op
    (or ops) that call it. Without it the HLO that the profile carries is used, and without that time containment,
    which `problems` then says.
    """
    graphs = program_graphs(profile, parents)
    profile = lengthened(profile, graphs)
    ops = profile.ops
    own = np.zeros(len(ops))
    covered = [0] * len(profile.devices)
    for rows in _stretches(ops):
        part = ops.take(rows)
        shares = split(part.start_ps, part.end_ps, nest(profile, part, graphs))
        own[rows] = shares.own
        covered[int(part.device[0])] += shares.covered
    method, doubts = how(profile, graphs)
    return OpTimes(
        _rows(profile, own, graphs.opcodes),
        _calls(profile, graphs.entries),
        _devices(profile, covered, graphs.opcodes),
        None if profile.window_ps is None else profile.window_ps // 1000,
        1,
        method,
        profile.problems + graphs.problems + hidden_ops(profile, graphs) + doubts,
    )


def _stretches(ops: OpEvents) -> Iterator[I64]:
    """Cut the events of each device where none is active, into parts of about STRETCH events, so memory is bounded."""
    for device in distinct(ops.device.astype(np.int64))[0].tolist():
        rows = np.flatnonzero(ops.device == device)
        rows = rows[np.argsort(ops.start_ps[rows], kind="stable")]
        reach = np.maximum.accumulate(ops.end_ps[rows])
        free = np.flatnonzero(ops.start_ps[rows[1:]] >= reach[:-1]) + 1
        begin = 0
        while begin < len(rows):
            later = np.searchsorted(free, begin + STRETCH)
            end = int(free[later]) if later < len(free) else len(rows)
            yield rows[begin:end]
            begin = end


def devices(profile: Profile) -> tuple[DeviceTimes, ...]:
    """The devices of a profile: busy, op, collective and idle time, without times per op."""
    graphs = program_graphs(profile, None)
    profile = lengthened(profile, graphs)
    ops = profile.ops
    covered = []
    for device in range(len(profile.devices)):
        rows = ops.device == device
        covered.append(union_length(ops.start_ps[rows], ops.end_ps[rows]))
    return _devices(profile, covered, graphs.opcodes)


def busy_ps(profile: Profile, device: int) -> int:
    """Time the device with this index was at work.

    CPU: union over its executions (program, run) of first start to last end, ends of lost ops included. GPU: union
    of all events on its streams. TPU: union of the module executions on it, and of ops outside them.
    """
    ops, spans = profile.ops, profile.device_spans
    mine, other = ops.device == device, spans.device == device
    if profile.devices[device].kind != "cpu":
        return union_length(
            np.concatenate((ops.start_ps[mine], spans.start_ps[other])),
            np.concatenate((ops.end_ps[mine], spans.end_ps[other])),
        )
    start = np.concatenate((ops.start_ps[mine], spans.start_ps[other]))
    end = np.concatenate((ops.end_ps[mine], spans.end_ps[other]))
    program = np.concatenate((ops.program[mine], spans.program[other])).astype(np.int64)
    run = np.concatenate((ops.run[mine], spans.run[other])).astype(np.int64)
    # An event that names no run is an execution of its own.
    alone = run < 0
    runs = len(profile.run_ids) + 1
    named = (len(profile.programs) + 1) * runs
    key = np.where(alone, named + np.arange(len(run)), (program + 1) * runs + run)
    groups, group = grouped(key, named + len(run))
    first, last = np.full(len(groups), np.iinfo(np.int64).max), np.full(len(groups), np.iinfo(np.int64).min)
    np.minimum.at(first, group, start)
    np.maximum.at(last, group, end)
    return union_length(first, last)


def _rows(profile: Profile, own: np.ndarray, opcodes: Sequence[Mapping[str, str]]) -> tuple[OpRow, ...]:
    ops = profile.ops
    if not len(ops):
        return ()
    names = len(profile.names)
    key = (ops.device.astype(np.int64) * (len(profile.programs) + 1) + ops.program + 1) * names + ops.op
    keys, group = grouped(key, len(profile.devices) * (len(profile.programs) + 1) * names)
    count = np.bincount(group)
    # Sums of integers, not of floats: exact however long the profile is.
    total = np.zeros(len(keys), np.int64)
    np.add.at(total, group, ops.end_ps - ops.start_ps)
    self_ns = _rounded(np.bincount(group, own), keys // names // (len(profile.programs) + 1))
    rows = []
    for i in np.argsort(-self_ns, kind="stable").tolist():
        rest, op = divmod(int(keys[i]), names)
        device, program = divmod(rest, len(profile.programs) + 1)
        who = profile.programs[program - 1] if program else ProgramKey(None, None)
        name, where = profile.names[op], profile.devices[device]
        opcode = opcodes[program - 1].get(name) if program else None
        rows.append(
            OpRow(
                who.program_id, who.module, name, opcode, where.kind, where.ordinal, int(count[i]),
                _to_ns(int(total[i])), int(self_ns[i]),
            )
        )  # fmt: skip
    return tuple(rows)


def _to_ns(picoseconds: int) -> int:
    return (picoseconds + 500) // 1000


def _rounded(self_ps: np.ndarray, device: I64) -> I64:
    """Picoseconds to nanoseconds so that the rows of each device add up to its rounded sum (keys are by device)."""
    new = np.concatenate(([True], device[1:] != device[:-1]))
    upto = np.cumsum(self_ps)
    base = np.concatenate(([0.0], upto))[np.flatnonzero(new)][np.cumsum(new) - 1]
    rounded = np.rint((upto - base) / 1000).astype(np.int64)
    return rounded - np.where(new, 0, np.concatenate(([0], rounded[:-1])))


def _calls(profile: Profile, entries: Sequence[frozenset[str]]) -> tuple[ProgramCalls, ...]:
    ops = profile.ops
    if not len(ops):
        return ()
    pairs = ops.device.astype(np.int64) * (len(profile.programs) + 1) + ops.program + 1
    keys, group = grouped(pairs, len(profile.devices) * (len(profile.programs) + 1))
    events = np.bincount(group)
    runs, _ = grouped(group * (len(profile.run_ids) + 1) + ops.run + 1, len(keys) * (len(profile.run_ids) + 1))
    owner, run = runs // (len(profile.run_ids) + 1), runs % (len(profile.run_ids) + 1) - 1
    unknown = np.zeros(len(keys), bool)
    unknown[owner[run < 0]] = True
    distinct = np.bincount(owner[run >= 0], minlength=len(keys))
    result = []
    for i, key in enumerate(keys.tolist()):
        device, program = divmod(key, len(profile.programs) + 1)
        who = profile.programs[program - 1] if program else ProgramKey(None, None)
        where = profile.devices[device]
        calls = None if unknown[i] else int(distinct[i])
        likely = _fewest(profile, group == i, entries[program - 1]) if calls is None and program else None
        result.append(
            ProgramCalls(who.program_id, who.module, where.kind, where.ordinal, calls, int(events[i]), likely)
        )
    return tuple(result)


def _fewest(profile: Profile, events: np.ndarray, entry: frozenset[str]) -> int | None:
    """The fewest events of an op of the entry computation: kernels of an op come once or several times a call."""
    count = np.bincount(profile.ops.op[events], minlength=len(profile.names))
    return min((int(count[op]) for op in np.flatnonzero(count) if profile.names[op] in entry), default=None)


def _devices(profile: Profile, covered: Sequence[int], opcodes: Sequence[Mapping[str, str]]) -> tuple[DeviceTimes, ...]:
    ops = profile.ops
    cpus = sum(device.kind == "cpu" for device in profile.devices)
    collective = _collective_events(profile, opcodes)
    window = None if profile.window_ps is None else profile.window_ps // 1000
    result = []
    for index, device in enumerate(profile.devices):
        busy = _to_ns(busy_ps(profile, index))
        mine = collective & (ops.device == index)
        result.append(
            DeviceTimes(
                device.ordinal,
                device.kind,
                device.kind == "cpu" and cpus > 1,
                busy,
                _to_ns(covered[index]),
                _to_ns(union_length(ops.start_ps[mine], ops.end_ps[mine])),
                None if window is None else max(window - busy, 0),
                window,
            )
        )
    return tuple(result)


def _collective_events(profile: Profile, opcodes: Sequence[Mapping[str, str]]) -> np.ndarray:
    """Mask of the op events that are collectives."""
    ops = profile.ops
    if not len(ops):
        return np.zeros(0, bool)
    key = (ops.program.astype(np.int64) + 1) * len(profile.names) + ops.op
    keys, group = grouped(key, (len(profile.programs) + 1) * len(profile.names))
    flags = []
    for value in keys.tolist():
        program, op = divmod(value, len(profile.names))
        name = profile.names[op]
        flags.append(is_collective(name, opcodes[program - 1].get(name) if program else None))
    return np.asarray(flags, bool)[group]
