"""Putting boxes into an order in which values go forward, and cutting a long row of them into parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise


def topological(items: Sequence[str], links: Sequence[tuple[str, str]], first: Mapping[str, int]) -> list[str]:
    """Items so that links go forward, else in the order of ``first``; of a ring the first comes first."""
    order = sorted(items, key=first.__getitem__)
    place = {item: number for number, item in enumerate(order)}
    if all(place[source] < place[target] for source, target in links):
        return order
    below: dict[str, list[str]] = {}
    waits = dict.fromkeys(order, 0)
    for source, target in set(links):
        if source != target:
            below.setdefault(source, []).append(target)
            waits[target] += 1
    ready = [place[item] for item in order if not waits[item]]
    heapify(ready)
    found: list[str] = []
    done: set[str] = set()
    remaining = iter(order)
    while len(found) < len(order):
        if ready:
            item = order[heappop(ready)]
            if item in done:
                continue
        else:
            item = next(each for each in remaining if each not in done)
        done.add(item)
        found.append(item)
        for target in below.get(item, ()):
            waits[target] -= 1
            if not waits[target] and target not in done:
                heappush(ready, place[target])
    return found


def cut(items: Sequence[str], links: Sequence[tuple[str, str]], most: int) -> list[list[str]]:
    """Consecutive runs, as few levels of ``most`` runs as hold all, cut where the fewest values are alive."""
    count = len(items)
    if count <= most:
        return [list(items)]
    levels = 1
    while most**levels < count:
        levels += 1
    pieces = max(2, round(count ** (1 / levels)))
    size = count / pieces
    alive = _alive(items, links)
    slack = max(int(size / 4), 1)
    ends = [0]
    for piece in range(1, pieces):
        ideal = round(piece * size)
        near = range(max(ideal - slack, ends[-1] + 1), min(ideal + slack, count - 1) + 1)
        if near:
            ends.append(min(near, key=lambda place: (alive[place], abs(place - ideal), place)))
    ends.append(count)
    return [list(items[begin:end]) for begin, end in pairwise(ends) if begin < end]


def _alive(items: Sequence[str], links: Sequence[tuple[str, str]]) -> list[int]:
    """How many values go past each place between two items."""
    place = {item: number for number, item in enumerate(items)}
    last: dict[int, int] = {}
    for source, target in links:
        if source in place and target in place:
            begin = place[source]
            last[begin] = max(last.get(begin, begin), place[target])
    change = [0] * (len(items) + 1)
    for begin, end in last.items():
        if end > begin:
            change[begin + 1] += 1
            change[end + 1] -= 1
    found, now = [], 0
    for each in change:
        now += each
        found.append(now)
    return found
