"""The view ``machine`` as text."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.text import Text

from xlascope.report.text.tables import (
    UNKNOWN,
    Column,
    duration,
    heading,
    note,
    number_column,
    share,
    table,
)
from xlascope.views.machine import Machine, Row, Without


def machine(answer: Machine) -> Iterable[RenderableType]:
    """The view `machine` as text."""
    on = f", {answer.architecture}" if answer.architecture else ""
    yield heading(f"{answer.program}{f', variant {answer.variant}' if answer.variant else ''}: machine code{on}")
    if answer.rows:
        columns = [
            Column("kernel", least=24),
            Column("equations", least=7),
            number_column("self"),
            number_column("share", 5),
            number_column("bits"),
            number_column("instr"),
            number_column("vector"),
            number_column("scalar"),
            number_column("fma"),
            number_column("loads", 1),
            number_column("stores", 1),
            number_column("branch", 3),
            number_column("calls", 2),
            number_column("bytes", 4),
        ]
        yield table(columns, [_row(row) for row in answer.rows])
    if answer.without:
        yield heading("No kernel of its own")
        columns = [
            Column("instruction", least=16, spare=2),
            Column("equations", least=9),
            number_column("self"),
            number_column("share"),
            Column("why", least=20),
        ]
        yield table(columns, [_without(each) for each in answer.without])
    if answer.note is not None:
        yield note(answer.note[0].upper() + answer.note[1:] + ".")
    if any(row.also for row in answer.rows):
        yield note("×n: fusions that compute the same and share the kernel.")
    if any(row.mix is not None for row in answer.rows):
        yield note("bits: vector registers of floating-point arithmetic; (integer): those of other work, where wider.")


def _row(row: Row) -> list[str | Text]:
    name = row.symbol
    if row.instruction is not None and row.instruction != row.symbol.removesuffix("_kernel"):
        name = f"{row.symbol} (of {row.instruction})"
    if row.also:
        name = f"{name} ×{1 + len(row.also)}"
    mix = row.mix
    counts = [UNKNOWN] * 7
    if mix is not None:
        counts = [str(each) for each in (
            mix.vector, mix.scalar, mix.fma, mix.loads, mix.stores, mix.branches, mix.calls)]  # fmt: skip
    return [
        name,
        " ".join(row.equations),
        duration(row.self_ns) if row.self_ns is not None else "",
        share(row.share) if row.share is not None else "",
        UNKNOWN if mix is None else _bits(row),
        UNKNOWN if row.instructions is None else str(row.instructions),
        *counts,
        UNKNOWN if row.bytes is None else str(row.bytes),
    ]


def _bits(row: Row) -> str:
    """``256 (512 integer)``: what floats are computed with, and what else is wider; - nothing works on several."""
    if row.vector_bits is None:
        return "-"
    wider = row.widest_bits is not None and row.widest_bits > row.vector_bits
    return f"{row.vector_bits} ({row.widest_bits} integer)" if wider else str(row.vector_bits)


def _without(each: Without) -> list[str | Text]:
    return [
        each.instruction,
        " ".join(each.equations),
        duration(each.self_ns) if each.self_ns is not None else "",
        share(each.share) if each.share is not None else "",
        each.why,
    ]
