"""The table of ops: self time per call, share, where each comes from."""

from __future__ import annotations

from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.lines import bytes_text
from xlascope.tui.model import OpRow
from xlascope.tui.text.numbers import count, duration, percent
from xlascope.tui.widgets.row_table import Column, RowTable

_MOST_BARS = 10


class OpsTable(RowTable):
    """Ops of a program (or of all), the most self time first."""

    HELP = (
        "Self times of the operations XLA ran, from profile windows: what an op did itself, without what it called. "
        "`=` tells how a row's numbers were obtained. `~` before an equation: told by the flow of data or by position, "
        "not by a tag. `<` and `>` sort; `f` filters by words or by an expression as "
        "`opcode=dot & self>1ms`, `share>5% | name~fusion`, `!(line=14 | equation=4.0 | added)`, `bytes>1MiB`."
    )

    def __init__(self, *, id: str | None = None, glyphs: Glyphs = UNICODE):
        super().__init__(_columns(glyphs), row_key=key_of, sort="share", id=id, glyphs=glyphs)
        self.filter_rows = "ops"


def key_of(row: OpRow) -> tuple[object, ...]:
    """By what a row is known again; links that come later change its equations."""
    return row.program, row.op, row.device, row.apart


def _columns(glyphs: Glyphs) -> list[Column]:
    return [
        Column("op", "op", 22, lambda row: (glyphs.added if row.added_by_xla else "") + row.op, lambda row: row.op,
               grow=True, role=lambda row: "added" if row.added_by_xla else "define"),
        Column("opcode", "opcode", 14, lambda row: row.opcode, lambda row: row.opcode, role="op"),
        Column("equations", "eqns", 10, lambda row: _equations(row, glyphs), None, least=100),
        Column("line", "line", 13, _line, lambda row: (row.file or "", row.line or 0), role="dim", least=90,
               keep_end=True),
        Column("per_call", "per call", 9, lambda row: _time(row, row.per_call_ns, glyphs), lambda row: row.per_call_ns,
               right=True),
        Column("share", "share", 17, lambda row: percent(row.share), lambda row: row.self_ns,
               share=lambda row: row.share),
        Column("self", "self", 9, lambda row: _time(row, row.self_ns, glyphs), lambda row: row.self_ns, right=True,
               least=110),
        Column("device", "device", 9, lambda row: row.device, lambda row: row.device, least=100),
        Column("by_device", "by device", 10, lambda row: _by_device(row, glyphs), None, least=150),
        Column("count", "count", 7, lambda row: count(row.count), lambda row: row.count, right=True, least=70),
        Column("bytes", "bytes", 8, lambda row: bytes_text(row.bytes), lambda row: row.bytes, right=True, least=130),
    ]  # fmt: skip


def _time(row: OpRow, ns: float | None, glyphs: Glyphs) -> str:
    told = duration(ns, glyphs.micro)
    return f"{glyphs.estimated}{told}" if row.predicted and ns is not None else told


def _equations(row: OpRow, glyphs: Glyphs) -> str:
    lead = glyphs.estimated
    return " ".join(f"{lead}{path}" if not row.exact or path in row.inferred else path for path in row.equations)


def _by_device(row: OpRow, glyphs: Glyphs) -> str:
    """A bar for each device, where not too many; `=` has the numbers."""
    return glyphs.sparkline([float(ns) for _, ns in row.by_device]) if len(row.by_device) <= _MOST_BARS else ""


def _line(row: OpRow) -> str:
    return "" if row.file is None else f"{row.file.rpartition('/')[2]}:{row.line or '?'}"
