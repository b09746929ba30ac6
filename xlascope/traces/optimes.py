"""Times per op and per device, computed from a Profile or merged from several windows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from xlascope.traces.profile import Problem


@dataclass(frozen=True, slots=True)
class OpRow:
    """One op on one device. total_ns: summed time from start to end; self_ns: its share of the device's covered time.

    `opcode` is None where the profile carries no HLO of the program.
    """

    program_id: int | None
    module: str | None
    op: str
    opcode: str | None
    kind: str
    device: str
    count: int
    total_ns: int
    self_ns: int


@dataclass(frozen=True, slots=True)
class ProgramCalls:
    """Executions of a program on a device: `calls` distinct run ids, None where events carry none.

    `likely_calls` is an estimate for those: the fewest events of an op that one call executes at least once.
    """

    program_id: int | None
    module: str | None
    kind: str
    device: str
    calls: int | None
    op_events: int
    likely_calls: int | None = None


@dataclass(frozen=True, slots=True)
class DeviceTimes:
    """A device in the window. busy_ns is measured apart from op_ns; idle_ns is window minus busy, None if unknown.

    simulated: one of several CPU devices, which share the machine's cores.
    """

    device: str
    kind: str
    simulated: bool
    busy_ns: int
    op_ns: int
    collective_ns: int
    idle_ns: int | None
    window_ns: int | None

    @property
    def coverage(self) -> float | None:
        """Op time ÷ busy time; None when the device was never busy."""
        return self.op_ns / self.busy_ns if self.busy_ns else None


@dataclass(frozen=True, slots=True)
class OpTimes:
    """Op rows (hottest first), calls and devices of one or more profile windows.

    `nesting` says how self times were found; `windows` is the number of profiles merged here.
    """

    rows: tuple[OpRow, ...]
    calls: tuple[ProgramCalls, ...]
    devices: tuple[DeviceTimes, ...]
    window_ns: int | None
    windows: int
    nesting: str
    problems: tuple[Problem, ...]

    @property
    def coverage(self) -> float | None:
        """Op time ÷ busy time over all devices; None when none was busy."""
        busy = sum(device.busy_ns for device in self.devices)
        return sum(device.op_ns for device in self.devices) / busy if busy else None

    @property
    def calls_seen(self) -> int | None:
        """Executions of all programs; each counts once, on however many devices it ran. None where events do not say.
        """
        most: dict[str, dict[tuple[int | None, str | None], int]] = {}
        for row in self.calls:
            if row.calls is None:
                return None
            # Hosts that ran one program together number it each in its own way.
            of_host = most.setdefault(row.device.rpartition("/")[0], {})
            key = row.program_id, row.module
            of_host[key] = max(of_host.get(key, 0), row.calls)
        return max((sum(each.values()) for each in most.values()), default=None)

    def calls_of(self, program_id: int | None, module: str | None = None) -> int | None:
        """Executions of a program: the most that any device shows; None where it is unknown or never seen."""
        counts = [
            row.calls for row in self.calls if row.program_id == program_id and (module is None or row.module == module)
        ]
        known = [count for count in counts if count is not None]
        return max(known) if known and len(known) == len(counts) else None


def merge(parts: Iterable[OpTimes]) -> OpTimes:
    """Add up windows. A sum that has an unknown part is unknown; windows are taken not to overlap."""
    every = list(parts)
    rows: dict[Any, OpRow] = {}
    calls: dict[Any, ProgramCalls] = {}
    devices: dict[Any, DeviceTimes] = {}
    cpus = {row.device for part in every for row in part.devices if row.kind == "cpu"}
    for part in every:
        for row in part.rows:
            key = (row.program_id, row.module, row.op, row.kind, row.device)
            _add(rows, key, row, ("count", "total_ns", "self_ns"))
        for call in part.calls:
            _add(
                calls,
                (call.program_id, call.module, call.kind, call.device),
                call,
                ("calls", "op_events", "likely_calls"),
            )
        for device in part.devices:
            if device.kind == "cpu":
                device = replace(device, simulated=device.simulated or len(cpus) > 1)
            _add(devices, (device.kind, device.device), device, ("busy_ns", "op_ns", "collective_ns"))
    windows = [part.window_ns for part in every]
    window = None if None in windows or not windows else sum(w for w in windows if w is not None)
    problems: dict[Any, Problem] = {}
    for problem in (problem for part in every for problem in part.problems):
        _add(problems, (problem.kind, problem.text), problem, ("count",))
    return OpTimes(
        tuple(sorted(rows.values(), key=lambda row: -row.self_ns)),
        tuple(calls.values()),
        tuple(
            replace(d, window_ns=window, idle_ns=None if window is None else max(window - d.busy_ns, 0))
            for d in devices.values()
        ),
        window,
        sum(part.windows for part in every),
        "; ".join(dict.fromkeys(part.nesting for part in every if part.rows)) or "none",
        tuple(problems.values()),
    )


def _add(table: dict[Any, Any], key: Any, row: Any, sums: tuple[str, ...]) -> None:
    """Add `row` into `table`; what is unknown on either side is unknown in the sum."""
    old = table.get(key)
    if old is None:
        table[key] = row
        return
    changes: dict[str, int | None] = {}
    for name in sums:
        left, right = getattr(old, name), getattr(row, name)
        changes[name] = None if left is None or right is None else left + right
    table[key] = replace(old, **changes)
