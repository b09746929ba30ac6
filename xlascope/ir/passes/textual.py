"""A unified diff of two texts that share their lines, fast also where thousands of lines differ."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

_SMALL = 400
"""Gaps of up to this many lines on either side are compared closely; larger ones are replaced whole."""
Block = tuple[int, int, int]


def unified(
    lines: Sequence[str], a: Sequence[int], b: Sequence[int], names: tuple[str, str], context: int = 2
) -> list[str]:
    """The difference of two rows of line numbers as ``diff -u`` writes it; [] when they are equal."""
    found: list[str] = []
    for group in _grouped(_changes(list(a), list(b)), len(a), len(b), context):
        if not found:
            found += [f"--- {names[0]}", f"+++ {names[1]}"]
        first, last = group[0], group[-1]
        starts = first[1] + 1, first[3] + 1
        found.append(f"@@ -{starts[0]},{last[2] - first[1]} +{starts[1]},{last[4] - first[3]} @@")
        for kind, i, j, k, m in group:
            if kind == "equal":
                found += [" " + lines[each] for each in a[i:j]]
            else:
                found += ["-" + lines[each] for each in a[i:j]]
                found += ["+" + lines[each] for each in b[k:m]]
    return found


def _changes(a: list[int], b: list[int]) -> list[tuple[int, int, int, int]]:
    """Ranges that differ: start and stop in either, in order."""
    found = []
    i = k = 0
    for at, there, length in [*_matches(a, b), (len(a), len(b), 0)]:
        if at > i or there > k:
            found.append((i, at, k, there))
        i, k = at + length, there + length
    return found


def _matches(a: list[int], b: list[int]) -> Iterator[Block]:
    """Blocks of equal lines: around the lines that both have once and in the same order, then within the gaps."""
    once_a, once_b = Counter(a), Counter(b)
    places = {each: at for at, each in enumerate(b) if once_b[each] == 1}
    pairs = [(at, places[each]) for at, each in enumerate(a) if once_a[each] == 1 and each in places]
    i = k = 0
    for at, there in [*_increasing(pairs), (len(a), len(b))]:
        if at < i or there < k:
            continue
        yield from _gap(a, b, i, at, k, there)
        i, k = at, there
        while i < len(a) and k < len(b) and a[i] == b[k]:
            i, k = i + 1, k + 1
        if i > at:
            yield at, there, i - at


def _gap(a: list[int], b: list[int], i: int, j: int, k: int, m: int) -> Iterator[Block]:
    while i < j and k < m and a[i] == b[k]:
        yield i, k, 1
        i, k = i + 1, k + 1
    if i == j or k == m:
        return
    if j - i <= _SMALL and m - k <= _SMALL:
        for block in SequenceMatcher(None, a[i:j], b[k:m], autojunk=False).get_matching_blocks():
            if block.size:
                yield i + block.a, k + block.b, block.size


def _increasing(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run of pairs whose second numbers grow, too (patience sorting)."""
    tops: list[int] = []
    piles: list[int] = []
    before: list[int] = []
    for number, (_, there) in enumerate(pairs):
        pile = bisect_left(tops, there)
        before.append(piles[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(there)
            piles.append(number)
        else:
            tops[pile], piles[pile] = there, number
    found, at = [], piles[-1] if piles else -1
    while at >= 0:
        found.append(pairs[at])
        at = before[at]
    return found[::-1]


def _grouped(
    changes: list[tuple[int, int, int, int]], size_a: int, size_b: int, context: int
) -> Iterator[list[tuple[str, int, int, int, int]]]:
    """Changes with the lines around them; those that touch make one group."""
    group: list[tuple[str, int, int, int, int]] = []
    for position, (i, j, k, m) in enumerate(changes):
        if not group:
            lead = min(context, i, k)
            group.append(("equal", i - lead, i, k - lead, k))
        group.append(("replace", i, j, k, m))
        ahead = changes[position + 1][0] - j if position + 1 < len(changes) else None
        if ahead is not None and ahead <= 2 * context:
            group.append(("equal", j, j + ahead, m, m + ahead))
        else:
            tail = min(context, size_a - j, size_b - m)
            group.append(("equal", j, j + tail, m, m + tail))
            yield group
            group = []
