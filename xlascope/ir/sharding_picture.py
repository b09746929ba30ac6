"""A small picture in text of how an array lies over devices: its blocks as boxes, in each the devices that hold it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from xlascope.ir.sharding import Layout

_BOX = "┌┬┐├┼┤└┴┘─│"
_ASCII = "+++++++++-|"
_MOST_CELLS = 32
_MOST_NAMED = 4


def picture(layout: Layout, shape: Sequence[int], ascii_only: bool = False) -> list[str]:
    """Lines of text. The last split dimension goes to the right, the one before it down, others are told one by one.

    A dimension that is not split is not drawn. Too many blocks for a picture are told in words.
    """
    split = [at for at, tile in enumerate(layout.tiles) if tile > 1]
    devices = sorted({device for held in layout.holders for device in held})
    if not split:
        return [f"{_named(devices)} {'holds' if len(devices) == 1 else 'each hold'} all of {_shape(shape)}"]
    across = split[-1]
    down = split[-2] if len(split) > 1 else None
    columns, rows = layout.tiles[across], layout.tiles[down] if down is not None else 1
    block = [-(-extent // tile) for extent, tile in zip(shape, layout.tiles, strict=True)]
    head = f"{len(layout.holders)} blocks of {_shape(block)}; dimension {across} to the right"
    lines = [head + (f", dimension {down} down" if down is not None else "")]
    if columns > _MOST_CELLS or rows > _MOST_CELLS:
        return [head, f"device {layout.holders[0][0]} has the first block, device {layout.holders[-1][0]} the last"]
    places = dict(zip(product(*map(range, layout.tiles)), layout.holders, strict=True))
    outer = [layout.tiles[at] for at in split[:-2]]
    for fixed in product(*map(range, outer)):
        at = dict(zip(split[:-2], fixed, strict=True))
        if at:
            lines.append(", ".join(f"block {place} of dimension {dimension}" for dimension, place in at.items()))
        grid = []
        for row in range(rows):
            cells = []
            for column in range(columns):
                here = at | {across: column} | ({down: row} if down is not None else {})
                cells.append(_held(places[tuple(here.get(d, 0) for d in range(len(layout.tiles)))]))
            grid.append(cells)
        lines += _boxes(grid, _ASCII if ascii_only else _BOX)
    return lines


def _boxes(grid: list[list[str]], signs: str) -> list[str]:
    width = max(len(cell) for row in grid for cell in row)
    bar = signs[9] * (width + 2)
    count = len(grid[0])

    def rule(left: str, middle: str, right: str) -> str:
        return left + middle.join([bar] * count) + right

    lines = [rule(*signs[:3])]
    for number, row in enumerate(grid):
        lines.append(signs[10] + signs[10].join(f" {cell:^{width}} " for cell in row) + signs[10])
        lines.append(rule(*signs[3:6]) if number < len(grid) - 1 else rule(*signs[6:9]))
    return lines


def _held(devices: Sequence[int]) -> str:
    shown = " ".join(map(str, devices[:_MOST_NAMED]))
    return shown if len(devices) <= _MOST_NAMED else f"{shown} …"


def _named(devices: Sequence[int]) -> str:
    if len(devices) == 1:
        return f"device {devices[0]}"
    if list(devices) == list(range(devices[0], devices[-1] + 1)):
        return f"devices {devices[0]} to {devices[-1]}"
    return "devices " + ", ".join(map(str, devices))


def _shape(extents: Sequence[int]) -> str:
    return f"[{','.join(map(str, extents))}]"
