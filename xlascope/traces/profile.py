"""A profile as columns: op events by device, other device spans, host events of interest, and what is wrong with it.

Times are picoseconds since `origin_ns` (int64: exact for 106 days). Unknown indices are -1.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xlascope.traces.wire import I64

I32 = NDArray[np.int32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something lost, cut or doubtful. `count` is None where it is unknown."""

    kind: str
    text: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """A device that executed ops: `kind` cpu, gpu or tpu; `ordinal` its local number as text."""

    kind: str
    ordinal: str
    plane: str


@dataclass(frozen=True, slots=True)
class ProgramKey:
    """A program as profiles name it: XLA's id of the executable's module, and the module's name."""

    program_id: int | None
    module: str | None


@dataclass(frozen=True, slots=True)
class OpEvents:
    """One element for each execution of an op.

    device, program, run, op, line index Profile.devices, .programs, .run_ids, .names, .lines; marked: the end was
    taken from an `end:` marker, else from the event's own duration.
    """

    device: I32
    program: I32
    run: I32
    op: I32
    line: I32
    start_ps: I64
    end_ps: I64
    marked: Bools

    def __len__(self) -> int:
        return len(self.start_ps)

    def take(self, rows: I64 | Bools) -> OpEvents:
        """The events at `rows` (indices or mask)."""
        return OpEvents(
            self.device[rows],
            self.program[rows],
            self.run[rows],
            self.op[rows],
            self.line[rows],
            self.start_ps[rows],
            self.end_ps[rows],
            self.marked[rows],
        )


@dataclass(frozen=True, slots=True)
class Spans:
    """Device or host time that is no op: kernels without an op, copies, XLA modules on TPU, ends whose op is missing.

    name indexes Profile.names; device, program and run are -1 where the event does not say.
    """

    device: I32
    program: I32
    run: I32
    name: I32
    line: I32
    start_ps: I64
    end_ps: I64

    def __len__(self) -> int:
        return len(self.start_ps)

    def take(self, rows: I64 | Bools) -> Spans:
        """The spans at `rows` (indices or mask)."""
        return Spans(
            self.device[rows],
            self.program[rows],
            self.run[rows],
            self.name[rows],
            self.line[rows],
            self.start_ps[rows],
            self.end_ps[rows],
        )


@dataclass(frozen=True, slots=True)
class Profile:
    """What one XSpace says about devices and ops.

    `device_spans` are events that show a device at work apart from its ops; `host` are calls and compile phases.
    `window_ps` is (start, end) of the recording, None where the profile does not say. `hlo_protos` are the serialized
    HloProto of the programs, by program id, where the profile carries them.
    """

    devices: tuple[DeviceKey, ...]
    programs: tuple[ProgramKey, ...]
    run_ids: I64
    names: tuple[str, ...]
    lines: tuple[str, ...]
    ops: OpEvents
    device_spans: Spans
    host: Spans
    origin_ns: int
    window_ps: int | None
    hlo_protos: Mapping[int, bytes]
    events_total: int
    problems: tuple[Problem, ...]

    def start_ns(self) -> I64:
        """Start of each op event, nanoseconds since the profile's zero (rounded down)."""
        return self.ops.start_ps // 1000 + self.origin_ns

    def end_ns(self) -> I64:
        """End of each op event, nanoseconds since the profile's zero (rounded down)."""
        return self.ops.end_ps // 1000 + self.origin_ns

    def of_programs(self, program_ids: Collection[int]) -> Profile:
        """The profile with the events of some programs alone."""
        mine = np.asarray([key.program_id in program_ids for key in self.programs] + [False])
        spans = self.device_spans.take(mine[self.device_spans.program])
        return replace(self, ops=self.ops.take(mine[self.ops.program]), device_spans=spans)
