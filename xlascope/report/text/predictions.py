"""The view ``predictions`` as text."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.text import Text

from xlascope.report.text.tables import (
    UNKNOWN,
    Cell,
    Column,
    Several,
    bar,
    count,
    duration,
    estimated,
    fixed_column,
    heading,
    marked,
    note,
    number_column,
    place,
    place_column,
    share,
    size,
    table,
    warning,
)
from xlascope.views.predictions import Op, Predictions

_FEW, _NEARLY_ALL = 20, 0.9
_MOST_EQUATIONS = 4


def predictions(answer: Predictions) -> Iterable[RenderableType]:
    """The view `predictions` as text."""
    if answer.variant is None:
        yield heading(answer.program)
        yield note("Compiled for no hardware that is not there: `xlascope measure RUN --target tpu:v5e:2x4` does that; "
                   "`xlascope doctor` lists the targets.")  # fmt: skip
        return
    yield heading(f"{answer.program}, variant {answer.variant}, predicted, never executed")
    cycles = answer.by == "cycles"
    columns = [
        Column("op", least=16),
        Column("opcode", least=11, spare=2),
        number_column("predicted"),
        number_column("share"),
        fixed_column("", 4),
        number_column("times", 1),
        number_column("cycles") if cycles else fixed_column("bound by"),
        Column("eqns", least=5, spare=3),
        place_column(10),
        number_column("bytes", 5),
    ]
    shown = _worth_showing(answer.rows)
    yield table(columns, [_row(row, cycles) for row in answer.rows[:shown]])
    if shown < len(answer.rows):
        yield note(f"And {len(answer.rows) - shown} more ops: --json has all.")
    yield note(_account(answer))
    if answer.without:
        yield note(_without(answer))
    if answer.exchanges:
        yield note(f"What devices exchange is not in it: {', '.join(answer.exchanges)}.")
    if answer.unknown_loops:
        yield warning(f"turns not known, counted once: {', '.join(answer.unknown_loops)}")


def _account(answer: Predictions) -> str:
    if answer.by == "cycles":
        clock = UNKNOWN if answer.clock_ghz is None else f"{answer.clock_ghz:g} GHz"
        how = (f"the compiler's own estimate, {count(answer.cycles)} cycles at {clock}, one op after the other; times: "
               "how often a call executes it")  # fmt: skip
    else:
        how = ("each op at the device's published peak of arithmetic or of memory, one after the other: a lower "
               "bound, without any launch")  # fmt: skip
    total = f"{_predicted(answer.total_ns)} a call on one device"
    return f"{total}: {how}. + added by XLA, with the equations it is there for."


def _without(answer: Predictions) -> str:
    many = answer.without > 1
    who = f"{answer.without} ops" if many else "1 op"
    if answer.by == "cycles":
        return f"{who} {'have' if many else 'has'} no estimate, and nothing in the sum."
    what = "they compute" if many else "it computes"
    return f"Of {who} nobody knows what {what}: the sum has what is moved at least."


def _predicted(ns: int | None) -> str:
    return UNKNOWN if ns is None else estimated(duration(ns), False)


def _worth_showing(rows: tuple[Op, ...]) -> int:
    reached = 0.0
    for number, row in enumerate(rows):
        if number >= _FEW and (reached >= _NEARLY_ALL or not row.predicted_ns):
            return number
        reached += row.share or 0.0
    return len(rows)


def _row(row: Op, cycles: bool) -> list[Cell]:
    name = Text(row.op)
    if row.added_by_xla:
        name.append(" +", style="bold")
    return [
        name,
        f"{row.opcode} {row.detail}" if row.detail else row.opcode,
        _predicted(row.predicted_ns),
        share(row.share),
        bar(row.share),
        count(row.times),
        count(row.cycles) if cycles else row.bound or UNKNOWN,
        _equations(row),
        _where(row),
        size(row.bytes),
    ]


def _equations(row: Op) -> Cell:
    if not row.equations:
        return "" if row.added_by_xla else UNKNOWN
    guessed = () if row.equations_exact else row.equations
    if len(row.equations) <= _MOST_EQUATIONS:
        return marked(row.equations, guessed)
    return Several(marked(row.equations[:_MOST_EQUATIONS], guessed) + "…", marked(row.equations, guessed))


def _where(row: Op) -> Cell:
    if row.user_file is None:
        return "" if row.added_by_xla else UNKNOWN
    return place(row.user_file, row.user_line).replace(".py:", ":")
