"""Mutations of a profile's bytes, and the check that reading one ends well."""

from __future__ import annotations

import numpy as np

from xlascope.traces import ProfileError, devices, merge, op_table, read_profile


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """One to four faults: flipped bytes, cuts, copies of stretches, runs of one value, huge numbers."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        if not out:
            return b""
        at = int(rng.integers(0, len(out)))
        size = int(rng.integers(1, 40))
        kind = rng.integers(0, 7)
        if kind == 0:
            out[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            out[at] = int(rng.integers(0, 256))
        elif kind == 2:
            del out[at : at + size]
        elif kind == 3:
            source = int(rng.integers(0, len(out)))
            out[at:at] = out[source : source + size]
        elif kind == 4:
            out[at : at + size] = bytes([int(rng.choice([0, 0x22, 0x7F, 0x80, 0xFF]))]) * size
        elif kind == 5:
            out[at : at + 1] = b"\xff" * 9 + b"\x01"
        elif rng.uniform() < 0.3:
            del out[at:]
        else:
            out[at : at + size] = rng.integers(0, 256, size, dtype=np.uint8).tobytes()
    return bytes(out)


def survives(data: bytes) -> str:
    """Read, tabulate and merge; returns what happened. Any exception but ProfileError is a failure of the reader."""
    try:
        profile = read_profile(data)
    except ProfileError as error:
        assert 0 <= error.place <= len(data)
        return "refused"
    times = op_table(profile)
    devices(profile)
    merge([times, times])
    for device in times.devices:
        assert 0 <= device.op_ns <= device.busy_ns + 1
    assert all(row.count > 0 for row in times.rows)
    return "told" if times.problems else "read"
