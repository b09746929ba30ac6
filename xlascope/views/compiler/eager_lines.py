"""The lines whose operations JAX dispatches by themselves: how often, for how long, and what to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xlascope.views import fields
from xlascope.views.compiler.advice import advice, runs_once
from xlascope.views.compiler.rows import Compile
from xlascope.views.names.program_records import is_eager, program_records
from xlascope.views.sources.source import RunSource
from xlascope.views.times.heat import Heat, heat

MOST = 10
_ADVISED = 100
"""Dispatches of a line from which on it is worth a jit."""


@dataclass(frozen=True, slots=True)
class EagerLine:
    """A line that was the first to dispatch some operations by themselves; JAX tells no line of later dispatches.

    ``names`` of the operations; ``runs_at_least``: how often they were dispatched, together. ``ns``: their device time
    in the whole run, at the least where not all calls are known; None where no window saw them. ``once``: the text says
    that the line ran once, so of its operations one dispatch each is counted here. ``line`` None: dispatches of such
    operations by lines that nothing tells. ``advice``: what to change, with the line.
    """

    file: str | None
    line: int | None
    names: tuple[str, ...]
    runs_at_least: int | None
    ns: int | None
    once: bool
    advice: str | None


def eager_lines(source: RunSource, rows: Sequence[Compile]) -> tuple[EagerLine, ...]:
    """Those with the most time first, then those with the most dispatches; of very many only these."""
    groups: dict[tuple[str | None, int | None], list[Compile]] = {}
    records = program_records(source)
    for row in rows:
        record = records.get(row.program or "")
        if row.eager and (record is None or is_eager(record)):
            groups.setdefault(_place(row), []).append(row)
    warmth = heat(source)
    made, others = [], []
    for (file, line), group in groups.items():
        held = {row.program: warmth[row.program] for row in group if row.program is not None}
        once = runs_once(source, file, line)
        made.append(_line(source, file, line, group, held, once))
        if once:
            others += [(name, each) for name, each in held.items() if (each.calls_at_least or 0) > 1]
    if others:
        made.append(_elsewhere(others))
    made.sort(key=lambda each: (-(each.ns or 0), -(each.runs_at_least or 0)))
    return tuple(made[:MOST])


def _place(row: Compile) -> tuple[str | None, int | None]:
    """The user's own line that led there, else the one that called."""
    return (row.own_file, row.own_line) if row.own_line is not None else (row.file, row.line)


def _line(
    source: RunSource, file: str | None, line: int | None, group: Sequence[Compile], held: dict[str, Heat], once: bool
) -> EagerLine:
    runs = [min(each.calls_at_least or 1, 1) if once else each.calls_at_least for each in held.values()]
    # Of a line that is in no program's record, what the hook saw of it.
    runs += [row.runs for row in group if row.program is None]
    number = fields.plus(runs)
    ns = fields.plus([_of_one_call(each) if once else each.at_least_ns for each in held.values()])
    worth = not once and number is not None and number >= _ADVISED
    names = tuple(dict.fromkeys(row.name or "?" for row in group))
    return EagerLine(file, line, names, number, ns, once, advice(source, group, together=True) if worth else None)


def _of_one_call(heat: Heat) -> int | None:
    return heat.per_call.ns if heat.per_call is not None else heat.device_ns


def _elsewhere(others: Sequence[tuple[str, Heat]]) -> EagerLine:
    """What operations took that a line which ran once was only the first to dispatch."""
    runs = fields.plus([(each.calls_at_least or 1) - 1 for _, each in others])
    ns = fields.plus(
        [(each.at_least_ns or 0) - (_of_one_call(each) or 0) for _, each in others if each.at_least_ns is not None]
    )
    return EagerLine(None, None, tuple(name.rpartition("#")[0] for name, _ in others), runs, ns, False, None)
