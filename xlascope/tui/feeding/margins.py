"""What the margins say of each line: shares of the time and marks, from the views' rows."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from xlascope.tui.feeding.links import StageLinks
from xlascope.tui.model import EquationRow, EquationTable, OpsTable
from xlascope.tui.text.lines import TextLines
from xlascope.tui.widgets.text_pane import LineMark

_RUNS = re.compile(r"\bstablehlo\.(?:while|case|if)\b| (?:while|conditional)\(")


class RangeShares:
    """The share of the time of a range of lines: each equation in it once, with what lies inside of it."""

    def __init__(self, table: EquationTable, lines: Iterable[tuple[int, EquationRow]]):
        found = sorted(lines, key=lambda each: each[0])
        self._lines = [line for line, _ in found]
        self._rows = [row for _, row in found]
        self._parents = {row.path: row.parent for row in table.rows}

    def __call__(self, first: int, last: int) -> tuple[float | None, bool]:
        """Share and whether it is estimated, of the lines `first` to `last`; None where no time is known."""
        here = self._rows[bisect_left(self._lines, first) : bisect_right(self._lines, last)]
        share, _, estimated = share_of(list({row.path: row for row in here}.values()), self._parents)
        return share, estimated


def jaxpr_lines(table: EquationTable) -> list[tuple[int, EquationRow]]:
    """The equations with the line of the jaxpr that writes them."""
    return [(row.row, row) for row in table.rows if row.row is not None]


def jaxpr_marks(table: EquationTable) -> Mapping[int, LineMark]:
    """By line of the jaxpr: what the equations written there cost, with what lies inside of them."""
    return _marks(table, jaxpr_lines(table))


def source_marks(table: EquationTable, file: str) -> Mapping[int, LineMark]:
    """By line of a source file (from 0): what the line's equations cost, with what lies inside of them."""
    found = []
    for row in table.rows:
        for place in (row.place, row.library):
            if place is not None and place[0] == file:
                found.append((place[1] - 1, row))
                break
    return _marks(table, found)


def line_marks(table: EquationTable, links: StageLinks, text: TextLines) -> Mapping[int, LineMark]:
    """By line of a stage before optimization: what the equations cost that the line writes.

    An equation that takes several lines has its time at each of them, as an estimate; of a loop or a branch what lies
    inside of it is only at the lines that run it.
    """
    holds = {row.parent for row in table.rows}
    found = stage_lines(table, links)
    runs = {row.path for line, row in found if row.path in holds and _RUNS.search(text.line(line))}
    return _marks(table, [
        (line, replace(row, share=row.own) if row.path in runs and not _RUNS.search(text.line(line)) else row)
        for line, row in found
    ])  # fmt: skip


def stage_lines(table: EquationTable, links: StageLinks) -> list[tuple[int, EquationRow]]:
    """The equations with the lines of a stage before optimization that write them."""
    by_path = {row.path: row for row in table.rows}
    return [
        (line, row if len(links.rows.get(path, ())) < 2 else replace(row, estimated=True))
        for path, row in by_path.items()
        for line in links.rows.get(path, ())
    ]


def node_marks(graph: Any, ops: OpsTable | None) -> Mapping[int, LineMark]:
    """By line of the optimized HLO: the self time of its op."""
    marks: dict[int, LineMark] = {}
    shares: dict[str, float] = defaultdict(float)
    for row in ops.rows if ops is not None else ():
        if row.share is not None:
            shares[row.op] += row.share
    added = {row.op for row in ops.rows if row.added_by_xla} if ops is not None else set()
    for op, share in shares.items() if graph is not None else ():
        node = graph.node_by_id.get(op)
        if node is not None and node.line:
            foretold = ops is not None and bool(ops.predicted)
            marks[node.line - 1] = LineMark(share, foretold, kind="added" if op in added else None)
    return marks


def share_of(rows: Sequence[EquationRow], parents: Mapping[str, str | None]) -> tuple[float | None, float | None, bool]:
    """Share of some equations with what lies inside of them, without, and whether a part is estimated.

    What lies inside of another of them is in that one's share already.
    """
    here = {row.path for row in rows}
    outer = [row for row in rows if not _held(row.parent, here, parents)]
    shares = [row.share for row in outer if row.share is not None]
    if not shares:
        return None, None, False
    return sum(shares), sum(row.own for row in rows if row.own is not None), any(row.estimated for row in outer)


def _marks(table: EquationTable, lines: Iterable[tuple[int, EquationRow]]) -> dict[int, LineMark]:
    at: dict[int, list[EquationRow]] = defaultdict(list)
    for line, row in lines:
        at[line].append(row)
    parents = {row.path: row.parent for row in table.rows}
    marks = {}
    for line, rows in at.items():
        share, own, estimated = share_of(rows, parents)
        if share is not None:
            marks[line] = LineMark(share, estimated, own=own)
        elif table.exact and all(row.state == "folded" for row in rows):  # source positions alone cannot tell
            marks[line] = LineMark(kind="nothing_left")
        elif table.timed:
            marks[line] = LineMark(kind="unknown")
    return marks


def _held(path: str | None, here: set[str], parents: Mapping[str, str | None]) -> bool:
    while path is not None:
        if path in here:
            return True
        path = parents.get(path)
    return False


def continuations(lines: TextLines, starts: Iterable[int]) -> dict[int, int]:
    """Lines of a jaxpr's text that go on with an equation, and the line where it begins.

    What follows an equation's first line with a larger indentation, or closes its brackets, is its own, unless another
    equation began in between.
    """
    begins = sorted(set(starts))
    found: dict[int, int] = {}
    known = set(begins)
    open_ones: list[tuple[int, int]] = []
    for line in range(begins[0], len(lines)) if begins else ():
        text = lines.line(line)
        body = text.lstrip()
        indent = len(text) - len(body)
        closes = body.startswith(("]", ")", "}"))
        while open_ones and (indent < open_ones[-1][1] or (indent == open_ones[-1][1] and not closes)):
            open_ones.pop()
        if line in known:
            open_ones.append((line, indent))
        elif open_ones and body:
            found[line] = open_ones[-1][0]
    return found
