"""View ``functions``: the functions that JAX compiled, with calls, device time and compile time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from xlascope.runfile import Record
from xlascope.views import fields
from xlascope.views.compiler.eager_lines import EagerLine, eager_lines
from xlascope.views.compiles import query as compiles
from xlascope.views.names.program_choice import choose
from xlascope.views.names.program_records import compile_records, function_name, is_eager, program_records
from xlascope.views.sources.source import RunSource
from xlascope.views.times.call_time import CallTime
from xlascope.views.times.heat import Heat, all_watched, heat, observed_total_ns
from xlascope.views.times.windows import executables, opening_calls, steady

_MUCH = 0.1
"""First calls are told that are so large a part of the time of all calls."""


@dataclass(frozen=True, slots=True)
class Function:
    """``device_ns`` is what the profile windows saw, never scaled. ``share`` is of the time of the whole run.

    ``estimated_ns``: ``per_call_ns`` times ``calls``, program by program; ``share`` is its part of that of all
    programs, an estimate unless windows saw every call (``share_estimated``). ``share_at_least``: where ``share`` is
    unknown, as calls or times of some of its programs are, the part of what is certain. ``per_call_ns``: from a call's
    first op to the end of its last, over all devices; where ``per_call_at_least``, no window saw a whole one, and this
    is the longest part. ``per_call_note`` says how it was obtained. ``first_calls_only``: of each program
    one call was seen, which pays for cold memory if it is the first. ``library``: JAX's own.
    ``calls_exact`` is false when ``calls`` is an estimate or None (too little was seen, or the script runs on):
    ``calls_at_least`` are certain; ``calls_at_most``: at the fastest of steady paces, else without a pause in between.
    ``first_call_ns``: what first calls of its programs took of ``estimated_ns``, where that is over a tenth of it and
    why it is more than ``per_call_ns`` times ``calls``.
    """

    name: str
    file: str | None
    line: int | None
    calls: int | None
    calls_exact: bool
    device_ns: int | None
    share: float | None
    compile_ns: int | None
    programs: tuple[str, ...]
    library: bool
    calls_seen: int | None
    trace_ns: int | None
    lower_ns: int | None
    last_line: int | None
    calls_at_least: int | None
    per_call_ns: int | None
    per_call_note: str | None
    first_calls_only: bool
    per_call_at_least: bool
    estimated_ns: int | None
    share_estimated: bool
    calls_at_most: int | None = None
    share_at_least: float | None = None
    first_call_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Functions:
    """Hottest first. ``observed_ns``: device time of all that the windows saw; ``eager_ns``: what is no function's.

    ``estimated_ns``: time of all calls of all programs; ``eager_estimated_ns`` and ``eager_share``: what is no
    function's of it; ``eager_lines``: the lines that dispatch it. ``simulated_devices``: how many CPU devices share the
    machine's cores, None for one or none.
    """

    functions: tuple[Function, ...]
    observed_ns: int | None
    eager_ns: int | None
    estimated_ns: int | None
    eager_estimated_ns: int | None
    eager_share: float | None
    simulated_devices: int | None
    eager_lines: tuple[EagerLine, ...] = ()


def query(source: RunSource, program: str | None = None) -> Functions:
    """All functions of a run (or that of one program); primitives dispatched by themselves are under ``compiles``."""
    answer = source.memo("functions", lambda: _functions(source))
    if program is None:
        return answer
    name = choose(source, program)
    return replace(answer, functions=tuple(row for row in answer.functions if name in row.programs))


def _functions(source: RunSource) -> Functions:
    groups: dict[Any, list[str]] = {}
    records = program_records(source)
    functions: dict[Any, Record] = {}
    for record in source.records("function"):
        identity = fields.key(record.json, "id")
        if identity is not None:
            functions[identity] = record
    for name, record in records.items():
        if not is_eager(record):
            groups.setdefault(_key(record, functions), []).append(name)
    for identity, record in functions.items():
        # Known before its first program was traced. A library function without programs was never dispatched.
        if not record.json.get("library"):
            groups.setdefault(identity, [])
    warmth, total = heat(source), observed_total_ns(source)
    times = [each.at_least_ns for each in warmth.values()]
    estimated = fields.plus(times)
    rows = [
        _function(source, functions.get(identity), [records[name] for name in names], names, warmth, estimated)
        for identity, names in groups.items()
    ]
    heats = {row.programs: sum(warmth[name].at_least_ns or 0 for name in row.programs) for row in rows}
    rows.sort(key=lambda row: (-heats[row.programs], -(row.calls_at_least or 0)))
    own = sum(row.device_ns or 0 for row in rows)
    eager = None if estimated is None else max(estimated - sum(heats.values()), 0)
    return Functions(
        tuple(rows), total, None if total is None else max(total - own, 0), estimated, eager,
        eager / estimated if eager is not None and estimated else None, _simulated(source),
        eager_lines(source, compiles(source).compiles),
    )  # fmt: skip


def _simulated(source: RunSource) -> int | None:
    """CPU devices that take part in programs, where there are several."""
    devices = {row.device for window in steady(source) for row in window.times.devices if row.kind == "cpu"}
    return len(devices) if len(devices) > 1 else None


def _key(record: Record, functions: dict[Any, Record]) -> Any:
    """What the programs of one function share: its record's id, else name and place."""
    identity = fields.key(record.json, "function_id")
    if identity is not None and identity in functions:
        return identity
    return function_name(record), fields.text(record.json, "file"), fields.integer(record.json, "line")


def _function(
    source: RunSource,
    record: Record | None,
    programs: list[Record],
    names: list[str],
    warmth: dict[str, Heat],
    total_ns: int | None,
) -> Function:
    body = record.json if record is not None else {}
    known = [warmth[name] for name in names]
    device = fields.plus([each.device_ns for each in known])
    calls = fields.plus([each.calls for each in known]) if all(each.calls is not None for each in known) else None
    times = [(each.per_call, each.calls_at_least or 0) for each in known if each.per_call is not None]
    weight = sum(max(calls, 1) for _, calls in times)
    estimated = [each.estimated_ns for each in known if each.calls != 0]
    total = None if None in estimated else fields.plus(estimated)
    certain = fields.plus([each.at_least_ns for each in known])
    per_call = round(sum(time.ns * max(calls, 1) for time, calls in times) / weight) if weight else None
    compiles = [each.json for name in names for each in compile_records(source).get(name, [])]
    first = programs[0].json if programs else {}
    return Function(
        name=fields.text(body, "name") or (function_name(programs[0]) if programs else "?"),
        file=fields.text(body, "file") or fields.text(first, "file"),
        line=fields.integer(body, "line") or fields.integer(first, "line"),
        calls=calls,
        calls_exact=bool(known) and calls is not None and all(each.calls_exact for each in known),
        device_ns=device,
        share=total / total_ns if total is not None and total_ns else None,
        compile_ns=fields.plus([fields.integer(each, "compile_ns") for each in compiles]),
        programs=tuple(names),
        library=fields.boolean(body, "library") is True,
        calls_seen=fields.plus([each.calls_seen for each in known]),
        trace_ns=fields.plus([fields.integer(each, "trace_ns") for each in compiles]),
        lower_ns=fields.plus([fields.integer(each, "lower_ns") for each in compiles]),
        last_line=fields.integer(body, "last_line"),
        calls_at_least=fields.plus([each.calls_at_least for each in known]),
        per_call_ns=per_call,
        per_call_note=_how_told([time for time, _ in times]),
        first_calls_only=bool(times) and all(time.seen == 1 for time, _ in times),
        per_call_at_least=any(time.at_least for time, _ in times),
        estimated_ns=total,
        share_estimated=not all_watched(warmth.values()),
        calls_at_most=fields.total([each.calls_at_most for each in known]) if known else None,
        share_at_least=certain / total_ns if total is None and certain and total_ns else None,
        first_call_ns=_first_calls(source, {name: warmth[name] for name in names}, per_call, calls, total),
    )


def _first_calls(
    source: RunSource, programs: Mapping[str, Heat], per_call: int | None, calls: int | None, total: int | None
) -> int | None:
    """What first calls make of the whole: of programs of which that is the sum of all calls, not per call × calls."""
    if per_call is None or calls is None or not total:
        return None
    took: dict[str, int] = defaultdict(int)
    names = executables(source)
    for number, ns in opening_calls(source).items():
        name = names.get(number)
        heat = programs.get(name) if name is not None else None
        summed = heat is not None and heat.per_call is not None and heat.estimated_ns == heat.per_call.calls_ns
        if name is not None and summed:
            took[name] = max(took[name], ns)
    spent = sum(took.values())
    return spent if spent > _MUCH * total and total - per_call * calls > spent / 2 else None


def _how_told(times: list[CallTime]) -> str | None:
    """How the time of a call was obtained, in words."""
    if not times:
        return None
    if any(time.at_least for time in times):
        return "at least: the profile windows saw parts of calls only; this is the longest"
    calls = sum(time.calls for time in times)
    where = "the later profile windows, without the first" if any(time.steady for time in times) else "profile windows"
    mean = "mean without the tenth of the longest and of the shortest" if calls > 1 else "one call"
    return f"{mean}, {calls:,} call{'' if calls == 1 else 's'} in {where}"
