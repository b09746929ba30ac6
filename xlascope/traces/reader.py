"""Read an XSpace profile (`.xplane.pb`) into a Profile."""

from __future__ import annotations

import io
import mmap
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np

from xlascope.traces.accelerators import add_device_plane
from xlascope.traces.build import Build
from xlascope.traces.expand import MAGIC, expand
from xlascope.traces.host import add_host_plane
from xlascope.traces.planes import Plane, read_plane, read_stats
from xlascope.traces.profile import Problem, Profile
from xlascope.traces.wire import BYTES, ProfileError, fields, signed, text

_DEVICE = re.compile(r"/device:(GPU|TPU):(\d+)$")
_MODULE_ID = re.compile(r"\((-?\d{1,20})\)$")


def read_profile(source: bytes | bytearray | memoryview | Path | str) -> Profile:
    """Read a profile from its bytes or its file.

    A file is mapped, not loaded; a gzipped one is expanded into a temporary file first. Raises ProfileError, with the
    place, when `source` is no XSpace at all; a profile that breaks later is given as far as it was understood, and
    Profile.problems says what is missing. Raises OSError when the file cannot be opened.
    """
    if isinstance(source, (str, Path)):
        with open(source, "rb") as file:
            return _read_packed(file) if file.read(2) == MAGIC else _read_file(file)
    data = memoryview(source).cast("B")
    return _read_packed(io.BytesIO(data)) if bytes(data[:2]) == MAGIC else _read(data)


def _read_packed(packed: IO[bytes]) -> Profile:
    import tempfile  # most profiles are not packed, and are read sooner without it

    with tempfile.TemporaryFile() as whole:
        packed.seek(0)
        fault = expand(packed, whole)
        if fault is not None and not whole.tell():
            raise fault
        whole.flush()
        profile = _read_file(whole)
    if fault is None:
        return profile
    return replace(profile, problems=(*profile.problems, Problem("truncated", f"{fault} of the gzipped file")))


def _read_file(file: IO[bytes]) -> Profile:
    if file.seek(0, 2) == 0:
        return _read(memoryview(b""))
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
        # Pages of the file already parsed would count as memory of this process: give them back.
        return _read(view, lambda: mapped.madvise(mmap.MADV_DONTNEED))


def _read(data: memoryview, release: Callable[[], None] = lambda: None) -> Profile:
    build = Build(release)
    planes: list[Plane] = []

    cuts: list[int] = []

    def cut(place: int) -> None:
        cuts.append(place)
        build.fault(ProfileError("the profile is cut off", place))

    understood = 0
    try:
        for part in fields(data, 0, len(data), cut):
            if part.wire != BYTES or part.number > 4:
                raise ProfileError("this is no XSpace", part.start)
            if part.number == 1:
                planes.append(read_plane(data, part.start, part.end, build.fault))
                understood += bool(planes[-1].name)
            else:
                understood += 1
                if part.number in (2, 3):
                    build.note("profiler", text(data, part.start, part.end))
    except ProfileError as error:
        if not understood:
            raise
        build.fault(error)
    if len(data) and not understood:
        raise ProfileError("this is no XSpace: it names no plane", 0)
    if cuts and planes and planes[-1].lines and not planes[-1].stats:
        name, number = planes[-1].name or "the last plane", len(planes[-1].lines)
        lines = "one line" if number == 1 else f"{number} lines"
        build.note("truncated", f"the events of {name} ({lines}) lack names: these stand behind them")
    for plane in planes:
        _read_one(data, plane, build)
    profile = build.profile()
    if cuts and not (profile.ops or profile.device_spans or profile.host or profile.hlo_protos):
        raise ProfileError("the profile is cut off before anything that could be shown", len(data))
    return profile


def _read_one(data: memoryview, plane: Plane, build: Build) -> None:
    device = _DEVICE.match(plane.name)
    if device:
        add_device_plane(build, data, plane, device.group(1).lower(), device.group(2))
    elif plane.name == "/host:metadata":
        _read_protos(data, plane, build)
    elif plane.name.startswith("/host:"):
        add_host_plane(build, data, plane)
    elif plane.name == "Task Environment":
        _read_window(data, plane, build)


def _read_protos(data: memoryview, plane: Plane, build: Build) -> None:
    for key, meta in plane.events.items():
        try:
            stats = read_stats(data, plane, meta.raw_stats)
        except ProfileError as error:
            build.fault(error)
            continue
        proto = stats.get("Hlo Proto", stats.get("hlo_proto"))
        if not isinstance(proto, tuple):
            continue
        named = _MODULE_ID.search(meta.name)
        program_id = stats.get("program_id", int(named.group(1)) if named else key)
        if isinstance(program_id, int):
            build.hlo_protos[signed(program_id & 0xFFFFFFFFFFFFFFFF)] = bytes(data[proto[0] : proto[1]])


def _read_window(data: memoryview, plane: Plane, build: Build) -> None:
    try:
        stats = read_stats(data, plane, plane.raw_stats)
    except ProfileError as error:
        build.fault(error)
        return
    start, stop = stats.get("profile_start_time"), stats.get("profile_stop_time")
    if isinstance(start, int) and isinstance(stop, int) and 0 < stop - start < np.iinfo(np.int64).max // 1000:
        build.window_ps = (stop - start) * 1000
