"""View ``compiles``: every compilation, eager primitives included."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from xlascope.views import fields
from xlascope.views.compiler.pass_store import pass_sequence
from xlascope.views.compiler.records import passes_record
from xlascope.views.compiler.rows import Compile, Difference
from xlascope.views.compiler.storms import Storm, storms
from xlascope.views.names.program_choice import choose
from xlascope.views.names.program_records import is_eager, program_records
from xlascope.views.sources.source import RunSource
from xlascope.views.times.heat import heat

PASSES = 20


@dataclass(frozen=True, slots=True)
class PassTime:
    """A pass of XLA over a whole compile. ``ns``: its own time in all its turns, ``count``."""

    name: str
    ns: int
    count: int


@dataclass(frozen=True, slots=True)
class Compiles:
    """Oldest first; ``storms``: what was compiled again and again, the most expensive first.

    ``passes``: of one program that was asked for, the passes that took longest in a compile of its own; empty while
    they are not collected. ``passes_ns``: of all passes together, ``passes_compile_ns``: of that compile.
    """

    compiles: tuple[Compile, ...]
    storms: tuple[Storm, ...] = ()
    passes: tuple[PassTime, ...] = ()
    passes_ns: int | None = None
    passes_compile_ns: int | None = None
    program: str | None = None


def query(source: RunSource, program: str | None = None) -> Compiles:
    """All compilations of a run, or those of one program."""
    answer = source.memo("compiles", lambda: _compiles(source))
    if program is None:
        return answer
    name = choose(source, program)
    rows = tuple(row for row in answer.compiles if row.program == name)
    passes, passes_ns, compile_ns = _passes(source, name)
    return Compiles(rows, storms(source, rows), passes, passes_ns, compile_ns, name)


def _passes(source: RunSource, program: str) -> tuple[tuple[PassTime, ...], int | None, int | None]:
    """The passes of a program that took longest, if they are collected, all together, and the compile's whole time."""
    sequence, record = pass_sequence(source, program), passes_record(source, program, None)
    if sequence is None or record is None:
        return (), None, None
    sums: dict[str, tuple[int, int]] = {}
    for each in sequence.passes:
        if each.duration_ns is not None and each.name is not None:
            ns, number = sums.get(each.name, (0, 0))
            sums[each.name] = ns + each.duration_ns, number + 1
    longest = sorted(sums.items(), key=lambda item: -item[1][0])[:PASSES]
    times = tuple(PassTime(name, ns, number) for name, (ns, number) in longest)
    return times, sum(ns for ns, _ in sums.values()), fields.integer(record.json, "compile_ns")


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
        seen = counts.get(key, (None, False)) if eager and key not in told else (None, False)
        if seen[1] or (runs is None and seen[0] is not None and seen[0] > (least or 0)):
            # Several compilations of one line share the count of the line: the first row carries it.
            (runs, exact), most = seen, None
        if eager:
            told.add(key)
        rows.append(_row(body, runs, exact, program, eager, record.t_ns, least, most))
    for key, (runs, exact) in counts.items():
        if key not in told:
            name, file, line = key
            rows.append(_row({"name": name, "file": file, "line": line}, runs, exact, None, True, None, None, None))
    shared = Counter(row.program for row in rows if row.program is not None)
    own = {name for name, record in program_records(source).items() if not is_eager(record)}
    rows = [
        replace(row, of_program=shared[row.program], is_program=row.program in own) if row.program is not None else row
        for row in rows
    ]
    return Compiles(tuple(rows), storms(source, rows))


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
    own = own_place(body)
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
        cause=fields.text(body, "cause"),
        difference=tuple(_difference(each) for each in fields.mappings(body, "difference")),
        against=fields.text(body, "against"),
        call_file=fields.text(body, "call_file"),
        call_line=fields.integer(body, "call_line"),
        call_function=fields.text(body, "call_function"),
        made_file=fields.text(body, "made_file"),
        made_line=fields.integer(body, "made_line"),
        made_function=fields.text(body, "made_function"),
        own_file=own[0],
        own_line=own[1],
        own_function=fields.text(body, "own_function"),
        entry_file=fields.text(body, "entry_file"),
        entry_line=fields.integer(body, "entry_line"),
        entry_function=fields.text(body, "entry_function"),
        retrieval_ns=fields.integer(body, "retrieval_ns"),
        body=fields.boolean(body, "body") is True,
    )


def own_place(body: dict[str, Any]) -> tuple[str | None, int | None]:
    """The line of the user's own that leads to a compile; of a record that does not tell it, the nearest it has."""
    for kind in ("own_", "call_", ""):
        if (file := fields.text(body, f"{kind}file")) is not None:
            return file, fields.integer(body, f"{kind}line")
    return None, None


def _difference(body: dict[str, Any]) -> Difference:
    name, before, after = (fields.text(body, key) for key in ("name", "before", "after"))
    return Difference(fields.text(body, "part") or "?", name, before, after)
