"""How fast the machine is, and how busy with other work, now and then in a run: so that runs can be compared."""

from __future__ import annotations

import os
import time
from typing import Any

SIZE = 16384
PIECES = 5
SHARE = 0.002  # of the run's time at most, after the first readings
FREE_READINGS = 3


class Reference:
    """Times a small fixed kernel in the thread that calls it: five times the sine of 16,384 doubles, about 1 ms.

    The quickest of five counts, in the thread's own processor time: other threads may push it aside. It does not hold
    Python's lock while it runs. What it cannot see, work that others do on the cores, is told apart: the processor time
    of the machine beside this process's own, on systems that have ``/proc/stat``.
    """

    def __init__(self, link: Any) -> None:
        self._link = link
        self._began = time.monotonic()
        self._spent = 0.0
        self._taken = 0
        self._arrays: Any = None

    def take(self, at: str) -> None:
        """Send a ``reference`` record; ``at``: start, window or end. Does nothing when it has cost its share."""
        started = time.monotonic()
        if self._taken >= FREE_READINGS and at == "window" and self._spent > SHARE * (started - self._began):
            return
        self._link.send({"kind": "reference", "at": at, "t_ns": time.time_ns(), **self._kernel(), **processors()})
        self._taken += 1
        self._spent += time.monotonic() - started

    def _kernel(self) -> dict[str, int]:
        import numpy

        if self._arrays is None:
            self._arrays = numpy.linspace(0.0, 1.0, SIZE), numpy.zeros(SIZE)
        values, out = self._arrays
        took = []
        for _ in range(PIECES):
            begin = time.thread_time_ns()
            numpy.sin(values, out=out)
            took.append(time.thread_time_ns() - begin)
        return {"kernel_ns": max(min(took), 1)}


def others(before: dict[str, int | None], now: dict[str, int | None], seconds: float) -> float | None:
    """How many cores other processes kept busy between two readings of `processors`; None where nobody knows."""
    machine = before["machine_ns"], now["machine_ns"]
    own = before["own_ns"], now["own_ns"]
    if None in machine or None in own or seconds <= 0:
        return None
    assert machine[0] is not None and machine[1] is not None and own[0] is not None and own[1] is not None
    return max((machine[1] - machine[0] - (own[1] - own[0])) / (seconds * 1e9), 0.0)


def processors() -> dict[str, int | None]:
    """Processor time since whenever: of all processes of the machine, and of this one; the number of cores."""
    busy: int | None = None
    try:
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _idle, _waiting, *rest = (int(word) for word in file.readline().split()[1:])
        busy = (user + nice + system + sum(rest[:3])) * (1_000_000_000 // os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError):
        pass  # no such file, or of another form: then nobody knows
    return {"machine_ns": busy, "own_ns": time.process_time_ns(), "cores": os.cpu_count()}
