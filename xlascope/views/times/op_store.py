"""Op times on disk, so that a run file opened again need not read its profiles again.

Files lie under ``$XDG_CACHE_HOME/xlascope/<run id>/`` and may be deleted at any time. What is found there is checked
entry by entry and, when anything is odd, computed anew.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from xlascope.traces import DeviceTimes, OpRow, OpTimes, Problem, ProgramCalls

VERSION = 11
_RUN_ID = re.compile(r"[0-9a-f]{32}\Z")
_LARGEST = 256 << 20
_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "str": (str,),
    "bool": (bool,),
    "int | None": (int, type(None)),
    "str | None": (str, type(None)),
}


@dataclass(frozen=True, slots=True)
class Span:
    """When a program was seen in a window: first start and last end of its ops, ns since the window opened.

    ``first_run`` and ``last_run``: the run ids of its earliest and latest execution, None where events carry none.
    ``typical_ns``: of the ``whole`` ones of ``calls`` executions, what one takes from its first start to its last end
    over all devices: the mean without the tenth that took longest and the tenth that took least; where the window cut
    each of them, the longest part that it saw. ``calls_ns``: the sum of all, parts included.
    ``pause_ns``: the longest time from the start of one to the start of the next. ``longest_ns``: the longest op;
    ``silence_ns``: nothing but such a silence of the program tells that those were whole, None: other executions do.
    ``opening_ns``: what the earliest of them took; ``hole_ns``: the part of it, averaged over its devices, in which
    the device executed it and no op was active.
    """

    program_id: int
    first_ns: int
    last_ns: int
    first_run: int | None = None
    last_run: int | None = None
    calls: int = 0
    typical_ns: int | None = None
    calls_ns: int | None = None
    pause_ns: int = 0
    whole: int = 0
    longest_ns: int = 0
    silence_ns: int | None = None
    opening_ns: int = 0
    hole_ns: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one window."""

    times: OpTimes
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the op times of one window are kept: ``key`` is a hash of all they depend on."""

    run_id: str
    key: str

    @property
    def path(self) -> Path | None:
        """None for a run id that is none (a stranger's file): nothing is kept then."""
        if not _RUN_ID.match(self.run_id):
            return None
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        return Path(base) / "xlascope" / self.run_id / f"optimes-{VERSION}-{self.key[:40]}.json"


def store(place: Place, kept: Kept) -> None:
    """Keep what was computed. A folder that cannot be written is no fault: the next reader computes it again."""
    path = place.path
    if path is None:
        return
    times = kept.times
    body = {
        "version": VERSION,
        "key": place.key,
        "rows": [astuple(row) for row in times.rows],
        "calls": [astuple(row) for row in times.calls],
        "devices": [astuple(row) for row in times.devices],
        "problems": [astuple(row) for row in times.problems],
        "window_ns": times.window_ns,
        "windows": times.windows,
        "nesting": times.nesting,
        "spans": [astuple(span) for span in kept.spans],
    }
    import tempfile  # of runs alone: a profile is opened sooner without it

    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".optimes")
        with os.fdopen(handle, "w") as file:
            json.dump(body, file)
        os.replace(name, path)
    except OSError:
        return  # read-only home, full disk: the cache is a convenience only


def load(place: Place) -> Kept | None:
    """What was kept; None when there is nothing, or nothing that can be believed."""
    path = place.path
    try:
        if path is None or path.stat().st_size > _LARGEST:
            return None
        body = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or body.get("version") != VERSION or body.get("key") != place.key:
        return None
    try:
        times = OpTimes(
            _rows(OpRow, body["rows"]),
            _rows(ProgramCalls, body["calls"]),
            _rows(DeviceTimes, body["devices"]),
            _checked(body["window_ns"], "int | None"),
            _checked(body["windows"], "int"),
            _checked(body["nesting"], "str"),
            _rows(Problem, body["problems"]),
        )
        return Kept(times, _rows(Span, body["spans"]))
    except (KeyError, TypeError, ValueError):
        return None


def _rows(kind: type, rows: Any) -> Any:
    names = [str(field.type) for field in fields(kind)]
    if not isinstance(rows, list):
        raise TypeError("not a list")
    return tuple(kind(*(_checked(value, name) for value, name in zip(row, names, strict=True))) for row in rows)


def _checked(value: Any, name: str) -> Any:
    allowed = _TYPES[name]
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise TypeError(f"{value!r} is no {name}")
    return value
