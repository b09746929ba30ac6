"""The stages of a program as lines with margins, and the links between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from xlascope.tui.links import Links
from xlascope.tui.model import OpsTable, StageText
from xlascope.tui.text.folds import find_folds
from xlascope.tui.text.lines import TextLines
from xlascope.tui.widgets.text_pane import LineMark

if TYPE_CHECKING:
    from xlascope.tui.feed import Feed


class StageReader:
    """Reads stages through a feed; keeps the line indexes of the last few."""

    def __init__(self, feed: Feed):
        self._feed = feed
        self._lines = lru_cache(maxsize=12)(TextLines)
        self._folds = lru_cache(maxsize=12)(find_folds)

    def read(self, program: str, stage: str, variant: str | None, ops: OpsTable | None) -> StageText:
        """A stage of a program, or what is missing; without `ops` the text alone, which is quick."""
        if stage == "source":
            return self._own_source(program, ops)
        of_variant = variant if stage == "optimized" else None
        found = self._feed.query("stage", program=program, stage=stage, variant=of_variant)
        if found is None and of_variant is not None:
            found, of_variant = self._feed.query("stage", program=program, stage=stage), None
        if found is None:
            return StageText(program, variant, stage, TextLines(b""), stage, missing=f"{stage} is not captured yet")
        lines = self._lines(found.text)
        folds = self._folds(lines, "hlo" if stage == "optimized" else stage)
        links = self.links(program, of_variant) if ops is not None else Links()
        about = program + (f" · {of_variant}" if of_variant else "")
        index = found.jaxpr
        if stage == "jaxpr" and index is not None:
            timed = self._equations_alone(program, variant)
            return StageText(
                program, None, stage, lines, stage, marks=_jaxpr_marks(links, ops, timed), folds=folds,
                equations=links.row_equations, about=f"{about} · {_equations(len(index.equations))}",
            )  # fmt: skip
        if stage == "optimized":
            return StageText(program, of_variant, stage, lines, "hlo", marks=_node_marks(links, ops),
                             names=links.node_row, about=about, start=lines.find("ENTRY ", 0) or 0,
                             folds=folds)  # fmt: skip
        start = lines.find("ENTRY ", 0) or 0 if stage == "hlo" else 0
        return StageText(program, None, stage, lines, stage, about=about, start=start, folds=folds)

    def source(self, program: str, file: str, ops: OpsTable | None) -> StageText:
        """A whole source file of the user's, as it was when it ran."""
        text = self._feed.file_text(file)
        if text is None:
            return StageText(program, None, "source", TextLines(b""), "python", missing="the source was not kept")
        marks = _place_marks(self.links(program, None), file, ops) if ops is not None else {}
        return StageText(program, None, "source", self._lines(text), "python", first_number=1, marks=marks,
                         file=file, about=file.rpartition("/")[2])  # fmt: skip

    def _own_source(self, program: str, ops: OpsTable | None) -> StageText:
        info = self._feed.overview().programs.get(program)
        file = info.file if info is not None else None
        return self.source(program, file or "", ops)

    def _equations_alone(self, program: str, variant: str | None) -> dict[str, int]:
        """With jit off each top-level equation was timed by itself: nanoseconds by path."""
        if variant is None:
            return {}
        rows = [row for row in self._feed.variants(program) if row.name == variant]
        return dict(rows[-1].equation_ns) if rows else {}

    def links(self, program: str, variant: str | None) -> Links:
        """Equations, instructions, lines and places of a program (of a variant's instructions)."""
        stage = self._feed.query("stage", program=program, stage="jaxpr")
        index = stage.jaxpr if stage is not None else None
        equation_row: dict[str, int] = {}
        row_equations: dict[int, list[str]] = defaultdict(list)
        places: dict[str, tuple[str, int]] = {}
        for equation in index.equations if index is not None else ():
            if equation.text_line is not None:
                equation_row[equation.path] = equation.text_line - 1
                row_equations[equation.text_line - 1].append(equation.path)
        row_equations = _continued(row_equations)
        for equation in index.equations if index is not None else ():
            if equation.file is not None and equation.line is not None:
                places[equation.path] = equation.file, equation.line
        graph = self._feed.graph(program, variant)
        nodes = graph.nodes if graph is not None else ()
        equation_nodes: dict[str, list[str]] = defaultdict(list)
        groups: dict[str, list[str]] = defaultdict(list)
        for node in nodes:
            for path in node.equations:
                equation_nodes[path].append(node.id)
            if graph is not None:
                for group in graph.ancestors(node.id):
                    groups[group].append(node.id)
        return Links(
            equation_row,
            {row: tuple(paths) for row, paths in row_equations.items()},
            places,
            {node.id: tuple(node.equations) for node in nodes},
            {path: tuple(ids) for path, ids in equation_nodes.items()},
            {node.id: node.line - 1 for node in nodes if node.line},
            {node.line - 1: node.id for node in nodes if node.line},
            {group: tuple(ids) for group, ids in groups.items()},
        )


def equation_times(ops: OpsTable) -> dict[str, tuple[float, bool]]:
    """Share and whether it is estimated, by equation: an op of several equations counts for each in equal parts."""
    times: dict[str, float] = defaultdict(float)
    estimated: set[str] = set()
    for row in ops.rows:
        if row.share is None or not row.equations:
            continue
        for path in row.equations:
            for each in (path, *_around(path)):
                times[each] += row.share / len(row.equations)
                if len(row.equations) > 1 or not ops.exact:
                    estimated.add(each)
    return {path: (share, path in estimated) for path, share in times.items()}


def _around(path: str) -> Iterable[str]:
    parts = path.split(".")
    while len(parts) > 1:
        parts.pop()
        if parts[-1].startswith("b"):
            parts.pop()
        if parts:
            yield ".".join(parts)


def _equations(number: int) -> str:
    return f"{number} equation{'s' if number != 1 else ''}"


def _continued(rows: Mapping[int, list[str]]) -> dict[int, list[str]]:
    """The lines between two equations belong to the first: parameters are written on lines of their own."""
    found: dict[int, list[str]] = {}
    starts = sorted(rows)
    for start, stop in zip(starts, [*starts[1:], starts[-1] + 1] if starts else [], strict=True):
        found.update(dict.fromkeys(range(start, stop), rows[start]))
    return found


def _jaxpr_marks(links: Links, ops: OpsTable | None, timed: Mapping[str, int]) -> Mapping[int, LineMark]:
    times = equation_times(ops) if ops is not None and ops.rows else {}
    whole = sum(timed.values())
    if whole:
        times = {path: (ns / whole, False) for path, ns in timed.items()}
    marks = {}
    for path, row in links.equation_row.items():
        if path in times:
            share, estimated = times[path]
            marks[row] = LineMark(share, estimated)
        elif links.node_row and path not in links.equation_nodes and not _has_inner(links, path):
            marks[row] = LineMark(kind="nothing_left")
        elif times:
            marks[row] = LineMark(kind="unknown")
    return marks


def _has_inner(links: Links, path: str) -> bool:
    return any(other.startswith(path + ".") for other in links.equation_nodes)


def _node_marks(links: Links, ops: OpsTable | None) -> Mapping[int, LineMark]:
    marks: dict[int, LineMark] = {}
    shares: dict[str, float] = defaultdict(float)
    for row in ops.rows if ops is not None else ():
        if row.share is not None:
            shares[row.op] += row.share
    added = {row.op for row in ops.rows if row.added_by_xla} if ops is not None else set()
    for node, line in links.node_row.items():
        if node in shares:
            marks[line] = LineMark(shares[node], kind="added" if node in added else None)
    return marks


def _place_marks(links: Links, file: str, ops: OpsTable) -> Mapping[int, LineMark]:
    shares: dict[int, float] = defaultdict(float)
    estimated: set[int] = set()
    for row in ops.rows:
        lines = {links.equation_place[path] for path in row.equations if path in links.equation_place}
        if not lines and row.file is not None and row.line is not None:
            lines = {(row.file, row.line)}
        for where, line in lines:
            if where == file and row.share is not None:
                shares[line - 1] += row.share / len(lines)
                if len(lines) > 1 or not ops.exact:
                    estimated.add(line - 1)
    return {line: LineMark(share, line in estimated) for line, share in shares.items()}


