"""Meshes and partition specs as one writes them: read and checked, without JAX, by whoever takes them.

A mesh is `8`, `4x2` (axes x, y, …) or `data=4,model=2`. A spec names mesh axes dimension by dimension: `x,-` splits the
first dimension over x and keeps the second whole, `x+y` splits one dimension over both.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

Spec = tuple[tuple[str, ...], ...]
"""For each dimension the mesh axes that split it; () where it stays whole."""

AXES = "xyzwvu"
DEFAULT_AXIS = AXES[0]
MOST_DEVICES = 1024
_MOST_DIVISORS = 8
_MESHES = "a mesh is 8, 4x2 or x=4,y=2, its sizes from 1 to 1024"
_NAME = re.compile(r"[A-Za-z_]\w*\Z")


class ShardingError(ValueError):
    """A sharding that cannot be: the text names the choice, `advice` what would be valid."""

    def __init__(self, text: str, advice: str) -> None:
        super().__init__(text)
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Leaf:
    """One flat input or output of a program, in the program's own (logical) shape.

    `scanned`: where a scan iterates over an input's first dimension, as `train.py:14`; None: no scan does, or nobody
    looked.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scanned: str | None = None


def leaves(entries: Sequence[Mapping[str, Any]]) -> list[Leaf]:
    """Leaves from the `inputs` or `outputs` of a program record."""
    return [
        Leaf(str(entry.get("name") or ""), tuple(entry.get("shape") or ()), str(entry.get("dtype")),
             _place(entry.get("scanned")))
        for entry in entries
    ]


def _place(scanned: Any) -> str | None:
    if not isinstance(scanned, (list, tuple)) or len(scanned) != 2:
        return None
    file, line = scanned
    return f"{str(file).rpartition('/')[2]}:{line}" if file else "a line that JAX does not tell"


def parse_mesh(text: str) -> dict[str, int]:
    """Axes and sizes of `8`, `4x2` or `x=4,y=2`, outermost first. Raises ShardingError."""
    text = text.strip()
    if not text:
        raise ShardingError("the mesh is empty", _MESHES)
    if "=" not in text:
        parts = text.split("x")
        if len(parts) > len(AXES):
            raise ShardingError(f"the mesh {text!r} has {len(parts)} axes", "name them: a=2,b=2,…")
        return _checked(text, [(AXES[at], part) for at, part in enumerate(parts)])
    pairs = []
    for part in text.split(","):
        name, equals, size = part.partition("=")
        if not equals or not _NAME.match(name.strip()):
            raise ShardingError(f"the mesh {text!r} has the part {part.strip()!r}", "write axes as NAME=SIZE: x=4,y=2")
        pairs.append((name.strip(), size))
    return _checked(text, pairs)


def _checked(text: str, pairs: Sequence[tuple[str, str]]) -> dict[str, int]:
    axes: dict[str, int] = {}
    for name, size in pairs:
        size = size.strip()
        if not size:
            beside = f"{name}=" if "=" in text else "x"
            before = "=" not in text and name == AXES[0]
            raise ShardingError(
                f"the mesh {text!r} lacks a number {'before' if before else 'after'} the {beside}", _MESHES
            )
        if not (size.isascii() and size.isdecimal()) or not 1 <= int(size[:9]) <= MOST_DEVICES:
            raise ShardingError(
                f"the mesh {text!r}: {size} is not a number of devices",
                _MESHES,
            )
        if name in axes:
            raise ShardingError(f"the mesh {text!r} has the axis {name!r} twice", "give each axis a name of its own")
        axes[name] = int(size)
    if prod(axes.values()) > MOST_DEVICES:
        raise ShardingError(f"the mesh {text!r} has {prod(axes.values())} places", f"at most {MOST_DEVICES} devices")
    return axes


def size(mesh: Mapping[str, int]) -> int:
    """How many devices a mesh has."""
    return prod(mesh.values())


def mesh_text(mesh: Mapping[str, int]) -> str:
    """`x=4,y=2`."""
    return ",".join(f"{name}={size}" for name, size in mesh.items())


def spec_text(spec: Spec) -> str:
    """`x,-`, as it is typed; `-` for each whole dimension, empty for a scalar."""
    return ",".join("+".join(axes) or "-" for axes in spec)


def mesh_for(devices: int, mesh: Mapping[str, int] | None) -> dict[str, int]:
    """The mesh of a variant: the one given, or one axis `x` over all devices. Raises ShardingError."""
    if not mesh:
        return {DEFAULT_AXIS: devices}
    axes = {str(name): int(size) for name, size in mesh.items()}
    if any(size < 1 for size in axes.values()) or prod(axes.values()) != devices:
        raise ShardingError(
            f"the mesh {mesh_text(axes)} has {prod(axes.values())} places and the variant {devices} devices",
            f"the sizes of the mesh axes must multiply to {devices}",
        )
    return axes


def find_argument(inputs: Sequence[Leaf], argument: str) -> int:
    """Position of an argument given by position or by its path name. Raises ShardingError."""
    if argument.isascii() and argument.isdigit() and int(argument[:9]) < len(inputs):
        return int(argument)
    named = [index for index, leaf in enumerate(inputs) if leaf.name and leaf.name == argument]
    if len(named) == 1:
        return named[0]
    if named:
        places = ", ".join(map(str, named))
        raise ShardingError(f"{argument!r} names {len(named)} arguments", f"give the position of one: {places}")
    names = [leaf.name for leaf in inputs if leaf.name]
    within = [name for name in names if argument and argument in name]
    close = within[:3] or difflib.get_close_matches(argument, names, 3, 0.5)
    known = ", ".join(f"{index} {leaf.name}".strip() for index, leaf in enumerate(inputs[:12]))
    more = f" and {len(inputs) - 12} more" if len(inputs) > 12 else ""
    meant = f"perhaps {' or '.join(close)}; " if close else ""
    raise ShardingError(f"the program has no argument {argument!r}", f"{meant}arguments are: {known}{more}")


def parse_spec(text: str, leaf: Leaf, index: int, axes: Mapping[str, int]) -> Spec:
    """A spec such as `x,-` or `x+y` (two axes on one dimension) for one argument. Raises ShardingError.

    A spec shorter than the argument's rank leaves the last dimensions whole.
    """
    who = f"argument {index}" + (f" ({leaf.name})" if leaf.name else "")
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if "(" in text or "'" in text or '"' in text:
        raise ShardingError(
            f"the spec {text!r} of {who} is written as in Python",
            f"write the axes alone, `-` for None: {_entries(leaf, axes)}",
        )
    if len(parts) > len(leaf.shape):
        raise ShardingError(
            f"the spec {text!r} has {_counted(len(parts), 'entry', 'entries')} and {who} has "
            f"{_counted(len(leaf.shape), 'dimension', 'dimensions')}",
            f"for its shape {list(leaf.shape)} write {_entries(leaf, axes)}",
        )
    used: set[str] = set()
    spec: list[tuple[str, ...]] = []
    for dimension, part in enumerate(parts):
        names = () if part == "-" else tuple(name.strip() for name in part.split("+"))
        for name in names:
            if name not in axes:
                valid = ", ".join(f"{axis} ({size})" for axis, size in axes.items())
                raise ShardingError(
                    f"the mesh has no axis {name!r} (spec {text!r} of {who})"
                    if name
                    else f"the spec {text!r} of {who} lacks an axis {'beside a +' if part else 'beside a comma'}",
                    f"axes are: {valid}; `-` for none",
                )
            if name in used:
                raise ShardingError(
                    f"the spec {text!r} of {who} uses the mesh axis {name!r} twice",
                    "an axis can split one dimension of an argument; use `-` for the others",
                )
            used.add(name)
        ways = prod(axes[name] for name in names)
        if leaf.shape[dimension] % ways:
            raise ShardingError(
                f"the spec {text!r} splits dimension {dimension} of {who} {ways} ways, and its size "
                f"{leaf.shape[dimension]} is not a multiple of {ways}",
                _divisible(leaf, axes, ways),
            )
        spec.append(names)
    return (*spec, *((),) * (len(leaf.shape) - len(spec)))


def divisors(extent: int) -> str:
    """The numbers of devices that divide a size, in words: `2, 3, 5 or 6`; of many the smallest ones."""
    found = [str(count) for count in range(2, min(extent, MOST_DEVICES) + 1) if extent % count == 0]
    if not found:
        return "no number of devices above 1"
    shown = found[:_MOST_DIVISORS]
    if len(found) > len(shown):
        return f"{', '.join(shown)} and more"
    return " or ".join(part for part in (", ".join(shown[:-1]), shown[-1]) if part)


def _counted(count: int, one: str, several: str) -> str:
    return f"{count or 'no'} {one if count == 1 else several}"


def _entries(leaf: Leaf, axes: Mapping[str, int]) -> str:
    """What a spec of this argument looks like."""
    rank = len(leaf.shape)
    if rank == 0:
        return "nothing: a scalar lies whole on each device"
    example = ",".join([next(iter(axes)), *"-" * (rank - 1)])
    if rank == 1:
        return f"one entry, such as {example}; `-` leaves it whole"
    return f"at most {rank} entries, such as {example}; `-` leaves a dimension whole"


def _divisible(leaf: Leaf, axes: Mapping[str, int], ways: int) -> str:
    """What of this argument could be split."""
    can = [
        f"dimension {at} (size {extent}) over {axis}"
        for at, extent in enumerate(leaf.shape)
        for axis, size in axes.items()
        if size > 1 and extent and extent % size == 0
    ]
    if can:
        return f"of {list(leaf.shape)} can be split: {'; '.join(can[:4])}"
    return f"no dimension of {list(leaf.shape)} that a mesh axis divides: another mesh, or `-`"
