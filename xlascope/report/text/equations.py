"""The view ``equations`` as text."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.text import Text

from xlascope.report.text.tables import (
    INFERRED,
    UNKNOWN,
    Column,
    bar,
    duration,
    estimated,
    fixed_column,
    heading,
    marked,
    more,
    note,
    number_column,
    place,
    place_column,
    share,
    table,
)
from xlascope.views.equations import Equations, Row, is_estimated


def equations(answer: Equations) -> Iterable[RenderableType]:
    """The view `equations` as text."""
    how = f"variant {answer.variant}" if answer.variant else "observed"
    doubt = "" if answer.equations_exact or not answer.rows else ", approximate: linked by source line"
    yield heading(f"{answer.program or 'all programs'}, {how}{doubt}")
    if not answer.rows:
        yield note("No equation is held.")
        return
    several = len({row.program for row in answer.rows}) > 1
    library = any(map(_library, answer.rows))
    columns = [
        *([Column("program", least=10)] if several else []),
        Column("equation", least=20),
        Column("primitive", least=10),
        place_column(),
        *([Column("library", "left", 12, 3, keep_end=True)] if library else []),
        number_column("self"),
        number_column("with inner", 2),
        number_column("share"),
        fixed_column("", 3),
        Column("instructions", least=14, spare=1),
    ]
    exact = answer.equations_exact
    rows = [_row(row, several, library, exact or row.state == "eager", answer.op_ns) for row in answer.rows]
    yield table(columns, rows)
    cover = UNKNOWN if answer.equation_coverage is None else f"{answer.equation_coverage * 100:.1f}%"
    if any(row.state == "alone" for row in answer.rows):
        yield note(f"Share: of the {duration(answer.op_ns)} that all together took. Each equation dispatched by itself "
                   "and waited for, one call; those inside of others: not timed.")  # fmt: skip
        return
    yield note(f"{cover} of {duration(answer.op_ns)} op time has an equation. ∅ folded or merged by XLA: not 0.")
    yield from (note(f"? in a loop: {each}.") for each in answer.notes)
    yield note(f"Share: of all op time, with inner.{_certainty(answer)}")
    if answer.equations_exact:
        yield note("~ estimated: a fusion's time is split among its equations by what such operations usually take.")
        if any(row.inferred for row in answer.rows):
            yield note(f"~ before an instruction: {INFERRED}.")
    else:
        yield note(
            "~ estimated: instructions are matched to equations by source line and primitive. Exact links are made "
            "without --no-collect, where the run holds what they need; times of equations change with them."
        )


def _certainty(answer: Equations) -> str:
    """How much of the op time that has an equation is exact."""
    part = answer.exact_share
    if part is None:
        return ""
    return f" {share(part)} of the op time of equations is exact, {share(1 - part)} estimated."


def _library(row: Row) -> str:
    """The place that XLA's metadata names, where it is not the user's own line."""
    other = row.user_file is not None and (row.file, row.line) != (row.user_file, row.user_line)
    return place(row.file, row.line) if other and row.file is not None else ""


def _row(row: Row, several: bool, library: bool, exact: bool, op_ns: int | None) -> list[str | Text]:
    depth = row.path.count(".") - row.path.count("b")
    own = estimated(duration(row.self_ns), not is_estimated(row, exact))
    guessed = row.estimated or (row.total_ns is not None and not exact)
    nothing = "∅" if row.state == "folded" else UNKNOWN
    part = row.total_ns / op_ns if row.total_ns is not None and op_ns else row.share
    if row.self_ns is None:
        own = {"folded": "∅", "inside": ""}.get(row.state, UNKNOWN)
    return [
        *([row.program or "?"] if several else []),
        " " * depth + row.path,
        row.primitive if row.state != "rest" else "no equation",
        place(row.user_file, row.user_line) if row.user_file is not None else place(row.file, row.line),
        *([_library(row)] if library else []),
        own,
        estimated(duration(row.total_ns), not guessed) if row.total_ns is not None else nothing,
        ("~<1%" if guessed and not part else estimated(share(part), not guessed)) if part is not None else nothing,
        bar(part),
        marked(row.instructions, row.inferred if exact else row.instructions) + more(row.instructions_left_off),
    ]
