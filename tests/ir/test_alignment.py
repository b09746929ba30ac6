"""Alignment of equations: random graphs with insertions, moves, and the jaxprs of two versions of JAX."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from xlascope.ir import JaxprIndex, alignment, index_jaxpr
from xlascope.ir.alignment import align, canonical

DATA = Path(__file__).parent / "data"
PRIMITIVES = ("add", "mul", "sin", "exp", "max")
Line = tuple[str, tuple[int, ...]]
"""Primitive, and the numbers of the lines it reads (below 0: an input)."""


def _name(number: int) -> str:
    text = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        text = chr(97 + digit) + text
    return text


def written(lines: list[tuple[int, str, tuple[int, ...]]]) -> JaxprIndex:
    """A jaxpr of lines (identity, primitive, identities read), as JAX writes and the engine sends it."""
    names = {identity: _name(k + 3) for k, (identity, _, _) in enumerate(lines)}
    text = ["{ lambda ; a:f32[8] b:f32[8] c:f32[8]. let"]
    rows = []
    for k, (identity, primitive, reads) in enumerate(lines):
        operands = [names[each] if each >= 0 else _name(-each - 1) for each in reads]
        text.append(f"    {names[identity]}:f32[8] = {primitive} {' '.join(operands)}")
        rows.append({"path": str(k), "primitive": primitive, "inputs": ["f32[8]"] * len(reads),
                     "outputs": ["f32[8]"], "text_line": k + 2})
    return index_jaxpr("\n".join([*text, f"  in ({names[lines[-1][0]]},) }}"]), rows)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[tuple[int, str, tuple[int, ...]]], list[tuple[int, str, tuple[int, ...]]]]:
    """A random graph and the same with lines put in anywhere, read by some of what follows or by nothing."""
    before: list[tuple[int, str, tuple[int, ...]]] = []
    for k in range(draw(st.integers(1, 12))):
        reads = tuple(draw(st.lists(st.integers(-3, k - 1), min_size=1, max_size=2)))
        before.append((k, draw(st.sampled_from(PRIMITIVES)), reads))
    after = list(before)
    for k in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(after)))
        known = [identity for identity, _, _ in after[:place]] + [-1]
        new = (100 + k, draw(st.sampled_from(PRIMITIVES)), (draw(st.sampled_from(known)),))
        after.insert(place, new)
        for later in range(place + 1, len(after)):
            identity, primitive, reads = after[later]
            if draw(st.booleans()) and new[2][0] in reads:
                after[later] = identity, primitive, tuple(100 + k if each == new[2][0] else each for each in reads)
                break
    return before, after


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_lines_put_in_leave_all_others_matched(both: tuple[list, list]) -> None:
    before, after = both
    found = align(written(before), written(after))
    assert sorted(int(each.path_a) for each in found if each.path_a is not None) == list(range(len(before)))
    assert [int(each.path_b) for each in found if each.path_b is not None] == list(range(len(after)))
    pairs = [(int(e.path_a), int(e.path_b)) for e in found if e.path_a is not None and e.path_b is not None]
    assert len(pairs) == len(before)
    assert all(before[i][1] == after[j][1] and len(before[i][2]) == len(after[j][2]) for i, j in pairs)


@settings(max_examples=50, deadline=None)
@given(graphs())
def test_a_jaxpr_is_aligned_with_itself_line_by_line(both: tuple[list, list]) -> None:
    for lines in both:
        found = align(written(lines), written(lines))
        assert [(each.path_a, each.path_b, each.moved) for each in found] == [
            (str(k), str(k), False) for k in range(len(lines))]


def test_of_twins_the_one_with_the_same_use_is_taken() -> None:
    before = [(0, "sin", (-1,)), (1, "exp", (0,)), (2, "sin", (-2,)), (3, "mul", (1, 2))]
    after = [(9, "sin", (-3,)), *before[:3], (3, "mul", (1, 2)), (8, "add", (3, 9))]
    pairs = {(each.path_a, each.path_b) for each in align(written(before), written(after))}
    assert pairs == {("0", "1"), ("1", "2"), ("2", "3"), ("3", "4"), (None, "0"), (None, "5")}


def test_a_line_that_was_moved_is_found_and_told() -> None:
    before = [(0, "sin", (-1,)), (1, "exp", (-2,)), (2, "mul", (1, 1)), (3, "max", (2, 0))]
    after = [before[1], before[2], before[0], before[3]]
    found = {(each.path_a, each.path_b): each.moved for each in align(written(before), written(after))}
    assert found == {("1", "0"): False, ("2", "1"): False, ("0", "2"): True, ("3", "3"): False}


def test_large_bodies_are_cut_at_what_is_there_once(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(alignment, "MOST_CELLS", 16)
    before = [(k, PRIMITIVES[k * k % 5], ((k - 1) if k else -1, -2)) for k in range(60)]
    before[20], before[40] = (20, "tanh", (19,)), (40, "log", (39,))
    after = [*before[:31], (99, "neg", (30,)), *before[31:]]
    found = align(written(before), written(after))
    matched = {each.path_a: each.path_b for each in found if each.path_a is not None}
    assert matched["20"] == "20" and matched["40"] == "41"
    assert sum(each is not None for each in matched.values()) >= 58
    assert sorted(int(each.path_b) for each in found if each.path_b is not None) == list(range(61))


def load(version: str) -> JaxprIndex:
    body = json.loads((DATA / f"block-jax-{version}.json").read_text())
    return index_jaxpr(body["text"], body["equations"])


def test_two_versions_of_jax_line_up() -> None:
    old, new = load("0.10.2"), load("0.12.0")
    found = align(old, new)
    both = [(old.by_path[e.path_a], new.by_path[e.path_b]) for e in found if e.path_a and e.path_b]
    assert all(canonical(a.primitive) == canonical(b.primitive) for a, b in both)
    alone_old = [old.by_path[e.path_a] for e in found if e.path_b is None and e.path_a]
    alone_new = [new.by_path[e.path_b] for e in found if e.path_a is None and e.path_b]
    # 0.12 has a primitive of its own for 1 - x*x, and other gradients of max and min.
    assert {each.primitive for each in alone_new} == {"one_minus_square", "gt", "select_n"}
    assert len(both) == 142 and len(alone_old) == 18 and len(alone_new) == 8
    paths = {e.path_a: e.path_b for e in found}
    assert paths["43"] == "41" and old.by_path["43"].primitive == "cond"
    assert paths["43.b1.0"] == "41.b1.0" and paths["103"] == "99" and paths["87.5"] == "85.3"


def test_among_equals_the_source_line_decides(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    layer = ("sin", "exp")
    before = [(k, layer[k % 2], (k - 1,)) for k in range(4)] + [(4, "max", (3, -2))]
    after = [(k, layer[k % 2], (k - 1,)) for k in range(10)] + [(10, "max", (9, -2))]
    # The second layer of before is at line 1; after it three more were put in, at line 2.
    of_a = {str(k): (min(k // 2, 1), 0) for k in range(4)} | {"4": (3, 0)}
    of_b = {str(k): (min(k // 2, 2), 0) for k in range(10)} | {"10": (3, 0)}
    wanted = {str(k): str(k) for k in range(4)} | {"4": "10"}
    for cells in (alignment.MOST_CELLS, 30):
        monkeypatch.setattr(alignment, "MOST_CELLS", cells)
        found = align(written(before), written(after), (of_a, of_b))
        assert {each.path_a: each.path_b for each in found if each.path_a is not None} == wanted
