"""The order within rows that crosses few lines: barycentre and median sweeps from several starts, then exchanges.

After Sugiyama, Tagawa and Toda (1981) and Gansner, Koutsofios, North and Vo (1993), "A technique for drawing directed
graphs". All ties keep their order, so the same graph gives the same picture.
"""

from __future__ import annotations

import random
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_Mean = Callable[[list[int], int], float]
_SWEEPS = 12
_SMALL, _MOST_STARTS = 600, 8
_ROUNDS = 10
_PATIENCE = 4
# Of more items than this, exchanges would take longer than anybody waits.
_MOST_EXCHANGED = 6000


@dataclass(slots=True)
class Links:
    """Neighbours of each item in the row above and in the row below."""

    above: list[list[int]]
    below: list[list[int]]


def reduce_crossings(links: Links, rows: list[list[int]]) -> None:
    """Reorder ``rows`` (of item indexes) in place."""
    best, fewest = [row[:] for row in rows], count_crossings(links, rows)
    for start in (rows, _by_depth(links, rows), *_shuffled(rows)):
        if not fewest:
            break
        for mean in (_barycentre, _median):
            found = _swept(links, start, mean)
            count = count_crossings(links, found)
            if count < fewest:
                best, fewest = found, count
            if not fewest:
                break
    rows[:] = best


def _swept(links: Links, start: Sequence[list[int]], mean: _Mean) -> list[list[int]]:
    rows = [row[:] for row in start]
    place = _places(rows, len(links.above))
    exchange = len(links.above) <= _MOST_EXCHANGED
    best, fewest, waited = [row[:] for row in rows], count_crossings(links, rows), 0
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        near = links.above if down else links.below
        for row in rows if down else reversed(rows):
            keys = {item: mean([place[other] for other in near[item]], place[item]) for item in row}
            row.sort(key=keys.__getitem__)
            for position, item in enumerate(row):
                place[item] = position
        if exchange:
            _exchange(links, rows, place)
        count = count_crossings(links, rows)
        if count < fewest:
            best, fewest, waited = [row[:] for row in rows], count, 0
        else:
            waited += 1
        if not fewest or waited >= _PATIENCE:
            break
    return best


def _barycentre(places: list[int], own: int) -> float:
    return sum(places) / len(places) if places else float(own)


def _median(places: list[int], own: int) -> float:
    """The median, between two middle ones nearer to where more places are close together."""
    if not places:
        return float(own)
    places.sort()
    middle = len(places) // 2
    if len(places) % 2:
        return float(places[middle])
    if len(places) == 2:
        return sum(places) / 2
    left, right = places[middle - 1] - places[0], places[-1] - places[middle]
    if not left + right:
        return (places[middle - 1] + places[middle]) / 2
    return (places[middle - 1] * right + places[middle] * left) / (left + right)


def _exchange(links: Links, rows: list[list[int]], place: list[int]) -> None:
    """Swap neighbours as long as that crosses fewer lines."""
    changed = [True] * len(rows)
    for _ in range(_ROUNDS):
        if not any(changed):
            break
        now = [False] * len(rows)
        for number, row in enumerate(rows):
            if not any(changed[max(number - 1, 0) : number + 2]):
                continue
            for at in range(len(row) - 1):
                left, right = row[at], row[at + 1]
                gain = _gain(links.above, place, left, right) + _gain(links.below, place, left, right)
                if gain > 0:
                    row[at], row[at + 1] = right, left
                    place[left], place[right] = at + 1, at
                    now[number] = True
        changed = now


def _gain(near: list[list[int]], place: list[int], left: int, right: int) -> int:
    """Crossings fewer when two neighbours change places."""
    total = 0
    for a in near[left]:
        at = place[a]
        for b in near[right]:
            other = place[b]
            if at > other:
                total += 1
            elif at < other:
                total -= 1
    return total


def _by_depth(links: Links, rows: Sequence[list[int]]) -> list[list[int]]:
    """Rows in the order in which a walk along the lines, upward from the last row, comes to their items."""
    found: list[list[int]] = [[] for _ in rows]
    row_of = {item: number for number, row in enumerate(rows) for item in row}
    seen: set[int] = set()
    for row in reversed(rows):
        for start in row:
            waiting = [start]
            while waiting:
                item = waiting.pop()
                if item in seen:
                    continue
                seen.add(item)
                found[row_of[item]].append(item)
                waiting += reversed(links.above[item])
    return found


def _shuffled(rows: Sequence[list[int]]) -> Iterator[list[list[int]]]:
    """More starts for small graphs, where each costs little; always the same ones."""
    chance = random.Random(0)
    for _ in range(min(_MOST_STARTS, _SMALL // max(sum(map(len, rows)), 1))):
        yield [chance.sample(row, len(row)) for row in rows]


def _places(rows: Sequence[list[int]], count: int) -> list[int]:
    place = [0] * count
    for row in rows:
        for position, item in enumerate(row):
            place[item] = position
    return place


def count_crossings(links: Links, rows: Sequence[list[int]]) -> int:
    """Pairs of lines between neighbouring rows that cross."""
    place = _places(rows, len(links.above))
    total = 0
    for row in rows:
        ends: list[int] = []
        for item in row:
            targets = sorted(place[other] for other in links.below[item])
            for target in targets:
                total += len(ends) - bisect_left(ends, target + 1)
            for target in targets:
                insort(ends, target)
    return total
