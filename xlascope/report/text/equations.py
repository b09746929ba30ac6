"""The view ``equations`` as text."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.text import Text

from xlascope.report.text.tables import (
    UNKNOWN,
    Column,
    bar,
    duration,
    estimated,
    fixed_column,
    heading,
    note,
    number_column,
    place,
    place_column,
    share,
    table,
)
from xlascope.views.equations import Equations, Row


def equations(answer: Equations) -> Iterable[RenderableType]:
    how = f"variant {answer.variant}" if answer.variant else "observed"
    yield heading(f"{answer.program or 'all programs'}, {how}")
    if not answer.rows:
        yield note("No equation is held.")
        return
    several = len({row.program for row in answer.rows}) > 1
    columns = [
        *([Column("program", least=10)] if several else []),
        Column("equation", least=20),
        Column("primitive", least=10),
        place_column(),
        number_column("self"),
        number_column("share"),
        fixed_column("", 3),
        number_column("with inner", 2),
        Column("instructions", least=14, spare=1),
    ]
    yield table(columns, [_row(row, several, answer.equations_exact) for row in answer.rows])
    cover = UNKNOWN if answer.equation_coverage is None else f"{answer.equation_coverage * 100:.1f}%"
    yield note(f"{cover} of {duration(answer.op_ns)} op time has an equation. ∅ folded or merged by XLA: not 0.")
    if any(row.state == "alone" for row in answer.rows):
        yield note("Each equation dispatched by itself and waited for, one call; those inside of others: not timed.")
    elif answer.equations_exact:
        yield note("~ estimated: a fusion's time is split among its equations by their operations.")
    else:
        yield note("~ estimated: instructions are matched to equations by source line and primitive.")


def _row(row: Row, several: bool, exact: bool) -> list[str | Text]:
    depth = row.path.count(".") - row.path.count("b")
    own = estimated(duration(row.self_ns), exact and not row.estimated_ns)
    if row.self_ns is None:
        own = {"folded": "∅", "inside": ""}.get(row.state, UNKNOWN)
    return [
        *([row.program or "?"] if several else []),
        " " * depth + row.path,
        row.primitive if row.state != "rest" else "no equation",
        place(row.file, row.line),
        own,
        share(row.share) if row.share is not None else ("∅" if row.state == "folded" else UNKNOWN),
        bar(row.share),
        duration(row.total_ns) if row.total_ns is not None else ("∅" if row.state == "folded" else UNKNOWN),
        " ".join(row.instructions),
    ]
