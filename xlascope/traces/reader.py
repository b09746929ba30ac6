"""Read an XSpace profile (`.xplane.pb`) into a Profile."""

from __future__ import annotations

import mmap
import re
from pathlib import Path

import numpy as np

from xlascope.traces.assemble import Assembly
from xlascope.traces.planes import Plane, read_plane, read_stats
from xlascope.traces.profile import Profile
from xlascope.traces.wire import BYTES, ProfileError, fields, signed, text

_DEVICE = re.compile(r"/device:(GPU|TPU):(\d+)$")
_MODULE_ID = re.compile(r"\((-?\d+)\)$")


def read_profile(source: bytes | bytearray | memoryview | Path | str) -> Profile:
    """Read a profile from its bytes or its file.

    A file is mapped, not loaded. Raises ProfileError, with the place, when `source` is no XSpace at all; a profile
    that breaks later is given as far as it was understood, and Profile.problems says what is missing.
    Raises OSError when the file cannot be opened.
    """
    if isinstance(source, (str, Path)):
        with open(source, "rb") as file:
            if file.seek(0, 2) == 0:
                return _read(memoryview(b""))
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
                return _read(view)
    return _read(memoryview(source).cast("B"))


def _read(data: memoryview) -> Profile:
    if bytes(data[:2]) == b"\x1f\x8b":
        raise ProfileError("this is gzip: expand it first", 0)
    assembly = Assembly()
    planes: list[Plane] = []

    def cut(place: int) -> None:
        assembly.fault(ProfileError("the profile is cut off", place))

    understood = 0
    try:
        for part in fields(data, 0, len(data), cut):
            if part.wire != BYTES or part.number > 4:
                raise ProfileError("this is no XSpace", part.start)
            if part.number == 1:
                planes.append(read_plane(data, part.start, part.end, assembly.fault))
                understood += bool(planes[-1].name)
            else:
                understood += 1
                if part.number in (2, 3):
                    assembly.note("profiler", text(data, part.start, part.end))
    except ProfileError as error:
        if not understood:
            raise
        assembly.fault(error)
    if len(data) and not understood:
        raise ProfileError("this is no XSpace: it names no plane", 0)
    for plane in planes:
        _read_one(data, plane, assembly)
    return assembly.profile()


def _read_one(data: memoryview, plane: Plane, assembly: Assembly) -> None:
    device = _DEVICE.match(plane.name)
    if device:
        assembly.device_plane(data, plane, device.group(1).lower(), device.group(2))
    elif plane.name == "/host:metadata":
        _read_protos(data, plane, assembly)
    elif plane.name.startswith("/host:"):
        assembly.host_plane(data, plane)
    elif plane.name == "Task Environment":
        _read_window(data, plane, assembly)


def _read_protos(data: memoryview, plane: Plane, assembly: Assembly) -> None:
    for key, meta in plane.events.items():
        try:
            stats = read_stats(data, plane, meta.raw_stats)
        except ProfileError as error:
            assembly.fault(error)
            continue
        proto = stats.get("Hlo Proto", stats.get("hlo_proto"))
        if not isinstance(proto, tuple):
            continue
        named = _MODULE_ID.search(meta.name)
        program_id = stats.get("program_id", int(named.group(1)) if named else key)
        if isinstance(program_id, int):
            assembly.hlo_protos[signed(program_id & 0xFFFFFFFFFFFFFFFF)] = bytes(data[proto[0] : proto[1]])


def _read_window(data: memoryview, plane: Plane, assembly: Assembly) -> None:
    try:
        stats = read_stats(data, plane, plane.raw_stats)
    except ProfileError as error:
        assembly.fault(error)
        return
    start, stop = stats.get("profile_start_time"), stats.get("profile_stop_time")
    if isinstance(start, int) and isinstance(stop, int) and 0 < stop - start < np.iinfo(np.int64).max // 1000:
        assembly.window_ps = (stop - start) * 1000
