"""The view ``run`` as text."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from datetime import datetime

from rich.console import RenderableType
from rich.text import Text

from xlascope.report.text.tables import (
    UNKNOWN,
    Column,
    bar,
    count,
    duration,
    estimated,
    fixed_column,
    heading,
    line,
    note,
    number_column,
    place,
    place_column,
    share,
    size,
    table,
    warning,
)
from xlascope.views.run import Run


def run(answer: Run) -> Iterable[RenderableType]:
    """The view `run` as text."""
    yield line(Text(_command(answer), style="bold"), _state(answer))
    yield line(*_facts(answer))
    yield line(*_machine(answer))
    if answer.variables:
        yield line(*(f"{name}={value}" for name, value in sorted(answer.variables.items())))
    if answer.phases:
        yield from _phases(answer)
    yield Text()
    yield _windows(answer)
    yield from _losses(answer)
    if answer.exception:
        yield Text()
        yield heading("The script's traceback")
        # Not through `safe` as a whole: its lines are to stay lines.
        yield Text("\n").join(line(each) for each in answer.exception.rstrip().split("\n"))


_WHAT = {
    "start python": "until the script's first line, xlascope's own start included",
    "import jax": "with what it imports",
    "import others": "until the first function is compiled",
    "start backend": "finding plugins and devices",
    "eager ops": "tracing, lowering and compiling operations outside of jit",
    "xlascope": "recording, in the script's own threads",
    "run": "the rest: the script's own Python, what was compiled, waiting, Python's end",
    "finish": "xlascope, after the script",
}


def _phases(answer: Run) -> Iterable[RenderableType]:
    yield Text()
    if not answer.phases_add_up:
        rows = [[each.name, duration(each.ns), count(each.count)] for each in answer.phases]
        yield table([fixed_column("phase"), number_column("time"), number_column("times")], rows)
        if any(each.name == "trace" for each in answer.phases):
            yield note("Phases overlap (threads, a trace inside of another): they do not add up to the whole.")
        return
    columns = [fixed_column("phase"), number_column("time"), number_column("share"), fixed_column(""),
               number_column("times"), Column("", least=20)]  # fmt: skip
    whole = answer.wall_ns or 1
    yield table(columns, [
        [each.name, duration(each.ns), share((each.ns or 0) / whole), bar((each.ns or 0) / whole),
         "" if each.name == "run" else count(each.count), _WHAT.get(each.name, "")] for each in answer.phases
    ])  # fmt: skip
    yield note(f"Together {duration(answer.wall_ns)}, the time from start to end of the main thread.")
    if answer.imports:
        heavy = [f"{each.name} {duration(each.ns)} ({duration(each.own_ns)} of its own)" for each in answer.imports[:6]]
        yield note(f"Heaviest imports: {', '.join(heavy)}.")
    if answer.elsewhere:
        others = ", ".join(f"{each.name} {duration(each.ns)}" for each in answer.elsewhere)
        yield note(f"In other threads meanwhile: {others}.")


def _command(answer: Run) -> str:
    what = f"-m {answer.module}" if answer.module else (answer.script or UNKNOWN)
    return " ".join([what, *(shlex.quote(word) for word in answer.argv)])


def _state(answer: Run) -> str:
    wall = estimated(duration(answer.wall_ns), answer.wall_exact or answer.state == "running")
    if answer.state == "running":
        return f"running for {wall}"
    if not answer.recorded_to_end:
        return f"its recording was stopped after {wall}; what became of the script is not known"
    code = f"exit code {answer.exit_code}" if answer.exit_code is not None else "exit code unknown"
    by = f"signal {answer.signal}" if answer.signal is not None else code
    return f"{answer.state} after {wall}, {by}"


def _facts(answer: Run) -> Iterable[str | None]:
    yield f"Python {answer.python or UNKNOWN}"
    yield f"JAX {answer.jax}" if answer.jax else "JAX was not imported"
    yield "64-bit types on" if answer.x64 else None
    if answer.started_ns is not None and 0 <= answer.started_ns < 1 << 62:
        yield "begun " + datetime.fromtimestamp(answer.started_ns / 1e9).isoformat(" ", "seconds")
    yield f"file {size(answer.file_bytes)}"


def _machine(answer: Run) -> Iterable[str | None]:
    machine = answer.machine
    if machine.devices:
        kinds = sorted({str(device.get("kind") or device.get("platform") or UNKNOWN) for device in machine.devices})
        yield f"{machine.platform or UNKNOWN}: {len(machine.devices)} x {', '.join(kinds)}"
    else:
        yield "no JAX backend was started" if answer.jax else None
    yield machine.cpu
    yield f"{count(machine.cores)} cores" if machine.cores is not None else None
    yield size(machine.memory_bytes) if machine.memory_bytes is not None else None
    yield machine.os


def _windows(answer: Run) -> Text:
    if not answer.windows:
        return note("No profile window: nothing is known of time per op.")
    part = ""
    if answer.window_ns and answer.wall_ns:
        part = f", {min(answer.window_ns / answer.wall_ns, 1) * 100:.0f}% of the run"
    windows = "window" if answer.windows == 1 else "windows"
    return note(f"Profiled in {answer.windows} {windows}, {duration(answer.window_ns)} together{part}.")


def _losses(answer: Run) -> Iterable[RenderableType]:
    for dropped in answer.dropped:
        why = dropped.why or "no reason is told"
        if dropped.budget_ns is not None:
            why += f"; finishing would have taken about {duration(dropped.budget_ns)} (--finish-budget)"
        if dropped.programs:
            yield warning(f"no {dropped.what}: {', '.join(dropped.programs)}: {why}")
        else:
            yield warning(f"dropped: {count(dropped.count)} {dropped.what}: {why}")
    for failed in answer.failed:
        text = f"not measured: {failed.program or UNKNOWN} {failed.switches or ''}: {failed.error or UNKNOWN}"
        yield warning(f"{text} {failed.advice or ''}".rstrip())
    for damage in answer.damages:
        yield warning(damage)
    if answer.not_captured:
        yield Text()
        yield heading("Not captured")
        missing = answer.not_captured
        rows = [[each.name or UNKNOWN, place(each.file, each.line), each.reason or UNKNOWN] for each in missing]
        yield table([Column("what"), place_column(), Column("why", least=20)], rows)
    if answer.children:
        yield Text()
        yield heading("Child processes, which ran plain")
        rows = [[str(each.pid or UNKNOWN), each.how or UNKNOWN, shlex.join(each.argv)] for each in answer.children]
        yield table([number_column("pid"), Column("by"), Column("command", least=20)], rows)
