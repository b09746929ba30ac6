"""Columns: where in its row each box stands, and where its ports are."""

from __future__ import annotations

from dataclasses import dataclass, field

from xlascope.graphs.order import Arrangement

GAP = 2
_PASSING_WIDTH = 3
_PORT_OFFSET = 3


@dataclass(slots=True)
class Columns:
    """``left`` by item; ``enter`` and ``leave`` are columns by (net, item), ``width`` that of the whole level."""

    left: list[int]
    enter: dict[tuple[int, int], int] = field(default_factory=dict)
    leave: dict[tuple[int, int], int] = field(default_factory=dict)
    width: int = 0


def ports(arrangement: Arrangement, box: int) -> tuple[int, int]:
    """How many ports a box has at its top and at its bottom."""
    item = arrangement.items[box]
    return len(item.above), len({net for net, _ in item.below})


def place(arrangement: Arrangement, closed: list[int], widths: list[int], width: int) -> Columns:
    """Columns of everything, row by row from the top; rows of closed boxes that fit into ``width`` cells stay in it.

    ``closed`` are the widths of the closed boxes, ``widths`` the real ones. What a row looks like depends on the rows
    above and on its own boxes only, and left neighbours on nothing to their right: so opening a box moves neither.
    """
    columns = Columns([0] * len(arrangement.items))
    order = {item: position for row in arrangement.rows for position, item in enumerate(row)}
    for row in arrangement.rows:
        leaving = {columns.leave[pair]: pair[0] for pair in _entering(arrangement, row)}
        _stand(arrangement, row, closed, widths, width, columns)
        used: set[int] = set()
        for item in row:
            _enter(arrangement, item, closed, columns, leaving, used)
        for item in row:
            _leave(arrangement, item, closed, columns, order)
    return columns


def _entering(arrangement: Arrangement, row: list[int]) -> list[tuple[int, int]]:
    """(net, carrier in the row above) of everything that comes down into a row."""
    return list(dict.fromkeys(pair for item in row for pair in arrangement.items[item].above))


def _stand(
    arrangement: Arrangement, row: list[int], closed: list[int], widths: list[int], width: int, columns: Columns
) -> None:
    """Give each item of a row its left column: near the middle of what it is fed by."""
    wanted: list[float] = []
    sizes: list[int] = []
    for item in row:
        entry = arrangement.items[item]
        size = _PASSING_WIDTH if entry.box is None else closed[entry.box] + GAP
        sources = [columns.leave[pair] for pair in entry.above]
        if entry.box is None:
            wanted.append(sources[0] - 1)
        elif len(sources) == 1:
            wanted.append(sources[0] - min(_PORT_OFFSET, closed[entry.box] - 2))
        elif sources:
            wanted.append(sum(sources) / len(sources) - closed[entry.box] / 2)
        else:
            wanted.append(0.0)
        sizes.append(size)
    _keep_within(wanted, sizes, width + GAP)
    end = 0
    for item, left in zip(row, _spread(wanted, sizes), strict=True):
        entry = arrangement.items[item]
        columns.left[item] = max(left, end)
        end = columns.left[item] + (_PASSING_WIDTH if entry.box is None else widths[entry.box] + GAP)
        columns.width = max(columns.width, end if entry.box is None else end - GAP)


def _keep_within(wanted: list[float], sizes: list[int], width: int) -> None:
    """Lower the wanted left ends so that the row ends at ``width``, or as near to it as its items allow."""
    before, after = sum(sizes), 0
    for place in range(len(sizes) - 1, -1, -1):
        before -= sizes[place]
        after += sizes[place]
        wanted[place] = min(wanted[place], max(width - after, before))


def _spread(wanted: list[float], sizes: list[int]) -> list[int]:
    """Left ends in the given order, without overlap, at the least squared distance from the wanted ones, none below 0.

    Pools neighbours that push each other, as isotonic regression does.
    """
    offsets = [0]
    for size in sizes:
        offsets.append(offsets[-1] + size)
    blocks: list[list[float]] = []  # mean, count
    for want, offset in zip(wanted, offsets, strict=False):
        blocks.append([want - offset, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, count = blocks.pop()
            last = blocks[-1]
            last[0] = (last[0] * last[1] + mean * count) / (last[1] + count)
            last[1] += count
    places = [max(mean, 0.0) for mean, count in blocks for _ in range(int(count))]
    return [int(place + 0.5) + offset for place, offset in zip(places, offsets, strict=False)]


def _enter(
    arrangement: Arrangement,
    item: int,
    closed: list[int],
    columns: Columns,
    leaving: dict[int, int],
    used: set[int],
) -> None:
    """Choose the column in which each net arrives: right below where it left, if no other net comes down there."""
    entry = arrangement.items[item]
    left = columns.left[item]
    if entry.box is None:
        first, last = left, left + _PASSING_WIDTH - 1
    else:
        first, last = left + 1, left + max(closed[entry.box] - 2, 1)
    for net, carrier in sorted(entry.above, key=lambda pair: (columns.leave[pair], pair)):
        wanted = min(max(columns.leave[net, carrier], first), last)
        if entry.box is None and columns.leave[net, carrier] != wanted:
            wanted = left + 1
        column = next(
            (
                candidate
                for candidate in _around(wanted, first, last)
                if candidate not in used and leaving.get(candidate, net) == net
            ),
            None,
        )
        if column is None:  # no column of its own left: arrive together with another net
            column = next((candidate for candidate in _around(wanted, first, last) if candidate not in used), wanted)
        used.add(column)
        columns.enter[net, item] = column


def _around(middle: int, first: int, last: int) -> list[int]:
    """``middle`` and the columns around it by distance, within the ends."""
    found = [middle]
    for distance in range(1, last - first + 1):
        found += [column for column in (middle + distance, middle - distance) if first <= column <= last]
    return found


def _leave(arrangement: Arrangement, item: int, closed: list[int], columns: Columns, order: dict[int, int]) -> None:
    """Choose the columns in which the nets of an item leave, those that go left at the left."""
    entry = arrangement.items[item]
    if entry.net is not None:
        columns.leave[entry.net, item] = columns.enter[entry.net, item]
        return
    places: dict[int, list[int]] = {}
    for net, target in entry.below:
        places.setdefault(net, []).append(order[target])
    nets = sorted(places, key=lambda net: (sum(places[net]) / len(places[net]), net))
    if not nets or entry.box is None:
        return
    width = closed[entry.box]
    if len(nets) == 1:
        columns.leave[nets[0], item] = columns.left[item] + min(_PORT_OFFSET, max(width - 2, 1))
        return
    step = max(2, (width - 4) // len(nets))
    for position, net in enumerate(nets):
        columns.leave[net, item] = columns.left[item] + 2 + position * step
