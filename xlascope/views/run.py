"""View ``run``: what was run, where, how it ended, what was lost."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from xlascope.runfile import Record
from xlascope.views import fields
from xlascope.views.sources.source import RunSource
from xlascope.views.times.windows import observed, total

_LOST = frozenset({"capped", "truncated", "broken"})


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of the script's life. ``ns`` is None when it never ended; ``count``: how often it came."""

    name: str
    ns: int | None
    count: int
    start_ns: int | None


@dataclass(frozen=True, slots=True)
class Import:
    """A package that was imported before the first function was compiled. ``own_ns``: without what it imported."""

    name: str
    own_ns: int | None
    ns: int | None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What threads beside the main one spent on something of JAX's; not part of the wall time."""

    name: str
    ns: int | None


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was not kept, how often (None: unknown), and why.

    ``programs``: of exact links, those that are without, the first of many. ``budget_ns``: about how much time for
    finishing (``--finish-budget``) had sufficed for them; None where it was no question of time.
    """

    what: str
    count: int | None
    why: str | None
    programs: tuple[str, ...] = ()
    budget_ns: int | None = None


@dataclass(frozen=True, slots=True)
class NotCaptured:
    """A function that could not be captured, where it is, and why."""

    name: str | None
    file: str | None
    line: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Child:
    """A process that the script started or forked: it is not recorded."""

    pid: int | None
    argv: tuple[str, ...]
    how: str | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A measurement that could not be made."""

    program: str | None
    switches: dict[str, Any] | None
    error: str | None
    advice: str | None


@dataclass(frozen=True, slots=True)
class Machine:
    """The computer, and the devices JAX found on it (None before its backend started)."""

    os: str | None
    cpu: str | None
    cores: int | None
    memory_bytes: int | None
    platform: str | None
    devices: tuple[dict[str, Any], ...] | None


@dataclass(frozen=True, slots=True)
class Run:
    """``phases_add_up``: whether the phases share out the wall time of the main thread, each instant counted once;
    else they are sums that may overlap. ``run`` is then what no other phase explains: the script's own Python, and
    waiting. ``imports``: the heaviest first.

    ``wall_ns`` is exact once the run has ended in order, else the time from its start to the last that is known.
    ``recorded_to_end``: whether it is known how the script ended; else its recording was stopped before that.
    """

    script: str | None
    argv: tuple[str, ...]
    exit_code: int | None
    state: str
    wall_ns: int | None
    wall_exact: bool
    python: str | None
    jax: str | None
    machine: Machine
    phases: tuple[Phase, ...]
    dropped: tuple[Dropped, ...]
    not_captured: tuple[NotCaptured, ...]
    module: str | None
    jaxlib: str | None
    signal: int | None
    started_ns: int | None
    run_id: str
    file_bytes: int | None
    x64: bool | None
    variables: dict[str, Any]
    exception: str | None
    exception_type: str | None
    children: tuple[Child, ...]
    failed: tuple[Failure, ...]
    windows: int
    window_ns: int | None
    xlascope: str | None
    damages: tuple[str, ...]
    phases_add_up: bool = False
    imports: tuple[Import, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()
    recorded_to_end: bool = True


def query(source: RunSource) -> Run:
    """The run of a run file; what the file does not say is None."""
    first, end, error = source.last("run"), source.last("end"), source.last("exception")
    body = first.json if first is not None else {}
    env = _merged(source.records("env"))
    state = _state(source, end)
    wall, exact = _wall(source, first, end, state)
    windows = observed(source)
    found = with_compiles(phases(source.records("phase")), source.records("compile"))
    spent = source.last("spent")
    shared = shared_out(found, spent.json, wall) if spent is not None else None
    return Run(
        script=fields.text(body, "script"),
        argv=fields.texts(body, "argv"),
        exit_code=fields.integer(end.json, "exit_code") if end else None,
        state=state,
        wall_ns=wall,
        wall_exact=exact,
        recorded_to_end=end is not None,
        python=fields.text(env, "python") or fields.text(body, "python"),
        jax=fields.text(env, "jax"),
        machine=_machine(body, env),
        phases=shared if shared is not None else found,
        dropped=(*_dropped(source.records("dropped")), *_lost(source)),
        not_captured=tuple(_not_captured(record.json) for record in source.records("not_captured")),
        module=fields.text(body, "module"),
        jaxlib=fields.text(env, "jaxlib"),
        signal=fields.integer(end.json, "signal") if end else None,
        started_ns=fields.integer(body, "started_ns"),
        run_id=source.run_id,
        file_bytes=_size(source),
        x64=fields.boolean(env, "x64"),
        variables=fields.mapping(env, "variables") or {},
        exception=fields.text(error.json, "text") if error else None,
        exception_type=fields.text(error.json, "type") if error else None,
        children=tuple(
            Child(fields.integer(r.json, "pid"), fields.texts(r.json, "argv"), fields.text(r.json, "how"))
            for r in source.records("child")
        ),
        failed=tuple(
            Failure(
                r.program or fields.text(r.json, "program"),
                fields.mapping(r.json, "switches"),
                fields.text(r.json, "error"),
                fields.text(r.json, "advice"),
            )
            for r in source.records("failed")
        ),
        windows=len(windows),
        window_ns=fields.plus([window.seconds_ns for window in windows]),
        xlascope=fields.text(body, "xlascope"),
        damages=tuple(source.damages),
        phases_add_up=shared is not None,
        imports=_imports(spent.json) if spent is not None else (),
        elsewhere=_elsewhere(spent.json) if spent is not None else (),
    )


_PARTS = ("start python", "import jax", "import others", "start backend", "trace", "lower", "compile", "eager ops",
          "xlascope", "run", "finish")  # fmt: skip


def shared_out(found: tuple[Phase, ...], spent: Mapping[str, Any], wall_ns: int | None) -> tuple[Phase, ...] | None:
    """The wall time shared out among phases, in the order in which they come; None where the wall time is unknown.

    What the recorder measured in the main thread, each instant for the innermost of what went on; the start of Python
    until the recorder was there; and ``run``, the rest.
    """
    parts = fields.mapping(spent, "parts") or {}
    if wall_ns is None:
        return None
    known = {each.name: each for each in found}
    times: dict[str, tuple[int, int]] = {}
    for name, body in parts.items():
        ns = fields.integer(body, "ns") if isinstance(body, dict) else None
        count = fields.integer(body, "count") if isinstance(body, dict) else None
        if ns is not None and (ns, count) != (0, 0):  # else all that was begun turned out to be another phase's
            times[name] = ns, 1 if count is None else count
    if (start := known.get("start python")) is not None and start.ns is not None:
        times["start python"] = times.get("start python", (0, 1))[0] + start.ns, 1
    rest = wall_ns - sum(ns for ns, _ in times.values())
    if rest < 0:
        return None
    times["run"] = rest, 1
    order = [name for name in _PARTS if name in times] + [name for name in times if name not in _PARTS]
    starts = {name: known[name].start_ns if name in known else None for name in order}
    return tuple(Phase(name, *times[name], starts[name]) for name in order)


def _imports(spent: Mapping[str, Any]) -> tuple[Import, ...]:
    return tuple(
        Import(fields.text(each, "name") or "?", fields.integer(each, "own_ns"), fields.integer(each, "ns"))
        for each in fields.mappings(spent, "imports")
    )


def _elsewhere(spent: Mapping[str, Any]) -> tuple[Elsewhere, ...]:
    other = fields.mapping(spent, "elsewhere") or {}
    return tuple(Elsewhere(name, fields.integer(other, name)) for name in other)


def _merged(records: Iterable[Record]) -> dict[str, Any]:
    """The newest value of each key that is known."""
    found: dict[str, Any] = {}
    for record in records:
        found.update({key: value for key, value in record.json.items() if value is not None})
    return found


def _state(source: RunSource, end: Record | None) -> str:
    """running, ended or killed; a file that nobody writes and that has no end was killed."""
    if end is not None:
        return fields.text(end.json, "state") or "ended"
    return "running" if source.being_written() else "killed"


def _wall(source: RunSource, first: Record | None, end: Record | None, state: str) -> tuple[int | None, bool]:
    told = fields.integer(end.json, "wall_ns") if end else None
    if told is not None:
        return told, True
    started = fields.integer(first.json, "started_ns") if first else None
    if started is None:
        return None, False
    if state == "running":
        return max(time.time_ns() - started, 0), False
    kinds = ("phase", "calls", "program", "compile", "env", "function", "stage")
    newest = [record.t_ns for kind in kinds if (record := source.last(kind)) is not None]
    output = source.chunks("output", data=False)
    newest += [output[-1].t_ns] if output else []
    return (max(max(newest) - started, 0) if newest else None), False


def _machine(body: dict[str, Any], env: dict[str, Any]) -> Machine:
    machine = fields.mapping(body, "machine") or {}
    return Machine(
        os=fields.text(machine, "os"),
        cpu=fields.text(machine, "cpu"),
        cores=fields.integer(machine, "cores"),
        memory_bytes=fields.integer(machine, "memory_bytes"),
        platform=fields.text(env, "platform"),
        devices=fields.mappings(env, "devices") if isinstance(env.get("devices"), list) else None,
    )


def phases(records: Iterable[Record]) -> tuple[Phase, ...]:
    """Phases in the order of their first appearance; spans of one name that overlap are counted once."""
    spans: dict[str, list[tuple[int | None, int | None]]] = {}
    for record in records:
        name = fields.text(record.json, "name")
        if name is not None:
            span = fields.integer(record.json, "start_ns"), fields.integer(record.json, "ns")
            spans.setdefault(name, []).append(span)
    found = []
    for name, each in spans.items():
        starts = [start for start, _ in each if start is not None]
        found.append(Phase(name, _union(each), len(each), min(starts, default=None)))
    return tuple(found)


def with_compiles(found: tuple[Phase, ...], compiles: Iterable[Record]) -> tuple[Phase, ...]:
    """The phases, with how often JAX traced, lowered and compiled; these are told at the end, and summed up until then.

    What a trace of one function took inside of another's counts twice in such a sum.
    """
    bodies = [record for record in compiles]
    missing = []
    rows = {phase.name: phase for phase in found}
    for name in ("trace", "lower", "compile"):
        times = [(each.t_ns, ns) for each in bodies if (ns := fields.integer(each.json, f"{name}_ns")) is not None]
        if name in rows:
            rows[name] = replace(rows[name], count=max(len(times), 1))
        elif times:
            missing.append(Phase(name, sum(ns for _, ns in times), len(times), min(t_ns - ns for t_ns, ns in times)))
    return (*rows.values(), *missing)


def _union(spans: list[tuple[int | None, int | None]]) -> int | None:
    placed = sorted((start, start + length) for start, length in spans if start is not None and length is not None)
    loose = [length for start, length in spans if start is None and length is not None]
    if not placed and not loose:
        return None
    result, reached = sum(loose), None
    for start, stop in placed:
        begin = start if reached is None else max(start, reached)
        result += max(stop - begin, 0)
        reached = stop if reached is None else max(stop, reached)
    return result


def _dropped(records: Iterable[Record]) -> Iterable[Dropped]:
    """What was dropped, summed by what and why."""
    found: dict[tuple[str, str | None], Dropped] = {}
    for record in records:
        what, why = fields.text(record.json, "what") or "?", fields.text(record.json, "why")
        count, budget = fields.integer(record.json, "count"), fields.integer(record.json, "budget_ns")
        before = found.get((what, why), Dropped(what, 0, why))
        found[what, why] = replace(
            before,
            count=None if count is None or before.count is None else before.count + count,
            programs=(*before.programs, *fields.texts(record.json, "programs")),
            budget_ns=max(budget or 0, before.budget_ns or 0) or None,
        )
    return found.values()


def _lost(source: RunSource) -> Iterable[Dropped]:
    """Losses that the profiles themselves tell of."""
    times = total(source, observed(source))
    return [Dropped("profile events", each.count, each.text) for each in times.problems if each.kind in _LOST]


def _not_captured(body: dict[str, Any]) -> NotCaptured:
    return NotCaptured(
        fields.text(body, "name"), fields.text(body, "file"), fields.integer(body, "line"), fields.text(body, "reason")
    )


def _size(source: RunSource) -> int | None:
    try:
        return source.path.stat().st_size
    except OSError:
        return None
