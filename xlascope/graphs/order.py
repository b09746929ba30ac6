"""Which row each box of a level stands in, and the order within a row."""

from __future__ import annotations

from dataclasses import dataclass, field

from xlascope.graphs.crossings import Links, reduce_crossings

# More values than this passing one row would be a wall of lines: long ones are named in their boxes instead.
_FEWEST_PASSING, _MOST_PASSING, _CELLS_EACH = 4, 12, 8


@dataclass(slots=True)
class Net:
    """A value (or bundle) leaving a box: one port, forked on its way to ``targets`` (box indexes)."""

    source: int
    values: tuple[tuple[int, ...], ...]
    targets: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Item:
    """What stands in a row: a box, or a net passing through. ``above`` and ``below`` are (net, item) pairs."""

    box: int | None
    net: int | None
    row: int
    above: list[tuple[int, int]] = field(default_factory=list)
    below: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Arrangement:
    """``rows`` hold item indexes, ``item_of_box`` the item of each box; ``stubs`` are the links drawn as names only."""

    items: list[Item]
    rows: list[list[int]]
    nets: list[Net]
    item_of_box: list[int]
    stubs: list[tuple[int, int]]


def arrange(
    widths: list[int],
    links: list[tuple[int, int, tuple[tuple[int, ...], ...]]],
    parameters: list[bool],
    width: int,
    gap: int,
    most: int | None = None,
) -> Arrangement:
    """Rows for boxes of the given widths; ``links`` are (source, target, values). Depends on nothing else.

    ``most`` values may pass a row; by default what ``width`` has room for.
    """
    forward = [(source, target) for source, target, _ in links if source < target]
    ranks = _ranks(len(widths), forward, parameters)
    row_of = _split(ranks, forward, widths, width, gap)
    if most is None:
        most = min(max(width // _CELLS_EACH, _FEWEST_PASSING), _MOST_PASSING)
    nets, stubs = _nets(links, row_of, parameters, most)
    return _fill(len(widths), row_of, nets, stubs)


def _ranks(count: int, links: list[tuple[int, int]], parameters: list[bool]) -> list[int]:
    """Longest path from the top; what has no inputs and is no parameter stands just above its first user."""
    below: list[list[int]] = [[] for _ in range(count)]
    inputs = [0] * count
    for source, target in links:
        below[source].append(target)
        inputs[target] += 1
    ranks = [0] * count
    for box in range(count):  # links go from lower to higher indexes
        for user in below[box]:
            ranks[user] = max(ranks[user], ranks[box] + 1)
    for box in range(count):
        if not parameters[box] and not inputs[box] and below[box]:
            ranks[box] = max(0, min(ranks[user] for user in below[box]) - 1)
    return ranks


def _split(ranks: list[int], links: list[tuple[int, int]], widths: list[int], width: int, gap: int) -> list[int]:
    """Row of each box: a rank wider than ``width`` goes on in the next row."""
    above: list[list[int]] = [[] for _ in ranks]
    for source, target in links:
        above[target].append(source)
    by_rank: dict[int, list[int]] = {}
    for box, rank in enumerate(ranks):
        by_rank.setdefault(rank, []).append(box)
    middle = [0.0] * len(ranks)
    row_of = [0] * len(ranks)
    row = -1
    for rank in sorted(by_rank):
        boxes = by_rank[rank]
        if rank:
            key = {box: _mean([middle[source] for source in above[box]]) for box in boxes}
            boxes = sorted(boxes, key=lambda box: key[box])
        row += 1
        filled = 0
        for box in boxes:
            if filled and filled + widths[box] > width:
                row += 1
                filled = 0
            middle[box] = filled + widths[box] / 2
            filled += widths[box] + gap
            row_of[box] = row
    return row_of


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _nets(
    links: list[tuple[int, int, tuple[tuple[int, ...], ...]]],
    row_of: list[int],
    parameters: list[bool],
    most: int,
) -> tuple[list[Net], list[tuple[int, int]]]:
    """Nets, and the links that are no part of one: where more than ``most`` pass a row, parameters' and the longest."""
    stubs = [(source, target) for source, target, _ in links if row_of[source] >= row_of[target]]
    found: dict[tuple[int, tuple[tuple[int, ...], ...]], Net] = {}
    for source, target, values in links:
        if row_of[source] < row_of[target]:
            net = found.setdefault((source, values), Net(source, values))
            if target not in net.targets:
                net.targets.append(target)
    nets = list(found.values())
    passing = [0] * (max(row_of, default=0) + 2)
    for net in nets:
        net.targets.sort(key=lambda target: (row_of[target], target))
        for row in range(row_of[net.source] + 1, row_of[net.targets[-1]]):
            passing[row] += 1
    spans = [
        (not parameters[net.source], row_of[net.source] - row_of[target], number, target)
        for number, net in enumerate(nets)
        for target in net.targets
    ]
    for _, _, number, target in sorted(spans):
        net = nets[number]
        last = row_of[net.source] if len(net.targets) < 2 else row_of[net.targets[-2]]
        alone = range(max(last, row_of[net.source] + 1), row_of[target])
        if net.targets[-1] == target and any(passing[row] > most for row in alone):
            net.targets.pop()
            stubs.append((net.source, target))
            for row in alone:
                passing[row] -= 1
    return [net for net in nets if net.targets], stubs


def _fill(count: int, row_of: list[int], nets: list[Net], stubs: list[tuple[int, int]]) -> Arrangement:
    items = [Item(box, None, row_of[box]) for box in range(count)]
    rows: list[list[int]] = [[] for _ in range(max(row_of, default=-1) + 1)]
    for number, item in enumerate(items):
        rows[item.row].append(number)
    for number, net in enumerate(nets):
        carrier = net.source
        targets: dict[int, list[int]] = {}
        for target in net.targets:
            targets.setdefault(row_of[target], []).append(target)
        last = row_of[net.targets[-1]]
        for row in range(row_of[net.source] + 1, last + 1):
            for target in targets.get(row, ()):
                items[carrier].below.append((number, target))
                items[target].above.append((number, carrier))
            if row < last:
                passing = len(items)
                items.append(Item(None, number, row, [(number, carrier)]))
                items[carrier].below.append((number, passing))
                rows[row].append(passing)
                carrier = passing
    links = Links(
        [[other for _, other in item.above] for item in items], [[other for _, other in item.below] for item in items]
    )
    reduce_crossings(links, rows)
    return Arrangement(items, rows, nets, list(range(count)), stubs)
