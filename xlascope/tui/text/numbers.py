"""Numbers for people: durations, sizes, counts and shares with three significant digits; unknown is `?`."""

from __future__ import annotations

UNKNOWN = "?"


def duration(ns: float | None, micro: str = "µ") -> str:
    """Nanoseconds as `88.1 µs`; `micro` is `u` where the terminal has no Greek."""
    if ns is None:
        return UNKNOWN
    if ns == 0:
        return "0 ns"
    for limit, scale, unit in ((1e3, 1, "ns"), (1e6, 1e3, f"{micro}s"), (1e9, 1e6, "ms"), (60e9, 1e9, "s")):
        if abs(ns) < limit * 0.9995:
            return f"{_three(ns / scale)} {unit}"
    seconds = round(ns / 1e9)
    if seconds < 3600:
        return f"{seconds // 60}:{seconds % 60:02d} min"
    return f"{seconds // 3600}:{seconds % 3600 // 60:02d} h"


def clock(seconds: float | None) -> str:
    """Seconds as `0:41` or `1:02:03`."""
    if seconds is None:
        return UNKNOWN
    whole = int(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def size(count: float | None) -> str:
    """Bytes as `224 KiB`."""
    if count is None:
        return UNKNOWN
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024 * 0.9995:
            return f"{int(count)} B" if unit == "B" else f"{_three(count)} {unit}"
        count /= 1024
    return f"{_three(count)} TiB"


def count(number: int | None) -> str:
    """A count with thousands separators up to 99,999, then `201k`."""
    if number is None:
        return UNKNOWN
    if abs(number) < 100_000:
        return f"{number:,}"
    for limit, scale, unit in ((1e6, 1e3, "k"), (1e9, 1e6, "M"), (1e12, 1e9, "G")):
        if abs(number) < limit * 0.9995:
            return f"{_three(number / scale)}{unit}"
    return f"{number:.3g}"


def counted(number: int | None, thing: str) -> str:
    """`1 window`, `6 windows`."""
    return f"{count(number)} {thing}" + ("" if number == 1 else "s")


def percent(share: float | None) -> str:
    """A share as `71%`; below one percent `<1%`, and `0%` only for none at all."""
    if share is None:
        return UNKNOWN
    if 0 < share < 0.005:
        return "<1%"
    return f"{share * 100:.0f}%"


def percent_at_least(share: float | None) -> str:
    """A bound from below as `86%` or `0.4%`, rounded down; `?` where that is none."""
    thousandths = 0 if share is None else int(share * 1000)
    return f"{thousandths // 10}%" if thousandths >= 10 else f"0.{thousandths}%" if thousandths else UNKNOWN


def _three(value: float) -> str:
    magnitude = abs(value)
    if magnitude >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if magnitude >= 9.995 else f"{value:.2f}"
