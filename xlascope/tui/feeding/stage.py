"""The stages of a program as lines with margins, and the links between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from xlascope.tui.feeding.links import Links, StageLinks, link
from xlascope.tui.feeding.margins import (
    RangeShares,
    continuations,
    jaxpr_lines,
    jaxpr_marks,
    line_marks,
    node_marks,
    source_marks,
    stage_lines,
)
from xlascope.tui.model import (
    MACHINE_STAGES,
    NO_WHOLE,
    NOT_CAPTURED,
    EquationRow,
    EquationTable,
    OpsTable,
    StageText,
    is_op_by_op,
    shown_as,
)
from xlascope.tui.text.folds import find_folds
from xlascope.tui.text.lines import TextLines

if TYPE_CHECKING:
    from xlascope.tui.feeding.feed import Feed


LINKED_BY_LINE = ("stablehlo", "hlo")
"""Stages whose lines a view links to equations, one by one."""


class StageReader:
    """Reads stages through a feed; keeps the line indexes of the last few."""

    def __init__(self, feed: Feed):
        self._feed = feed
        self._lines = lru_cache(maxsize=12)(TextLines)
        self._folds = lru_cache(maxsize=12)(find_folds)
        self._linked: tuple[tuple[EquationTable, Any, Mapping[str, StageLinks]], Links] | None = None

    def read(
        self,
        program: str,
        stage: str,
        variant: str | None,
        ops: OpsTable | None,
        table: EquationTable | None = None,
        file: str | None = None,
    ) -> StageText:
        """A stage of a program, or what is missing; without `ops` and `table` the text alone, which is quick.

        `file` is the source file that is wanted; None: the one that the program's function is in.
        """  # fmt: skip
        if stage == "source":
            return self._source(program, file, table)
        of_variant = variant if stage == "optimized" else None
        if is_op_by_op(of_variant):
            about = f"{shown_as(variant)} · {program}"
            return StageText(program, variant, stage, TextLines(b""), stage, missing=NO_WHOLE, about=about)
        found = self._feed.query("stage", program=program, stage=stage, variant=of_variant)
        if found is None and of_variant is not None:
            found, of_variant = self._feed.query("stage", program=program, stage=stage), None
        if found is None:
            missing = self._feed.no_machine_code(program) if stage in MACHINE_STAGES else None
            why = NOT_CAPTURED if self._feed.kind == "run" else "is not in this file"
            missing = missing or f"{stage} {why}"
            return StageText(program, variant, stage, TextLines(b""), stage, missing=missing)
        lines = self._lines(found.text)
        folds = self._folds(lines, "hlo" if stage == "optimized" else stage)
        of_run = stage == "optimized" and self._feed.kind == "run"
        about = f"{shown_as(of_variant)} · {program}" if of_run else program
        if stage == "jaxpr":
            info = self._feed.overview().programs.get(program)
            marks = jaxpr_marks(table) if table is not None else {}
            about += f" · {_equations(info.equations)}" if info is not None and info.equations is not None else ""
            # First, as a narrow title drops what stands behind.
            about = f"{table.doubt} · {about}" if table is not None and table.doubt else about
            shares = RangeShares(table, jaxpr_lines(table)) if table is not None else None
            return StageText(program, None, stage, lines, stage, marks=marks, about=about, folds=folds, shares=shares)
        if stage == "optimized":
            timed = table is not None and ops is not None and ops.rows
            marks = node_marks(self._feed.graph(program, of_variant), ops) if timed else {}
            return StageText(program, of_variant, stage, lines, "hlo", marks=marks, about=about,
                             start=lines.find("ENTRY ", 0) or 0, folds=folds)  # fmt: skip
        marks, shares = {}, None
        if table is not None and stage in LINKED_BY_LINE:
            links = self._feed.stage_links(program, stage)
            marks, shares = line_marks(table, links, lines), RangeShares(table, stage_lines(table, links))
        kernels = self._feed.kernels(program, stage) if stage in MACHINE_STAGES else {}
        start = lines.find("ENTRY ", 0) or 0 if stage == "hlo" else 0
        return StageText(program, None, stage, lines, stage, marks=marks, about=about, start=start, folds=folds,
                         shares=shares, kernels=kernels)  # fmt: skip

    def _source(self, program: str, file: str | None, table: EquationTable | None) -> StageText:
        """A whole source file as it was when it ran, or where that was not kept as it is on this machine."""
        if file is None:
            info = self._feed.overview().programs.get(program)
            file = (info.file if info is not None else None) or ""
        from xlascope.views.provenance.positions import is_library

        text, told = self._feed.file_text(file), ""
        if text is None and file:
            text, told = self._feed.disk_text(file), " · library" if is_library(file) else " · read from disk now"
        if text is None:
            missing = f"{file.rpartition('/')[2]}: its text was not kept" if file else "the source was not kept"
            return StageText(program, None, "source", TextLines(b""), "python", file=file or None, missing=missing)
        marks = source_marks(table, file) if table is not None else {}
        about = file.rpartition("/")[2] + told + (f" · {table.doubt}" if table is not None and table.doubt else "")
        return StageText(program, None, "source", self._lines(text), "python", first_number=1, marks=marks,
                         file=file, about=about)  # fmt: skip

    def links(
        self, program: str, variant: str | None, table: EquationTable | None, stages: Iterable[str] = ()
    ) -> Links:
        """Equations, instructions, lines and places of a program (of a variant's instructions).

        `stages`: those whose lines are to be linked too, besides the jaxpr and the optimized HLO.
        """
        if table is None:
            return Links()
        graph = self._feed.graph(program, variant)
        by_line = {stage: self._feed.stage_links(program, stage) for stage in stages if stage in LINKED_BY_LINE}
        made, known = (table, graph, by_line), self._linked
        if known is not None and known[0] == made:
            return known[1]
        stage = self._feed.query("stage", program=program, stage="jaxpr")
        starts = (row.row for row in table.rows if row.row is not None)
        continued = continuations(self._lines(stage.text), starts) if stage is not None else {}
        links = link(table, graph, continued, by_line)
        self._linked = made, links
        return links


def equation_table(answer: Any) -> EquationTable:
    """The table of what the view `equations` answers; of nothing when it does not."""
    if answer is None:
        return EquationTable()
    total = answer.op_ns
    return EquationTable(
        tuple(_equation_row(row, total) for row in answer.rows), bool(total), bool(answer.equations_exact),
        answer.exact_share,
    )  # fmt: skip


def _equation_row(row: Any, total: int | None) -> EquationRow:
    return EquationRow(
        path=row.path,
        parent=row.parent,
        primitive=row.primitive,
        share=row.total_ns / total if total and row.total_ns is not None else None,
        own=row.self_ns / total if total and row.self_ns is not None else None,
        estimated=row.estimated,
        state=row.state,
        place=_place(row.user_file, row.user_line),
        library=_place(row.library_file, row.library_line),
        row=row.text_line - 1 if row.text_line is not None else None,
        inferred=frozenset(row.inferred),
    )


def _place(file: str | None, line: int | None) -> tuple[str, int] | None:
    return None if file is None or line is None else (file, line)


def _equations(number: int) -> str:
    return f"{number} equation{'s' if number != 1 else ''}"
