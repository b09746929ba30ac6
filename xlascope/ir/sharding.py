"""Shardings as HLO writes them: which block of an array each device holds.

Forms: ``{replicated}``, ``{maximal device=3}``, ``{devices=[4,1,2]<=[8] last_tile_dim_replicate}``,
``{devices=[2,2]0,2,1,3}``, ``{mesh['x'=4,'y'=2], [{'x'}, {}]}``, ``{mesh[…], manual}``, and tuples of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod

import numpy as np

_TILES = re.compile(r"devices=\[([\d,]+)\]\s*(?:<=\[([\d,]+)\](?:T\(([\d,]+)\))?|([\d,]+))")
_LAST = re.compile(r"last_tile_dims=\{([^}]*)\}")
_AXIS = re.compile(r"'([^']*)'\s*=\s*(\d{1,9})")
_MESH = re.compile(r"\{?\s*mesh\[([^\]]*)\]\s*,\s*(.*)\Z", re.DOTALL)
_USED = re.compile(r"'([^']*)'(:?)")
_MOST_DEVICES = 1 << 16


@dataclass(frozen=True, slots=True)
class Layout:
    """How an array lies on devices. ``tiles``: into how many blocks each dimension is cut.

    ``holders``: for each block in row-major order the devices that hold it (all of them for an array that is whole).
    """

    tiles: tuple[int, ...]
    holders: tuple[tuple[int, ...], ...]

    @property
    def replicated(self) -> bool:
        """Does each device hold all of it?"""
        return len(self.holders) == 1 and len(self.holders[0]) > 1

    def block_of(self, device: int) -> tuple[int, ...] | None:
        """The place of a device's block along each dimension; None when it holds none."""
        for place, holders in zip(product(*map(range, self.tiles)), self.holders, strict=True):
            if device in holders:
                return place
        return None


def mesh_in(text: str) -> tuple[tuple[str, int], ...] | None:
    """Axes and sizes of the largest mesh that HLO text names; None where it names none."""
    meshes = [_AXIS.findall(found) for found in set(re.findall(r"mesh\[([^\]]*)\]", text)) if "device_ids" not in found]
    named = [tuple((name, int(size)) for name, size in axes) for axes in meshes if axes]
    return max(named, key=lambda axes: (prod(size for _, size in axes), axes), default=None)


def whole(rank: int, devices: int) -> Layout:
    """The layout of an array that every device holds all of."""
    return Layout((1,) * rank, (tuple(range(devices)),))


@lru_cache(maxsize=4096)
def parse_sharding(text: str | None, rank: int, devices: int) -> Layout | None:
    """The layout that a sharding of an array of ``rank`` gives on ``devices``; None for a form not known here.

    Nothing written means whole, as XLA's partitioner takes it.
    """
    if not 1 <= devices <= _MOST_DEVICES:
        return None
    text = (text or "{replicated}").strip()
    mesh = _MESH.match(text)
    if mesh:
        return _of_mesh(mesh.group(1), mesh.group(2), rank, devices)
    if "devices=" in text:
        return _of_tiles(text, rank, devices)
    if "maximal" in text:
        found = re.search(r"device=(\d{1,6})", text)
        return Layout((1,) * rank, ((int(found.group(1)),),)) if found else None
    return whole(rank, devices) if "replicated" in text else None


_MANUAL = re.compile(r"\{\s*(?:mesh\[[^\]]*\]\s*,\s*)?manual\s*\}\Z")


def is_manual(text: str | None) -> bool:
    """Whether an array lies inside of a shard_map over all axes: its shape is what each device has."""
    text = (text or "").strip()
    if _MANUAL.match(text):
        return True
    tiles, last = _TILES.search(text), _LAST.search(text)
    if tiles is None or last is None or last.group(1).strip() != "manual":
        return False
    return set(_numbers(tiles.group(1))[:-1]) <= {1}


def _of_tiles(text: str, rank: int, devices: int) -> Layout | None:
    match = _TILES.search(text)
    if match is None:
        return None
    shape = _numbers(match.group(1))
    if prod(shape) != devices:
        return None
    if match.group(4):
        order = np.array(_numbers(match.group(4)))
    else:
        sizes, axes = _numbers(match.group(2)), _numbers(match.group(3) or "")
        if prod(sizes) != devices or (axes and sorted(axes) != list(range(len(sizes)))):
            return None
        order = np.arange(devices).reshape(sizes).transpose(axes or None).reshape(-1)
    if order.size != devices:
        return None
    last = _LAST.search(text)
    if last and "manual" in last.group(1):
        return None
    extra = 1 if "last_tile_dim_replicate" in text else len(last.group(1).split(",")) if last else 0
    if len(shape) - extra != rank:
        return None
    tiles = shape[:rank]
    held = order.reshape(prod(tiles), -1)
    return Layout(tiles, tuple(tuple(sorted(int(device) for device in row)) for row in held))


def _of_mesh(axes_text: str, rest: str, rank: int, devices: int) -> Layout | None:
    axes = _AXIS.findall(axes_text)
    sizes = {name: int(size) for name, size in axes}
    if rest.startswith("replicated"):
        return whole(rank, devices)
    start = rest.find("[")
    if start < 0 or "device_ids" in axes_text or prod(sizes.values()) != devices or "manual" in rest:
        return None
    entries = re.findall(r"\{([^{}]*)\}", rest[start : rest.find("]", start)])
    if len(entries) != rank:
        return None
    names = []
    for entry in entries:
        used = _USED.findall(entry)
        if any(colon for _, colon in used) or any(name not in sizes for name, _ in used):
            return None  # a part of an axis
        names.append([name for name, _ in used])
    return of_axes(names, list(sizes.items()))


def of_axes(spec: Sequence[Sequence[str]], mesh: Sequence[tuple[str, int]]) -> Layout:
    """The layout of a partition spec over a mesh whose devices are numbered in order."""
    sizes = dict(mesh)
    tiles = tuple(prod(sizes[name] for name in names) for names in spec)
    holders: dict[tuple[int, ...], list[int]] = {}
    for device, place in enumerate(product(*(range(size) for _, size in mesh))):
        at = dict(zip(sizes, place, strict=True))
        block = []
        for names in spec:
            index = 0
            for name in names:
                index = index * sizes[name] + at[name]
            block.append(index)
        holders.setdefault(tuple(block), []).append(device)
    return Layout(tiles, tuple(tuple(holders[block]) for block in product(*map(range, tiles))))


def axes_of(layout: Layout, mesh: Sequence[tuple[str, int]]) -> tuple[tuple[str, ...], ...] | None:
    """The partition spec that gives a layout on a mesh whose devices are numbered in order; None when none does."""
    sizes = [size for _, size in mesh]
    if prod(sizes) != len({device for held in layout.holders for device in held}):
        return None
    blocks: dict[int, tuple[int, ...]] = {}
    for place, held in zip(product(*map(range, layout.tiles)), layout.holders, strict=True):
        blocks.update(dict.fromkeys(held, place))
    strides = [prod(sizes[axis + 1 :]) for axis in range(len(sizes))]
    spec = []
    for dimension, tile in enumerate(layout.tiles):
        steps = [
            (blocks[strides[axis]][dimension] - blocks[0][dimension], axis)
            for axis, size in enumerate(sizes)
            if size > 1 and strides[axis] in blocks
        ]
        used = [axis for step, axis in sorted(steps, reverse=True) if step > 0] if tile > 1 else []
        spec.append(tuple(mesh[axis][0] for axis in used))
    found = tuple(spec)
    used_axes = [name for names in found for name in names]
    return found if len(used_axes) == len(set(used_axes)) and of_axes(found, mesh) == layout else None


def split_tuple(text: str) -> list[str]:
    """The elements of a tuple's sharding; a sharding that is no tuple alone."""
    inner = text.strip()
    if not inner.startswith("{{"):
        return [inner]
    found, depth, start = [], 0, 0
    for at, character in enumerate(inner):
        if character == "{":
            depth += 1
            start = at if depth == 2 else start
        elif character == "}":
            depth -= 1
            if depth == 1:
                found.append(inner[start : at + 1])
    return found


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part[:9]) for part in text.split(",") if part)
