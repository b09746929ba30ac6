"""View ``compiles``: every compilation, eager primitives included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xlascope.views import fields
from xlascope.views.choice import choose
from xlascope.views.heat import heat
from xlascope.views.source import RunSource


@dataclass(frozen=True, slots=True)
class Compile:
    """``runs``: how often what was compiled ran; an estimate unless ``runs_exact``; None: unknown, but
    ``runs_at_least``. ``runs_at_most``: as ``calls_at_most`` of functions. ``eager``: a primitive by
    itself.

    A row with ``compile_ns`` None and ``eager`` true is a primitive whose compilation was not seen.
    """

    name: str | None
    file: str | None
    line: int | None
    reason: str | None
    trace_ns: int | None
    lower_ns: int | None
    compile_ns: int | None
    runs: int | None
    runs_exact: bool
    program: str | None
    eager: bool
    cache: str | None
    t_ns: int | None
    runs_at_least: int | None
    runs_at_most: int | None = None


@dataclass(frozen=True, slots=True)
class Compiles:
    """Oldest first."""

    compiles: tuple[Compile, ...]


def query(source: RunSource, program: str | None = None) -> Compiles:
    """All compilations of a run, or those of one program."""
    answer = source.memo("compiles", lambda: _compiles(source))
    if program is None:
        return answer
    name = choose(source, program)
    return Compiles(tuple(row for row in answer.compiles if row.program == name))


def _compiles(source: RunSource) -> Compiles:
    counts = _eager_counts(source)
    warmth = heat(source)
    told: set[Any] = set()
    rows = []
    for record in source.records("compile"):
        body = record.json
        program = record.program or fields.text(body, "program")
        eager = fields.boolean(body, "eager") is True
        runs, exact, least, most = None, False, None, None
        if program is not None and program in warmth:
            runs, exact = warmth[program].calls, warmth[program].calls_exact
            least, most = warmth[program].calls_at_least, warmth[program].calls_at_most
        key = _place(body)
        if eager and key not in told and key in counts and (runs is None or counts[key][1]):
            # Several compilations of one line share the count of the line: the first row carries it.
            (runs, exact), most = counts[key], None
        if eager:
            told.add(key)
        rows.append(_row(body, runs, exact, program, eager, record.t_ns, least, most))
    for key, (runs, exact) in counts.items():
        if key not in told:
            name, file, line = key
            rows.append(_row({"name": name, "file": file, "line": line}, runs, exact, None, True, None, None, None))
    return Compiles(tuple(rows))


def _place(body: dict[str, Any]) -> tuple[str | None, str | None, int | None]:
    return fields.text(body, "name"), fields.text(body, "file"), fields.integer(body, "line")


def _eager_counts(source: RunSource) -> dict[tuple[str | None, str | None, int | None], tuple[int | None, bool]]:
    """How often each primitive was dispatched by itself on each line; the newest record counts."""
    return {
        _place(record.json): (fields.integer(record.json, "count"), fields.boolean(record.json, "exact") is True)
        for record in source.records("eager")
    }


def _row(
    body: dict[str, Any], runs: int | None, exact: bool, program: str | None, eager: bool, t_ns: int | None,
    least: int | None, most: int | None,
) -> Compile:
    return Compile(
        *_place(body),
        reason=fields.text(body, "reason"),
        trace_ns=fields.integer(body, "trace_ns"),
        lower_ns=fields.integer(body, "lower_ns"),
        compile_ns=fields.integer(body, "compile_ns"),
        runs=runs,
        runs_exact=exact,
        program=program,
        eager=eager,
        cache=fields.text(body, "cache"),
        t_ns=t_ns,
        runs_at_least=least,
        runs_at_most=most,
    )
