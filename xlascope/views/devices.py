"""View ``devices``: how busy each device was while it was watched."""

from __future__ import annotations

from dataclasses import dataclass

from xlascope.views.ops import Lost
from xlascope.views.sources.source import Source
from xlascope.views.times.observations import observation


@dataclass(frozen=True, slots=True)
class Device:
    """Times are those of the windows. ``simulated``: one of several CPU devices, which share the machine's cores.

    ``op_ns`` is the part of ``busy_ns`` that ops cover, ``coverage`` their ratio. ``calls``: executions seen on it.
    """

    device: str
    kind: str
    simulated: bool
    busy_ns: int
    collective_ns: int
    idle_ns: int | None
    op_ns: int
    coverage: float | None
    window_ns: int | None
    calls: int | None


@dataclass(frozen=True, slots=True)
class Devices:
    """Time of each device in the windows; ``windows``: how many. ``dropped``: what could not be read of them."""

    rows: tuple[Device, ...]
    program: str | None
    variant: str | None
    windows: int
    dropped: tuple[Lost, ...] = ()


# Kinds of problems for which a device, or time of it, may be missing.
_DAMAGE = frozenset({"unreadable", "truncated", "broken"})


def query(source: Source, program: str | None = None, variant: str | None = None) -> Devices:
    """All devices that ran something, for all programs or for one alone."""
    seen = observation(source, program, variant)
    rows = []
    for each in seen.own.devices:
        calls = [row.calls for row in seen.own.calls if (row.kind, row.device) == (each.kind, each.device)]
        # The windows' own clock includes their opening and closing; what the profiles say of their length is narrower.
        window = each.window_ns if each.window_ns is not None else seen.window_ns
        rows.append(
            Device(
                device=each.device,
                kind=each.kind,
                simulated=each.simulated,
                busy_ns=each.busy_ns,
                collective_ns=each.collective_ns,
                idle_ns=None if window is None else max(window - each.busy_ns, 0),
                op_ns=each.op_ns,
                coverage=each.coverage,
                window_ns=window,
                calls=None if None in calls or not calls else sum(count for count in calls if count is not None),
            )
        )
    rows.sort(key=lambda row: (row.kind, int(row.device) if row.device.isdigit() else 0, row.device))
    lost = tuple(Lost(each.kind, each.count, each.text) for each in seen.times.problems if each.kind in _DAMAGE)
    return Devices(tuple(rows), seen.program, seen.variant, seen.own.windows, lost)
