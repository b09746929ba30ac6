"""The run as a whole, made of what the views answer: header, functions, programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from xlascope.tui.feeding.eager_row import AGAIN, eager_item, is_heavy, storm_told, where
from xlascope.tui.model import OpsTable, Overview, ProgramInfo
from xlascope.tui.text.numbers import count, duration, percent, percent_at_least, size
from xlascope.tui.widgets.functions import FunctionItem, ProgramItem

_INTERRUPTED = 130  # the exit code of a script that a Ctrl-C ended: the user's doing, no crash


def program_infos(answer: Any, modules: Iterable[Any]) -> dict[str, ProgramInfo]:
    """By id; where there is no view of programs, the modules of a file."""
    if answer is None:
        return {module.id: ProgramInfo(module.id, module.name) for module in modules}
    return {
        row.id: ProgramInfo(
            row.id, row.function or row.id, row.file, row.line, row.equations, row.calls, row.calls_exact, row.args,
            row.calls_at_least, row.per_call_ns, row.calls_at_most, row.per_call_at_least, tuple(row.stages),
        )
        for row in answer.programs
        if row.kind != "eager"
    }


def run_overview(run: Any, programs: dict[str, ProgramInfo], rows: Any, functions: Any, compiles: Any) -> Overview:
    """From the answers of the views `run`, `programs`, `functions` and `compiles`."""
    made = compiles.compiles if compiles is not None else ()
    eager = sum(_is_eager(row, programs) for row in made)
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
        functions=_functions(functions, programs, rows, compiles),
        programs=programs,
        compiles=len(made) - eager,
        eager=eager,
        exception=run.exception,
        jax=run.jax,
        trouble=_trouble(run),
        devices=len(devices) if devices else None,
    )


def file_overview(name: str, kind: str, programs: dict[str, ProgramInfo], ops: OpsTable | None) -> Overview:
    """Of a file that is no run: its modules, those of a profile the most self time first."""
    alike = Counter(each.function for each in programs.values())
    names = {each.id: each.function if alike[each.function] == 1 else each.id for each in programs.values()}
    items = tuple(FunctionItem(names[each.id], "", (ProgramItem(each.id, each.id),)) for each in programs.values())
    if ops is not None:
        shares: dict[str, float] = {}
        for row in ops.rows:
            shares[row.program or "?"] = shares.get(row.program or "?", 0.0) + (row.share or 0.0)
        ordered = sorted(shares.items(), key=lambda item: -item[1])
        rest = [each for each in programs if each not in shares]
        items = tuple(
            FunctionItem(
                names.get(name, name),
                "",
                (ProgramItem(name, name),) if name in programs else (),
                share=share,
            )
            for name, share in (*ordered, *((name, None) for name in rest))
        )
    said = {"profile": "a profile", "hlo": "HLO text", "dump": "an XLA dump folder", "joined": "a profile, with HLO"}
    return Overview(
        script=name, state="file", functions=items, programs=programs, facts=(said.get(kind, kind),), kind=kind
    )


def _functions(
    found: Any, programs: Mapping[str, ProgramInfo], rows: Any, compiles: Any
) -> tuple[FunctionItem, ...]:
    signatures = {row.id: _label(row) for row in rows.programs}
    times = {row.id: _time(row) for row in rows.programs}
    made, storms = (compiles.compiles, compiles.storms) if compiles is not None else ((), ())
    storm_of = {program: storm for storm in storms for program in storm.programs if program in programs}
    items = []
    for row in found.functions:
        ids = [each for each in row.programs if each in programs]
        storm = next((storm_of[each] for each in row.programs if each in storm_of), None)
        again = len(ids) >= AGAIN or (storm is not None and is_heavy(storm))
        # Below one percent a bound says nothing.
        least = row.share_at_least if (row.share_at_least or 0) >= 0.01 else None
        about = f"{count(storm.compiles)} compiles" if again and storm is not None else _called(row)
        items.append(
            FunctionItem(
                row.name,
                where(row.file, row.line),
                tuple(_program_item(programs[each], signatures.get(each), times.get(each)) for each in ids),
                row.share if row.share is not None else least,
                row.share_estimated,
                about,
                again,
                (*_told(row, found), *(storm_told(storm) if storm is not None else ())),
                at_least=row.share is None and least is not None,
                led=where(storm.own_file, storm.own_line) if storm is not None else "",
            )
        )
    others = [storm for storm in storms if storm.eager and not any(each in programs for each in storm.programs)]
    eager = eager_item([row for row in made if _is_eager(row, programs)], others, found)
    if eager is not None:
        items.insert(_place_of_eager(found), eager)
    return tuple(items)


def _place_of_eager(found: Any) -> int:
    """Before the functions that took less time than the eager operations together."""
    own = found.eager_estimated_ns or 0
    total = found.estimated_ns or 0
    times = [
        row.estimated_ns if row.share is not None else (row.share_at_least or 0) * total for row in found.functions
    ]
    return next((place for place, time in enumerate(times) if (time or 0) < own), len(times))


def _is_eager(row: Any, programs: Mapping[str, ProgramInfo]) -> bool:
    """Of an operation that is no program of its own: a loop outside of jit is one."""
    return row.eager and row.program not in programs


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
    said = [
        f"no {each.what} for {', '.join(each.programs)}: {each.why}"
        if each.programs
        else f"{'some' if each.count is None else each.count} {each.what} dropped: {each.why}"
        for each in run.dropped
    ]
    said += [f"not captured: {each.name}, {each.reason}" for each in run.not_captured]
    return (*said, *run.damages)


def _calls(row: Any) -> str:
    calls, exact, at_least, at_most = row.calls, row.calls_exact, row.calls_at_least, row.calls_at_most
    if exact or not at_least:
        return "" if calls is None else ("" if exact else "~") + count(calls)
    known = at_most is not None and calls is not None
    return f"{count(at_least)}–{count(at_most)}" if known else f"≥{count(at_least)}"


def _called(row: Any) -> str:
    calls = _calls(row)
    return f"{calls} call{'' if calls == '1' else 's'}" if calls else ""


def _told(row: Any, found: Any) -> Iterator[str]:
    """How the numbers of a function were obtained."""
    calls = _called(row) or "calls unknown"
    if row.calls is None:
        yield f"{row.name}: {calls}. Too little was seen of them to say how many more there are."
    elif row.calls_exact:
        yield f"{row.name}: {calls}, counted."
    else:
        bound = row.calls_at_most
        most = f", at most {count(bound)} if the pace did not change" if bound is not None else ""
        least = f"{count(row.calls_at_least)} of them counted, by the run ids of XLA"
        yield f"{row.name}: {calls}; {least}; ~{count(row.calls)} by the rate before the last one seen{most}."
    if row.per_call_ns is not None:
        time = ("at least " if row.per_call_at_least else "") + duration(row.per_call_ns)
        yield f"Per call {time}: from its first op to the end of its last ({row.per_call_note})."
    if row.share is not None:
        mark = "~" if row.share_estimated else ""
        seen = row.calls_exact and row.calls_seen == row.calls
        how = "the sum of its calls, all seen" if seen else "time per call × calls"
        yield (
            f"Share {mark}{percent(row.share)}: {how}, {mark}{duration(row.estimated_ns)} of "
            f"{mark}{duration(found.estimated_ns)} of all programs."
        )
        if row.first_call_ns is not None:
            yield f"First calls (cold memory, sleeping threads) are {duration(row.first_call_ns)} of it."
    elif row.share_at_least is not None:
        yield (
            f"Share at least {percent_at_least(row.share_at_least)}: of some of its programs there were calls that no "
            "window saw, or how many there were is not known; only what is certain is in it."
        )
    if row.first_calls_only:
        yield "One call of each program was seen. A first call pays for cold memory and sleeping threads; `m` measures."

    if row.device_ns is not None:
        yield f"Profile windows saw {duration(row.device_ns)} of device time in {count(row.calls_seen)} calls."
    if found.simulated_devices is not None:
        yield f"That is a sum over {found.simulated_devices} simulated devices, which is no wall time; per call is."


def _program_item(program: ProgramInfo, label: str | None, time_ns: int | None) -> ProgramItem:
    return ProgramItem(program.id, label or "", _calls(program), time_ns=time_ns)


def _time(row: Any) -> int | None:
    """Device time of a program, by which the view `functions` orders too."""
    if row.estimated_ns is not None:
        return row.estimated_ns
    if row.per_call_ns is not None and row.calls_at_least is not None:
        return row.per_call_ns * row.calls_at_least
    return row.device_ns


def _label(row: Any) -> str:
    """Signature of a program, with what of JAX's is around its function."""
    from xlascope.views.programs import made_of

    made = made_of(row)
    return f"{made}: {row.signature or ''}" if made is not None else row.signature or ""
