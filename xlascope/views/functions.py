"""View ``functions``: the functions that JAX compiled, with calls, device time and compile time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from xlascope.runfile import Record
from xlascope.views import fields
from xlascope.views.choice import choose
from xlascope.views.heat import Heat, heat, observed_total_ns
from xlascope.views.lookup import compile_records, function_name, is_eager, program_records
from xlascope.views.source import RunSource


@dataclass(frozen=True, slots=True)
class Function:
    """``device_ns`` is what the profile windows saw, and ``share`` its part of all they saw; neither is scaled.

    ``library``: jitted inside of JAX itself. ``calls_exact`` is false when ``calls`` is an estimate.
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


@dataclass(frozen=True, slots=True)
class Functions:
    """Hottest first. ``observed_ns``: device time of all that the windows saw; ``eager_ns``: what is no function's."""

    functions: tuple[Function, ...]
    observed_ns: int | None
    eager_ns: int | None


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
    rows = [
        _function(source, functions.get(identity), [records[name] for name in names], names, warmth, total)
        for identity, names in groups.items()
    ]
    rows.sort(key=lambda row: (-(row.device_ns or 0), -(row.calls or 0)))
    own = sum(row.device_ns or 0 for row in rows)
    return Functions(tuple(rows), total, None if total is None else max(total - own, 0))


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
    total: int | None,
) -> Function:
    body = record.json if record is not None else {}
    known = [warmth[name] for name in names]
    device = fields.plus([each.device_ns for each in known])
    calls = fields.plus([each.calls for each in known]) if all(each.calls is not None for each in known) else None
    compiles = [each.json for name in names for each in compile_records(source).get(name, [])]
    first = programs[0].json if programs else {}
    return Function(
        name=fields.text(body, "name") or (function_name(programs[0]) if programs else "?"),
        file=fields.text(body, "file") or fields.text(first, "file"),
        line=fields.integer(body, "line") or fields.integer(first, "line"),
        calls=calls,
        calls_exact=bool(known) and calls is not None and all(each.calls_exact for each in known),
        device_ns=device,
        share=device / total if device is not None and total else None,
        compile_ns=fields.plus([fields.integer(each, "compile_ns") for each in compiles]),
        programs=tuple(names),
        library=fields.boolean(body, "library") is True,
        calls_seen=fields.plus([each.calls_seen for each in known]),
        trace_ns=fields.plus([fields.integer(each, "trace_ns") for each in compiles]),
        lower_ns=fields.plus([fields.integer(each, "lower_ns") for each in compiles]),
        last_line=fields.integer(body, "last_line"),
    )
