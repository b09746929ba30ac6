"""The view ``links`` as text."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType

from xlascope.report.text.tables import INFERRED, UNKNOWN, Column, heading, marked, more, note, number_column, table
from xlascope.views.links import Answer, Row


def links(answer: Answer) -> Iterable[RenderableType]:
    """The view `links` as text."""
    yield heading(f"{answer.program}{f', variant {answer.variant}' if answer.variant else ''}, {answer.stage}")
    if answer.rows:
        columns = [number_column("line"), Column("equations", least=9), Column("text", least=30, spare=3)]
        yield table(columns, [[str(row.line), _equations(row, answer.exact), row.text] for row in answer.rows])
        if answer.exact and any(row.inferred for row in answer.rows):
            yield note(f"~ {INFERRED}.")
        if any(row.added_by_xla for row in answer.rows):
            yield note("+ added by XLA, for the instruction behind it.")
        if any(row.owner is not None and not row.added_by_xla for row in answer.rows):
            yield note("() no equation: made by the compiler for the results of the instruction named.")
    if answer.note is not None:
        yield note(answer.note[0].upper() + answer.note[1:] + ".")


def _equations(row: Row, exact: bool) -> str:
    if row.equations:
        guessed = row.inferred_equations if exact else row.equations
        return marked(row.equations, guessed) + more(row.equations_left_off)
    if not row.added_by_xla:
        return f"({row.owner or UNKNOWN})"
    return f"+ {row.owner}" if row.owner is not None else "+"
