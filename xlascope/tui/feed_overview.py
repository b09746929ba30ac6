"""The run as a whole, made of what the views answer: header, functions, programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from xlascope.tui.model import OpsTable, Overview, ProgramInfo
from xlascope.tui.text.numbers import count, size
from xlascope.tui.widgets.functions import FunctionItem, ProgramItem

_INTERRUPTED = 130  # the exit code of a script that a Ctrl-C ended: the user's doing, no crash


def program_infos(answer: Any, modules: Iterable[Any]) -> dict[str, ProgramInfo]:
    """By id; where there is no view of programs, the modules of a file."""
    if answer is None:
        return {module.id: ProgramInfo(module.id, module.name) for module in modules}
    return {
        row.id: ProgramInfo(
            row.id, row.function or row.id, row.file, row.line, row.equations, row.calls, row.calls_exact, row.args
        )
        for row in answer.programs
        if row.kind != "eager"
    }


def run_overview(run: Any, programs: dict[str, ProgramInfo], rows: Any, functions: Any, compiles: Any) -> Overview:
    """From the answers of the views `run`, `programs`, `functions` and `compiles`."""
    made = compiles.compiles if compiles is not None else ()
    state = run.state
    if state == "ended" and run.exit_code not in (0, None, _INTERRUPTED) and run.exception:
        state = "crashed"
    devices = run.machine.devices
    return Overview(
        script=" ".join([_short(run.script or run.module or "?"), *run.argv]),
        state=state,
        exit_code=run.exit_code,
        wall_ns=run.wall_ns,
        started_ns=run.started_ns,
        facts=_facts(run),
        phases=tuple((phase.name, phase.ns) for phase in run.phases if phase.ns is not None),
        functions=_functions(functions, programs, rows, made),
        programs=programs,
        compiles=sum(not row.eager for row in made),
        eager=sum(row.eager for row in made),
        exception=run.exception,
        jax=run.jax,
        trouble=_trouble(run),
        devices=len(devices) if devices else None,
    )


def file_overview(name: str, kind: str, programs: dict[str, ProgramInfo], ops: OpsTable | None) -> Overview:
    """Of a file that is no run: its modules, those of a profile the most self time first."""
    items = tuple(FunctionItem(each.function, "", (ProgramItem(each.id, each.id),)) for each in programs.values())
    if ops is not None:
        shares: dict[str, float] = {}
        for row in ops.rows:
            shares[row.program or "?"] = shares.get(row.program or "?", 0.0) + (row.share or 0.0)
        ordered = sorted(shares.items(), key=lambda item: -item[1])
        items = tuple(FunctionItem(module, "", share=share) for module, share in ordered)
    said = {"profile": "a profile", "hlo": "HLO text", "dump": "an XLA dump folder"}
    return Overview(
        script=name, state="file", functions=items, programs=programs, facts=(said.get(kind, kind),), kind=kind
    )


def _functions(
    found: Any, programs: Mapping[str, ProgramInfo], rows: Any, compiles: Iterable[Any]
) -> tuple[FunctionItem, ...]:
    signatures = {row.id: row.signature for row in rows.programs}
    items = []
    for row in found.functions:
        ids = [each for each in row.programs if each in programs]
        again = len(ids) >= 5
        items.append(
            FunctionItem(
                row.name,
                _where(row.file, row.line),
                tuple(_program_item(programs[each], signatures.get(each)) for each in ids),
                row.share,
                False,
                f"{_calls(row.calls, row.calls_exact)} call{'' if row.calls == 1 else 's'}"
                if row.calls is not None
                else "",
                again,
            )
        )
    items += _eager_item(compiles, found)
    return tuple(items)


def _short(script: str) -> str:
    return script.rpartition("/")[2]


def _facts(run: Any) -> tuple[str, ...]:
    machine = run.machine
    facts = []
    if machine.devices:
        number = len(machine.devices)
        cores = f" on {machine.cores} cores" if machine.platform == "cpu" and machine.cores else ""
        facts.append(f"{machine.platform}·{number} device{'s' if number != 1 else ''}{cores}")
    if run.jax:
        facts.append(f"jax {run.jax}")
    if run.file_bytes:
        facts.append(f"rec {size(run.file_bytes)}")
    if run.window_ns and run.wall_ns:
        facts.append(f"profiled {run.window_ns / run.wall_ns * 100:.0f}% of run")
    return tuple(facts)


def _trouble(run: Any) -> tuple[str, ...]:
    said = [f"{'some' if each.count is None else each.count} {each.what} dropped: {each.why}" for each in run.dropped]
    said += [f"not captured: {each.name}, {each.reason}" for each in run.not_captured]
    return (*said, *run.damages)


def _where(file: str | None, line: int | None) -> str:
    if file is None:
        return ""
    return _short(file) + (f":{line}" if line else "")


def _calls(calls: int | None, exact: bool) -> str:
    return ("" if exact or calls is None else "~") + count(calls)


def _program_item(program: ProgramInfo, signature: str | None) -> ProgramItem:
    calls = _calls(program.calls, program.calls_exact) if program.calls is not None else ""
    return ProgramItem(program.id, signature or "", calls)


def _eager_item(compiles: Any, functions: Any) -> list[FunctionItem]:
    eager = [row for row in compiles if row.eager]
    if not eager:
        return []
    by_place: dict[tuple[str | None, int | None], int] = {}
    for row in eager:
        by_place[row.file, row.line] = by_place.get((row.file, row.line), 0) + (row.runs or 0)
    (file, line), runs = max(by_place.items(), key=lambda item: item[1])
    share = None
    if functions.observed_ns and functions.eager_ns is not None:
        share = functions.eager_ns / functions.observed_ns
    about = f"×{count(runs)}" if runs else ""
    return [FunctionItem(f"eager ops ({len(eager)})", _where(file, line), (), share, False, about, len(eager) >= 100)]
