"""Reading single keys of a record's JSON: another type than expected is unknown, which is None."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_LARGEST = 1 << 63


def text(body: Mapping[str, Any], key: str) -> str | None:
    """The text of a key, None for anything else."""
    value = body.get(key)
    return value if isinstance(value, str) else None


def integer(body: Mapping[str, Any], key: str) -> int | None:
    """The whole number of a key, None for anything else; 3.0 is 3, true is none."""
    value = body.get(key)
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST:
        return int(value)
    return value if isinstance(value, int) and abs(value) < _LARGEST else None


def whole_ns(body: Mapping[str, Any], key: str) -> int | None:
    """A time in nanoseconds; medians may come as fractions and are rounded."""
    value = body.get(key)
    if isinstance(value, float) and abs(value) < _LARGEST:
        return round(value)
    return integer(body, key)


def number(body: Mapping[str, Any], key: str) -> float | None:
    """A finite number."""
    value = body.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if found == found and abs(found) != float("inf") else None


def boolean(body: Mapping[str, Any], key: str) -> bool | None:
    """True or false of a key, None for anything else."""
    value = body.get(key)
    return value if isinstance(value, bool) else None


def key(body: Mapping[str, Any], name: str) -> str | int | None:
    """An identity: a text or a number."""
    value = body.get(name)
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


def mapping(body: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    """The object of a key, None for anything else."""
    value = body.get(key)
    return value if isinstance(value, dict) else None


def mappings(body: Mapping[str, Any], key: str) -> tuple[dict[str, Any], ...]:
    """The objects of a list; other entries are left out."""
    value = body.get(key)
    return tuple(entry for entry in value if isinstance(entry, dict)) if isinstance(value, list) else ()


def texts(body: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The list of a key, each entry as text; empty for anything else."""
    value = body.get(key)
    return tuple(str(entry) for entry in value) if isinstance(value, list | tuple) else ()


def plus(values: Sequence[int | None]) -> int | None:
    """The sum of what is known; None when nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def total(values: Sequence[int | None]) -> int | None:
    """The sum; None when one of them is unknown."""
    return None if None in values else sum(value for value in values if value is not None)
