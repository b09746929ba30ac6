"""Which equation of one jaxpr is which of another: by primitive, types and flow of data, never by number.

Each equation of a body has a label (primitive, types) and hashes of what lies around it in the flow of data, one for
each distance up and down (as in the Weisfeiler-Lehman test). Two bodies are laid side by side so that as many
equations as possible have an equal partner in the same order and, of all ways to do so, most of what lies around them
agrees; what was moved is then found by the same hashes. Bodies of equations that belong together are aligned in turn.
Among equal equations that line decides which both sources have: the flow around it changes with what is put in after.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from xlascope.ir.jaxpr import Equation, JaxprIndex
from xlascope.ir.jaxpr_text import Statement, is_variable, statements

DEPTH = 3
MOST_CELLS = 4_000_000
_CONTENT_WEIGHT, _NAME_WEIGHT = 4, 2
# More than all the flow around: one more layer of the same kind has around it what the last one had before.
_LINE_WEIGHT, _STRETCH_WEIGHT = 2 * DEPTH + 1, 1
_BEST = _CONTENT_WEIGHT + _NAME_WEIGHT + _LINE_WEIGHT + _STRETCH_WEIGHT + 2 * DEPTH
_ALIKE = 0.45  # same primitive, other types: less than half of an equal pair
# What other versions of JAX call the same primitive.
_RENAMED = {
    "pjit": "jit",
    "core_closed_call": "closed_call",
    "custom_vjp_call_jaxpr": "custom_vjp_call",
    "custom_jvp_call_jaxpr": "custom_jvp_call",
    "remat2": "checkpoint",
    "remat": "checkpoint",
}
Pair = tuple[int | None, int | None]
Lines = Mapping[str, tuple[int, int]]
"""Source lines by path: the number of the line and of the stretch of changed lines that holds it. What is the same line
or stretch in both sources has one number in both; an equation that is left out has none.
"""


@dataclass(frozen=True, slots=True)
class Match:
    """Paths of one equation in both jaxprs; None: it is only in the other. ``moved``: its neighbours passed it by."""

    path_a: str | None
    path_b: str | None
    moved: bool = False


def canonical(primitive: str) -> str:
    """The name that a primitive has in the newest version of JAX."""
    return _RENAMED.get(primitive, primitive)


def align(a: JaxprIndex, b: JaxprIndex, lines: tuple[Lines, Lines] | None = None) -> tuple[Match, ...]:
    """Every equation of both jaxprs once, in the order of `b`, what is only in `a` before what followed it there."""
    of_a, of_b = lines or ({}, {})
    first, second = _Jaxpr(a, of_a, -1), _Jaxpr(b, of_b, -2)
    found: list[Match] = []
    _bodies(first, second, "", "", found)
    return tuple(found)


class _Jaxpr:
    """A jaxpr cut into bodies, by the path before the last number of their equations (``""``, ``4``, ``4.b1``)."""

    def __init__(self, index: JaxprIndex, lines: Lines, no_line: int) -> None:
        self.lines = lines
        self.no_line = no_line, no_line  # another number on either side: what has no line agrees with nothing
        self.bodies: dict[str, list[Equation]] = {}
        self.inside: dict[str, list[str]] = {}
        for equation in index.equations:
            body = equation.path.rpartition(".")[0]
            if body not in self.bodies:
                self.bodies[body] = []
                if equation.parent is not None:
                    self.inside.setdefault(equation.parent, []).append(body)
            self.bodies[body].append(equation)
        self.statements = statements(index)
        self._content: dict[str, int] = {}
        for body in sorted(self.bodies, key=len, reverse=True):
            self._content[body] = hash(tuple((_label(each), self.content(each.path)) for each in self.bodies[body]))

    def content(self, path: str) -> int:
        """A hash of all that lies inside an equation; 0 where nothing does."""
        bodies = self.inside.get(path)
        return hash(tuple(self._content[body] for body in bodies)) if bodies else 0


@dataclass(frozen=True, slots=True)
class _Body:
    """Numbers by equation: labels, primitives, contents, names, source lines and stretches of them, and hashes of what
    lies around, by distance.
    """

    labels: np.ndarray
    primitives: np.ndarray
    contents: np.ndarray
    names: np.ndarray
    lines: np.ndarray
    stretches: np.ndarray
    up: tuple[np.ndarray, ...]
    down: tuple[np.ndarray, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def keys(self, depth: int) -> list[Hashable]:
        """What tells equations apart, as far as ``depth``; beyond DEPTH also the source line."""
        if not depth:
            return self.labels.tolist()
        far = min(depth, DEPTH) - 1
        columns = [self.up[far], self.down[far], self.contents, self.names]
        if depth > DEPTH:
            columns.append(self.lines)
        return list(zip(*(column.tolist() for column in columns), strict=True))


def _bodies(a: _Jaxpr, b: _Jaxpr, body_a: str | None, body_b: str | None, found: list[Match]) -> None:
    rows_a = a.bodies.get(body_a, []) if body_a is not None else []
    rows_b = b.bodies.get(body_b, []) if body_b is not None else []
    pairs, moved = _pairs(_body(a, rows_a), _body(b, rows_b))
    for i, j in _in_order(pairs, len(rows_a), len(rows_b)):
        path_a, path_b = rows_a[i].path if i is not None else None, rows_b[j].path if j is not None else None
        found.append(Match(path_a, path_b, i in moved and j is not None))
        inner_a = a.inside.get(path_a, []) if path_a is not None else []
        inner_b = b.inside.get(path_b, []) if path_b is not None else []
        for k in range(max(len(inner_a), len(inner_b))):
            left, right = inner_a[k] if k < len(inner_a) else None, inner_b[k] if k < len(inner_b) else None
            _bodies(a, b, left, right, found)


def _in_order(pairs: dict[int, int], count_a: int, count_b: int) -> list[Pair]:
    """All rows of both sides: those of b in order, those only in a before the row that followed them there."""
    partner = {j: i for i, j in pairs.items()}
    alone: dict[int | None, list[int]] = {}
    follower: int | None = None
    for i in range(count_a - 1, -1, -1):
        if i in pairs:
            follower = pairs[i]
        else:
            alone.setdefault(follower, []).insert(0, i)
    rows: list[Pair] = []
    for j in range(count_b):
        rows += [(i, None) for i in alone.get(j, [])]
        rows.append((partner.get(j), j))
    return rows + [(i, None) for i in alone.get(None, [])]


def _label(equation: Equation) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    return canonical(equation.primitive), equation.inputs, equation.outputs


def _body(jaxpr: _Jaxpr, rows: Sequence[Equation]) -> _Body:
    said = [jaxpr.statements.get(each.path) for each in rows]
    places = [jaxpr.lines.get(each.path, jaxpr.no_line) for each in rows]
    labels = [hash(_label(each)) for each in rows]
    sources, users = _flow(said)
    up, down = [labels], [labels]
    for _ in range(DEPTH):
        up.append([
            hash((labels[i], tuple(up[-1][s] if isinstance(s, int) else s for s in sources[i])))
            for i in range(len(rows))
        ])  # fmt: skip
        down.append([
            hash((labels[i], tuple(sorted((place, down[-1][user]) for user, place in users[i]))))
            for i in range(len(rows))
        ])  # fmt: skip
    return _Body(
        np.asarray(labels, np.int64),
        np.asarray([hash(canonical(each.primitive)) for each in rows], np.int64),
        np.asarray([jaxpr.content(each.path) for each in rows], np.int64),
        np.asarray([hash(each.name) if each is not None else 0 for each in said], np.int64),
        np.asarray([line for line, _ in places], np.int64),
        np.asarray([stretch for _, stretch in places], np.int64),
        tuple(np.asarray(each, np.int64) for each in up[1:]),
        tuple(np.asarray(each, np.int64) for each in down[1:]),
    )


def _flow(said: Sequence[Statement | None]) -> tuple[list[list[int | str]], list[list[tuple[int, int]]]]:
    """For each equation what it reads (an equation's number, ``in`` for what comes from outside, a literal's text), and
    who reads it: (equation's number, place among its operands).
    """
    makers: dict[str, int] = {}
    sources: list[list[int | str]] = []
    users: list[list[tuple[int, int]]] = [[] for _ in said]
    for i, each in enumerate(said):
        mine: list[int | str] = []
        for place, name in enumerate(each.inputs if each is not None else ()):
            maker = makers.get(name)
            if maker is not None:
                users[maker].append((i, place))
                mine.append(maker)
            else:
                mine.append("in" if is_variable(name) else name.partition(":")[0])
        sources.append(mine)
        for name in each.outputs if each is not None else ():
            makers[name] = i
    return sources, users


def _pairs(a: _Body, b: _Body) -> tuple[dict[int, int], set[int]]:
    """Partner in b by row of a, and the rows of a that were moved."""
    if not len(a) or not len(b):
        return {}, set()
    if len(a) == len(b) and a.keys(DEPTH) == b.keys(DEPTH):
        return {i: i for i in range(len(a))}, set()
    pairs: dict[int, int] = {}
    _lay(a, b, (0, len(a)), (0, len(b)), DEPTH + 1, pairs)
    moved: set[int] = set()
    for depth in range(DEPTH + 1, 0, -1):
        rest_a, rest_b = sorted(set(range(len(a))) - set(pairs)), sorted(set(range(len(b))) - set(pairs.values()))
        if not rest_a or not rest_b:
            break
        for i, j in _unique(a.keys(depth), b.keys(depth), rest_a, rest_b):
            pairs[i] = j
            moved.add(i)
    return pairs, moved


def _lay(a: _Body, b: _Body, in_a: tuple[int, int], in_b: tuple[int, int], depth: int, pairs: dict[int, int]) -> None:
    """Pair the rows of two stretches in order: exactly where that is affordable, else cut at what is there once."""
    rows_a, rows_b = range(*in_a), range(*in_b)
    if not rows_a or not rows_b:
        return
    if len(rows_a) * len(rows_b) <= MOST_CELLS:
        _exact(a, b, rows_a, rows_b, pairs)
        return
    anchors: list[tuple[int, int]] = []
    while not anchors and depth >= 0:
        anchors = _rising(_unique(a.keys(depth), b.keys(depth), rows_a, rows_b))
        depth -= 1
    if not anchors:
        # Thousands of equations, none of them there once: the k-th of a label is the k-th.
        seen_a, seen_b = Counter[int](), Counter[int]()
        places = {(label, _next(seen_b, label)): j for j in rows_b for label in (int(b.labels[j]),)}
        anchors = _rising([
            (i, places[key])
            for i in rows_a
            for label in (int(a.labels[i]),)
            for key in ((label, _next(seen_a, label)),)
            if key in places
        ])  # fmt: skip
        pairs.update(anchors)
        return
    start_a, start_b = in_a[0], in_b[0]
    for i, j in [*anchors, (in_a[1], in_b[1])]:
        _lay(a, b, (start_a, i), (start_b, j), depth + 1, pairs)
        if i < in_a[1]:
            pairs[i] = j
        start_a, start_b = i + 1, j + 1


def _next(seen: Counter[int], label: int) -> int:
    seen[label] += 1
    return seen[label]


def _exact(a: _Body, b: _Body, rows_a: range, rows_b: range, pairs: dict[int, int]) -> None:
    """The best of all alignments, by dynamic programming: most equal pairs first, then most agreement around them."""
    low, high = rows_b.start, rows_b.stop
    part = 1 / (2 * _BEST * (min(len(rows_a), len(rows_b)) + 1))
    table = np.zeros((len(rows_a) + 1, len(rows_b) + 1))
    weights = np.zeros((len(rows_a), len(rows_b)), np.float32 if part > 1e-5 else np.float64)
    for row, i in enumerate(rows_a):
        equal = b.labels[low:high] == a.labels[i]
        alike = (b.primitives[low:high] == a.primitives[i]) & ~equal
        around = _CONTENT_WEIGHT * (b.contents[low:high] == a.contents[i])
        around = around + _NAME_WEIGHT * (b.names[low:high] == a.names[i])
        around = around + _LINE_WEIGHT * (b.lines[low:high] == a.lines[i])
        around = around + _STRETCH_WEIGHT * (b.stretches[low:high] == a.stretches[i])
        for mine, other in zip((*a.up, *a.down), (*b.up, *b.down), strict=True):
            around = around + (other[low:high] == mine[i])
        weight = np.where(equal, 1.0, np.where(alike, _ALIKE, 0.0))
        weight = np.where(weight > 0, weight + part * around, 0.0)
        weights[row] = weight
        best = np.maximum(table[row, 1:], table[row, :-1] + weights[row].astype(np.float64))
        table[row + 1, 1:] = np.maximum.accumulate(best)
    row, column = len(rows_a), len(rows_b)
    while row and column:
        gain = float(weights[row - 1, column - 1])
        if table[row, column] == table[row, column - 1]:
            column -= 1
        elif gain and table[row, column] == table[row - 1, column - 1] + gain:
            pairs[rows_a[row - 1]] = rows_b[column - 1]
            row, column = row - 1, column - 1
        else:
            row -= 1


def _unique(
    keys_a: Sequence[Hashable], keys_b: Sequence[Hashable], rows_a: Sequence[int], rows_b: Sequence[int]
) -> list[tuple[int, int]]:
    """Rows whose key is there once on either side, in the order of a."""
    count_a, count_b = Counter(keys_a[i] for i in rows_a), Counter(keys_b[j] for j in rows_b)
    places = {keys_b[j]: j for j in rows_b if count_b[keys_b[j]] == 1}
    return [(i, places[keys_a[i]]) for i in rows_a if count_a[keys_a[i]] == 1 and keys_a[i] in places]


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of the pairs (in the order of a) that is also in the order of b."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for k, (_, j) in enumerate(pairs):
        place = bisect_left(tails, j)
        before.append(ends[place - 1] if place else -1)
        if place == len(tails):
            tails.append(j)
            ends.append(k)
        else:
            tails[place], ends[place] = j, k
    found: list[tuple[int, int]] = []
    k = ends[-1] if ends else -1
    while k >= 0:
        found.append(pairs[k])
        k = before[k]
    return found[::-1]
