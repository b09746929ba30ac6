"""Storms of compiles: what was compiled again and again, for which causes, and the line to change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from xlascope.views import fields
from xlascope.views.compiler.advice import advice
from xlascope.views.compiler.changes import example, subject
from xlascope.views.compiler.leading import leading
from xlascope.views.compiler.rows import Compile
from xlascope.views.names.program_records import program_records
from xlascope.views.sources.source import RunSource

LEAST, LEAST_EAGER = 2, 3


@dataclass(frozen=True, slots=True)
class CauseCount:
    """How many of a storm's compiles have a cause, of the same argument or option; ``example``: the reason, or all that
    was seen where it differs from one to the next."""

    cause: str
    count: int
    example: str | None


@dataclass(frozen=True, slots=True)
class Storm:
    """A function compiled more than once, or those eager primitives of one of the script's functions that were.

    ``ns``: tracing, lowering and compiling together; ``again_ns``: without the first compile. ``names``: of eager
    primitives, each with its number. ``advice``: what to do, with the line; None where nothing follows from the causes.
    ``own_file``, ``own_line``: where the function is of a package, the user's line that led to most of the compiles.
    ``runs``: of all its programs together, None where unknown, then at least ``runs_at_least``.
    """

    name: str
    file: str | None
    line: int | None
    eager: bool
    compiles: int
    ns: int
    again_ns: int
    causes: tuple[CauseCount, ...]
    advice: str | None
    programs: tuple[str, ...]
    runs: int | None
    runs_exact: bool
    runs_at_least: int | None
    names: tuple[str, ...]
    own_file: str | None = None
    own_line: int | None = None


def cost(row: Compile) -> int:
    """Nanoseconds of a compile's three steps, as far as they are known."""
    return (row.trace_ns or 0) + (row.lower_ns or 0) + (row.compile_ns or 0)


def once(rows: Iterable[Compile]) -> tuple[Compile, ...]:
    """Eager primitives of which the line that dispatches them made JAX compile one only."""
    alone = [row for row in rows if row.eager and not row.body and _is_compiled(row)]
    return tuple(group[0] for group in _grouped(alone, _line) if len(group) == 1)


def storms(source: RunSource, rows: Iterable[Compile]) -> tuple[Storm, ...]:
    """The most expensive first."""
    compiled = [row for row in rows if _is_compiled(row)]
    made_with = {
        name: fields.texts(each.json, "transformations") for name, each in program_records(source).items()
    }
    functions = _grouped(
        (row for row in compiled if not row.eager),
        lambda row: (row.name, row.file, row.line, made_with.get(row.program or "", ())),
    )
    bodies = _grouped(
        (row for row in compiled if row.eager and row.body),
        lambda row: (row.name, row.file, row.line, row.own_file, row.own_line),
    )
    single = set(map(id, once(compiled)))
    alone = _grouped(
        (row for row in compiled if row.eager and not row.body and id(row) not in single),
        lambda row: (row.own_file, _function(row.own_function)),
    )
    found = [_storm(source, group) for group in functions if len(group) >= LEAST and _is_again(group)]
    found += [_storm(source, group) for group in bodies if len(group) >= LEAST]
    found += [_storm(source, group, together=True) for group in alone if len(group) >= LEAST_EAGER]
    return tuple(sorted(found, key=lambda storm: -storm.ns))


def _is_compiled(row: Compile) -> bool:
    return row.compile_ns is not None or row.lower_ns is not None


def _line(row: Compile) -> tuple[object, ...]:
    """A primitive at a line, with the line of the user's own that leads there."""
    return row.name, row.file, row.line, row.own_file, row.own_line, row.own_function


def _is_again(group: Iterable[Compile]) -> bool:
    return any(row.cause != "first" for row in list(group)[1:])


def _grouped(rows: Iterable[Compile], key: Callable[[Compile], object]) -> list[list[Compile]]:
    groups: dict[object, list[Compile]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return list(groups.values())


def _storm(source: RunSource, group: Sequence[Compile], together: bool = False) -> Storm:
    first = group[0]
    alike = sorted(_grouped(group, subject), key=len, reverse=True)
    causes = tuple(CauseCount(rows[0].cause or "unknown", len(rows), example(rows)) for rows in alike)
    names = Counter(row.name or "?" for row in group)
    places = Counter((row.own_file, row.own_line) if together else (row.file, row.line) for row in group)
    (file, line), _ = places.most_common(1)[0]
    led = Counter[tuple[str | None, int | None]]() if together else leading(group, file)
    own_file, own_line = led.most_common(1)[0][0] if led else (None, None)
    by_program = {row.program: row for row in group if row.program is not None}
    known = [row.runs for row in by_program.values()]
    least = [row.runs if row.runs_exact else row.runs_at_least for row in by_program.values()]
    return Storm(
        name=_function(first.own_function) if together else (first.name or "?").rpartition("<locals>.")[2],
        file=file,
        line=line,
        eager=first.eager,
        compiles=len(group),
        ns=sum(cost(row) for row in group),
        again_ns=sum(cost(row) for row in group[1:] if together or row.cause != "first"),
        causes=causes,
        advice=advice(source, group, together),
        programs=tuple(by_program),
        runs=None if None in known else sum(run for run in known if run is not None),
        runs_exact=bool(by_program) and all(row.runs_exact for row in by_program.values()),
        runs_at_least=sum(run for run in least if run is not None) or None,
        names=tuple(f"{name} ×{number}" if number > 1 else name for name, number in names.most_common()) if together
        else (),
        own_file=own_file,
        own_line=own_line,
    )  # fmt: skip


def _function(name: str | None) -> str:
    """Of ``step.<locals>.<listcomp>`` the function ``step``."""
    parts = [part for part in (name or "").split(".<locals>.") if not part.startswith("<")]
    return parts[-1] if parts else "the script"
