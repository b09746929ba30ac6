"""Lines cross about as seldom as in grandalf's Sugiyama layout of the same graphs."""

from __future__ import annotations

from crossing_count import grandalfs, layered, ours
from hypothesis import given, settings
from hypothesis import strategies as st

from xlascope.graphs.crossings import Links, count_crossings, reduce_crossings


def test_twenty_graphs_against_grandalf():
    sizes = [20 + 280 * number // 19 for number in range(20)]
    counts = [(ours(size, links), grandalfs(size, links)) for size, links in ((n, layered(n, n)) for n in sizes)]
    assert sum(own for own, _ in counts) <= sum(theirs for _, theirs in counts)
    assert all(own <= 1.5 * theirs for own, theirs in counts), counts


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sets(st.integers(0, 7), max_size=4), min_size=1, max_size=8), min_size=2, max_size=6))
def test_an_order_is_never_worse_than_the_one_given_and_always_the_same(levels):
    rows, number = [], 0
    for level in levels:
        rows.append(list(range(number, number + len(level))))
        number += len(level)
    below: list[list[int]] = [[] for _ in range(number)]
    above: list[list[int]] = [[] for _ in range(number)]
    for row, level, following in zip(rows, levels, rows[1:], strict=False):
        for item, wanted in zip(row, level, strict=True):
            for target in {following[place % len(following)] for place in wanted}:
                below[item].append(target)
                above[target].append(item)
    links = Links(above, below)
    before = count_crossings(links, rows)
    first, second = [row[:] for row in rows], [row[:] for row in rows]
    reduce_crossings(links, first)
    reduce_crossings(links, second)
    assert first == second and [sorted(row) for row in first] == rows
    assert count_crossings(links, first) <= before
    crossed = sum(
        first[at].index(a) < first[at].index(c) and first[at + 1].index(b) > first[at + 1].index(d)
        for at in range(len(rows) - 1)
        for a in first[at]
        for b in below[a]
        for c in first[at]
        for d in below[c]
    )
    assert crossed == count_crossings(links, first)
