"""The views ``functions``, ``programs`` and ``compiles`` as text."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.text import Text

from xlascope.report.text.tables import (
    UNKNOWN,
    Column,
    bar,
    count,
    duration,
    fixed_column,
    note,
    number_column,
    place,
    place_column,
    share,
    table,
    warning,
)
from xlascope.views.compiles import Compile, Compiles
from xlascope.views.functions import Function, Functions
from xlascope.views.programs import Program, Programs


def functions(answer: Functions) -> Iterable[RenderableType]:
    if not answer.functions:
        yield note("No function was compiled. `show PATH run` tells what happened, `compiles` lists eager primitives.")
        return
    columns = [
        Column("function", least=16),
        place_column(12),
        number_column("calls"),
        number_column("device time"),
        number_column("share"),
        fixed_column("", 3),
        number_column("per call"),
        number_column("compile", 1),
        Column("programs", least=6, spare=2),
    ]
    yield table(columns, [_function(each) for each in answer.functions])
    if answer.observed_ns is None:
        yield note("Nothing was profiled: device times are unknown.")
        return
    eager = answer.eager_ns or 0
    if answer.observed_ns:
        rest = f"; {duration(eager)} ({share(eager / answer.observed_ns)}) of it is no function's (eager primitives)"
        total = f"Device time as seen in the profile windows, {duration(answer.observed_ns)} in all"
        yield note(f"{total}{rest if eager else ''}.")
    if any(not each.calls_exact and each.calls is not None for each in answer.functions):
        yield note("~ estimated: the windows did not cover every call.")


def _function(row: Function) -> list[str | Text]:
    name = Text(row.name)
    if row.library:
        name.append(" (JAX's own)", style="dim")
    per_call = row.device_ns / row.calls_seen if row.device_ns is not None and row.calls_seen else None
    return [
        name,
        place(row.file, row.line),
        count(row.calls, row.calls_exact),
        duration(row.device_ns),
        share(row.share),
        bar(row.share),
        duration(per_call),
        duration(row.compile_ns),
        _names(row.programs),
    ]


def _names(programs: tuple[str, ...], most: int = 4) -> str:
    numbers = ["#" + name.rpartition("#")[2] for name in programs]
    rest = len(numbers) - most
    return " ".join(numbers[:most]) + (f" +{rest} more" if rest > 0 else "")


def programs(answer: Programs) -> Iterable[RenderableType]:
    own = [each for each in answer.programs if each.kind != "eager"]
    if not own:
        yield note("No program was traced.")
    columns = [
        Column("program", least=12),
        Column("signature", least=20),
        number_column("calls"),
        number_column("device time"),
        number_column("eqns", 1),
        fixed_column("args", 2),
        number_column("devices", 4),
        Column("captured", least=14, spare=3),
        Column("variants", least=8),
    ]
    if own:
        yield table(columns, [_program(each) for each in own])
    if len(own) < len(answer.programs):
        yield note(f"And {len(answer.programs) - len(own)} eager primitives: see `compiles`.")
    for each in own:
        if each.callbacks or each.ordered:
            ordered = "has ordered effects: it is not executed again without consent"
            yield warning(f"{each.id} {ordered if each.ordered else 'calls back into Python'}")


def _program(row: Program) -> list[str | Text]:
    return [
        row.id,
        row.signature or UNKNOWN,
        count(row.calls, row.calls_exact),
        duration(row.device_ns),
        count(row.equations),
        row.args,
        count(row.device_count),
        " ".join(row.stages) or "∅",
        ", ".join(row.variants) or "∅",
    ]


def compiles(answer: Compiles) -> Iterable[RenderableType]:
    if not answer.compiles:
        yield note("Nothing was compiled.")
        return
    columns = [
        Column("what", least=14),
        place_column(12),
        fixed_column("how", 2),
        number_column("trace", 4),
        number_column("lower", 3),
        number_column("compile"),
        number_column("runs"),
        fixed_column("cache", 5),
        Column("why", least=20),
    ]
    yield table(columns, [_compile(each) for each in answer.compiles])
    seen = [each for each in answer.compiles if each.compile_ns is not None]
    eager = [each for each in seen if each.eager]
    total = sum(each.compile_ns or 0 for each in seen)
    yield note(
        f"{len(seen)} compilations, {duration(total)}; {len(eager)} of them eager primitives, "
        f"{duration(sum(each.compile_ns or 0 for each in eager))}."
    )


def _compile(row: Compile) -> list[str | Text]:
    return [
        row.program or row.name or UNKNOWN,
        place(row.file, row.line),
        "eager" if row.eager else "jit",
        duration(row.trace_ns),
        duration(row.lower_ns),
        duration(row.compile_ns),
        count(row.runs, row.runs_exact),
        row.cache or UNKNOWN,
        row.reason or UNKNOWN,
    ]
