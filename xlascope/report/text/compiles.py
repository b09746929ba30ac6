"""The view ``compiles`` as text."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.text import Text

from xlascope.report.text.programs import calls
from xlascope.report.text.tables import (
    UNKNOWN,
    Column,
    count,
    duration,
    fixed_column,
    heading,
    line,
    note,
    number_column,
    place,
    place_column,
    table,
)
from xlascope.views.compiler.rows import Compile
from xlascope.views.compiler.storms import Storm, cost, once
from xlascope.views.compiles import Compiles

STORMS = 10


def compiles(answer: Compiles) -> Iterable[RenderableType]:
    """What was compiled again and again, then each compile; of one program the time by pass too."""
    if not answer.compiles:
        yield note("Nothing was compiled.")
        return
    yield from _storms(answer.storms)
    library = any(map(_library, answer.compiles))
    columns = [
        Column("what", least=14),
        place_column(12),
        *([Column("library", "left", 12, 4, keep_end=True)] if library else []),
        fixed_column("how", 2),
        number_column("trace", 4),
        number_column("lower", 3),
        number_column("compile"),
        number_column("runs"),
        fixed_column("cache", 5),
        Column("why", least=20),
    ]
    yield table(columns, [_compile(each, library) for each in answer.compiles])
    yield from _notes(answer)
    yield from _passes(answer)


def _storms(storms: tuple[Storm, ...]) -> Iterable[RenderableType]:
    if not storms:
        return
    yield heading("Compiled again and again")
    for storm in storms[:STORMS]:
        yield line(Text(storm_says(storm)))
        if storm.advice is not None:
            yield line(Text(f"    → {storm.advice}", style="bold"))
    if len(storms) > STORMS:
        rest = storms[STORMS:]
        yield note(f"And {len(rest)} more, {duration(sum(each.ns for each in rest))} together.")
    yield Text()


def storm_says(storm: Storm) -> str:
    """``train_step train.py:12 compiled 37 times, 4.1 s with tracing and lowering; 36 × argument …``; of a package's
    function with the user's line in front: ``train.py:40 → minimize.py:4``."""
    where = place(storm.file, storm.line)
    if storm.own_line is not None:
        where = f"{place(storm.own_file, storm.own_line)} → {where}"
    what = f"eager operations in {storm.name}" if storm.names else storm.name
    if storm.eager and not storm.names:
        what += " (outside of jit)"
    said = f"{what}  {where}  compiled {count(storm.compiles)} times, {duration(storm.ns)} with tracing and lowering"
    runs = calls(storm.runs, storm.runs_exact, storm.runs_at_least)
    if runs != UNKNOWN and not storm.eager:
        said += f", for {runs} {'run' if storm.runs == 1 else 'runs'}"
    if storm.names:
        more = f", {len(storm.names) - 6} more" if len(storm.names) > 6 else ""
        return f"{said}: {', '.join(storm.names[:6])}{more}"
    causes = [each for each in storm.causes if each.cause != "first"]
    reasons = "; ".join(f"{each.count} × {_cut(each.example or UNKNOWN)}" for each in causes[:3])
    rest = sum(each.count for each in causes[3:])
    return f"{said}; {reasons}{f'; {rest} for other causes' if rest else ''}" if reasons else said


def _notes(answer: Compiles) -> Iterable[RenderableType]:
    seen = [each for each in answer.compiles if each.compile_ns is not None]
    eager = [each for each in seen if each.eager and not each.is_program]
    outside = sum(each.eager and each.is_program for each in seen)
    others = f"; {count(outside)} of programs called outside of jit" if outside else ""
    total = sum(each.compile_ns or 0 for each in seen)
    yield note(
        f"{len(seen)} compilations, {duration(total)}, with tracing and lowering {duration(sum(map(cost, seen)))}; "
        f"{len(eager)} of them eager primitives, {duration(sum(each.compile_ns or 0 for each in eager))}{others}."
    )
    if answer.program is None and (single := once(answer.compiles)):
        what = "1 eager operation, compiled once" if len(single) == 1 else (
            f"{count(len(single))} eager operations, each compiled once for its line"
        )  # fmt: skip
        yield note(f"{what}, {duration(sum(map(cost, single)))} with tracing and lowering.")
    if any(each.of_program > 1 for each in seen):
        yield note("runs /n: of all n compiles of the same program together.")
    hits = [each for each in seen if each.cache == "hit"]
    if hits:
        took = [each.retrieval_ns for each in hits if each.retrieval_ns is not None]
        read = f", {duration(sum(took))} of their time to read it" if took else ""
        yield note(f"{len(hits)} were found in JAX's persistent compilation cache{read}.")


def _library(row: Compile) -> str:
    """Where an operation is called, where that is not the user's own line that leads there."""
    other = row.eager and row.own_file is not None and (row.file, row.line) != (row.own_file, row.own_line)
    return place(row.file, row.line) if other and row.file is not None else ""


def _compile(row: Compile, library: bool) -> list[str | Text]:
    runs = calls(row.runs, row.runs_exact, row.runs_at_least, row.runs_at_most)
    return [
        row.program or row.name or UNKNOWN,
        place(row.own_file, row.own_line) if _library(row) else place(row.file, row.line),
        *([_library(row)] if library else []),
        ("control flow" if row.is_program else "eager") if row.eager else "jit",
        duration(row.trace_ns),
        duration(row.lower_ns),
        duration(row.compile_ns),
        f"{runs} /{row.of_program}" if row.of_program > 1 and runs != UNKNOWN else runs,
        row.cache or UNKNOWN,
        row.reason or UNKNOWN,
    ]


def _passes(answer: Compiles) -> Iterable[RenderableType]:
    if answer.program is None:
        yield note("--program P: one program's compiles, with the time of XLA's passes.")
        return
    if not answer.passes:
        yield note(f"Its time by pass is not known; `show RUN passes --program {answer.program}` collects it.")
        return
    yield Text()
    yield heading(f"Where a compile of {answer.program} goes, by pass")
    rows = [[each.name, count(each.count), duration(each.ns)] for each in answer.passes]
    yield table([Column("pass", least=20), number_column("turns"), number_column("time")], rows)
    whole = f" of {duration(answer.passes_compile_ns)}" if answer.passes_compile_ns is not None else ""
    yield note(
        f"Measured in a compile of its own{whole}, in a lab: all passes {duration(answer.passes_ns)}, the rest is what "
        "comes after them (on CPU mostly LLVM's code generation) and the writing of snapshots."
    )


def _cut(reason: str, most: int = 160) -> str:
    return reason if len(reason) <= most else reason[: most - 1] + "…"
