"""The collectives of an optimized module, with mesh axes and equations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from xlascope.ir import Collective, HloInstruction, HloModule, collectives
from xlascope.views.provenance.origins import Provenance

_MOST_DEVICES = 1 << 16
_MOST_READERS = 64  # that are looked at for the equation of what the partitioner added


@dataclass(frozen=True, slots=True)
class Exchange:
    """All collectives of one kind and size, in how many instructions; ``equation`` is the first one's."""

    kind: str
    bytes: int | None
    count: int
    equation: str | None


def exchanges(module: HloModule, origin: Provenance) -> tuple[Exchange, ...]:
    """Collectives grouped by kind, bytes and equation, in the order of the text."""
    counts: dict[tuple[str, int | None, str | None], int] = {}
    for each in collectives(module):
        key = each.kind, each.bytes, equation_of(each, module, origin)
        counts[key] = counts.get(key, 0) + 1
    return tuple(Exchange(kind, size, count, equation) for (kind, size, equation), count in counts.items())


def equation_of(found: Collective, module: HloModule, origin: Provenance) -> str | None:
    """The first of `equations_of`; None when it is not known."""
    paths = equations_of(found, module, origin)
    return paths[0] if paths else None


def equations_of(found: Collective, module: HloModule, origin: Provenance) -> tuple[str, ...]:
    """The equations that a collective is; of one that XLA added, those of what it is there for: what uses its end."""
    own = origin.equations.get(found.instruction) or origin.equations.get(found.inner)
    if own:
        return own
    end = module.get(found.done or found.instruction) if origin.equations else None
    return (_used_by(end, module, origin, set()) if end is not None else ()) or origin.paths(
        found.done or found.instruction)


def _used_by(made: HloInstruction, module: HloModule, origin: Provenance, seen: set[str]) -> tuple[str, ...]:
    """The equations of the first that reads a value: in a fusion, which may be of many, that of its member."""
    for user in made.computation.users(made.name):
        if user.name in seen or len(seen) > _MOST_READERS:
            continue
        seen.add(user.name)
        if user.opcode == "fusion" and made.name in user.operands:
            place = user.operands.index(made.name)
            for body in (module.computation(name) for name in user.called.get("calls", ())):
                inner = next((e for e in body.instructions if e.parameter_number == place), None) if body else None
                if inner is not None and (found := _used_by(inner, module, origin, seen)):
                    return found
        found = origin.equations.get(user.name, ()) or _used_by(user, module, origin, seen)
        if found:
            return found
    return ()


def read_mesh(value: Any) -> tuple[tuple[str, int], ...] | None:
    """Axes and sizes, outermost first, from a mapping, from pairs, or from text like ``x=4,y=2``; None for none."""
    if isinstance(value, str):
        value = [part.split("=") for part in value.replace(" ", "").split(",") if part]
    if isinstance(value, Mapping):
        value = value.get("axes", list(value.items())) if isinstance(value.get("axes"), list) else list(value.items())
    if not isinstance(value, list | tuple) or not value:
        return None
    axes = []
    for entry in value:
        if not isinstance(entry, list | tuple) or len(entry) != 2:
            return None
        name, size = entry
        if isinstance(size, str) and size.isascii() and size.isdigit():
            size = int(size[:9])
        if not isinstance(name, str) or isinstance(size, bool) or not isinstance(size, int) or size < 1:
            return None
        axes.append((name, size))
    return tuple(axes)


def mesh_axes(
    groups: Sequence[Sequence[int]] | None, mesh: Sequence[tuple[str, int]] | None, kind: str
) -> tuple[str, ...] | None:
    """The mesh axes along which devices exchange, for a mesh whose devices are numbered in order.

    None when there is no mesh, or when the groups are not all lines along axes. No groups: all devices, all axes.
    """
    if mesh is None:
        return None
    sizes = [size for _, size in mesh]
    total = prod(sizes)
    names = [name for name, size in mesh if size > 1]
    if total > _MOST_DEVICES:
        return None
    if groups is None:
        return tuple(names)
    if any(not 0 <= device < total for group in groups for device in group):
        return None
    along = {axis for group in groups for axis in _varying(group, sizes)}
    if kind != "collective-permute":
        expected = {frozenset(group) for group in _lines(sizes, along)}
        if {frozenset(group) for group in groups} != expected:
            return None
    return tuple(mesh[axis][0] for axis in sorted(along))


def _coordinates(device: int, sizes: Sequence[int]) -> tuple[int, ...]:
    found = []
    for size in reversed(sizes):
        device, place = divmod(device, size)
        found.append(place)
    return tuple(reversed(found))


def _varying(group: Sequence[int], sizes: Sequence[int]) -> set[int]:
    """The axes in which the devices of a group differ."""
    places = [_coordinates(device, sizes) for device in group]
    return {axis for axis in range(len(sizes)) if len({place[axis] for place in places}) > 1}


def _lines(sizes: Sequence[int], along: set[int]) -> list[list[int]]:
    """The groups that a collective along some axes has."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for device, place in enumerate(product(*(range(size) for size in sizes))):
        fixed = tuple(position for axis, position in enumerate(place) if axis not in along)
        groups.setdefault(fixed, []).append(device)
    return list(groups.values())
