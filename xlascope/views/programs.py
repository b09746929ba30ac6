"""View ``programs``: every signature that was traced, with what is captured of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from xlascope.runfile import Record
from xlascope.views import fields
from xlascope.views.names.program_choice import choose
from xlascope.views.names.program_records import compile_records, function_name, how, is_eager, program_records
from xlascope.views.sources.dump import DumpModule
from xlascope.views.sources.profile_source import ProfileSource
from xlascope.views.sources.source import HloSource, RunSource, Source
from xlascope.views.sources.stages import available
from xlascope.views.times.heat import Heat, heat


@dataclass(frozen=True, slots=True)
class Program:
    """``args``: whether the script's own arguments are kept. ``stages``: what is captured, from source to machine code.

    ``per_call_ns``, ``per_call_at_least``, ``estimated_ns``, ``calls_at_least``, ``calls_at_most``: as in `functions`.
    ``replayable``: whether variants of it can be measured from the file alone. ``transformations``: what of JAX's is
    around the function, the outermost first.
    """

    id: str
    function: str | None
    signature: str | None
    calls: int | None
    equations: int | None
    variants: tuple[str, ...]
    args: str
    kind: str | None
    file: str | None
    line: int | None
    calls_exact: bool
    calls_seen: int | None
    device_ns: int | None
    compile_ns: int | None
    device_count: int | None
    platform: str | None
    callbacks: bool | None
    ordered: bool | None
    stages: tuple[str, ...]
    replayable: bool
    call_file: str | None
    call_line: int | None
    statics: tuple[str, ...]
    input_bytes: int | None
    output_bytes: int | None
    calls_at_least: int | None
    per_call_ns: int | None
    per_call_at_least: bool
    estimated_ns: int | None
    calls_at_most: int | None = None
    transformations: tuple[str, ...] = ()


def made_of(row: Program) -> str | None:
    """``value_and_grad(loss)`` of a function that is traced through transformations; None for a plain one."""
    if not row.transformations:
        return None
    name = (row.function or "?").rpartition("<locals>.")[2]
    return f"{'('.join(row.transformations)}({name}{')' * len(row.transformations)}"


@dataclass(frozen=True, slots=True)
class Programs:
    """Programs in the order of their first call."""

    programs: tuple[Program, ...]


def query(source: Source, program: str | None = None) -> Programs:
    """All programs (or one) in the order of their first call. Eager primitives are no programs of the script's: they
    are in the view ``compiles``."""
    answer = source.memo("programs", lambda: _programs(source))
    if program is None:
        return answer
    name = choose(source, program)
    return Programs(tuple(row for row in answer.programs if row.id == name))


def _programs(source: Source) -> Programs:
    if isinstance(source, HloSource):
        return Programs(tuple(_with_times(source, _dumped(module, available(source, module.id)))
                              for module in source.modules))  # fmt: skip
    assert isinstance(source, RunSource)
    warmth = heat(source)
    own = {name: record for name, record in program_records(source).items() if not is_eager(record)}
    return Programs(tuple(_program(source, name, record, warmth[name]) for name, record in own.items()))


def _program(source: RunSource, name: str, record: Record, warmth: Heat) -> Program:
    body = record.json
    compiles = [each.json for each in compile_records(source).get(name, [])]
    stages = available(source, name)
    return Program(
        id=name,
        function=function_name(record),
        signature=fields.text(body, "signature"),
        calls=warmth.calls,
        equations=fields.integer(body, "equations"),
        variants=variant_names(source, name),
        args=args_state(source, name),
        kind=how(record),
        file=fields.text(body, "file"),
        line=fields.integer(body, "line"),
        calls_exact=warmth.calls_exact,
        calls_seen=warmth.calls_seen,
        device_ns=warmth.device_ns,
        compile_ns=fields.plus([fields.integer(each, "compile_ns") for each in compiles]),
        device_count=fields.integer(body, "device_count"),
        platform=fields.text(body, "platform"),
        callbacks=fields.boolean(body, "callbacks"),
        ordered=fields.boolean(body, "ordered"),
        stages=stages,
        replayable=_replayable(source, name),
        call_file=fields.text(body, "call_file"),
        call_line=fields.integer(body, "call_line"),
        statics=fields.texts(body, "statics"),
        input_bytes=_bytes(record, "inputs"),
        output_bytes=_bytes(record, "outputs"),
        calls_at_least=warmth.calls_at_least,
        per_call_ns=warmth.per_call.ns if warmth.per_call is not None else None,
        per_call_at_least=warmth.per_call is not None and warmth.per_call.at_least,
        estimated_ns=warmth.estimated_ns,
        calls_at_most=warmth.calls_at_most,
        transformations=fields.texts(body, "transformations"),
    )


def variant_names(source: RunSource, program: str) -> tuple[str, ...]:
    """Names of the variants that were measured, each once, oldest first."""
    names = [record.variant or fields.text(record.json, "variant") for record in source.records("variant", program)]
    return tuple(dict.fromkeys(name for name in names if name is not None))


def args_state(source: RunSource, program: str) -> str:
    """recorded, synthetic or none."""
    record = source.last("args", program)
    state = fields.text(record.json, "state") if record is not None else None
    return state if state in ("recorded", "synthetic", "none") else "none"


def _replayable(source: RunSource, program: str) -> bool:
    bytecode = any(
        source.digest(record, "bytecode") is not None
        for record in source.records("stage", program)
        if record.variant is None
    )
    return bytecode or bool(source.records("artifact", program))


def _bytes(record: Record, key: str) -> int | None:
    """Bytes of all inputs or outputs, None when one is unknown."""
    sizes = [fields.integer(leaf, "bytes") for leaf in fields.mappings(record.json, key)]
    return None if None in sizes or not isinstance(record.json.get(key), list) else fields.plus([0, *sizes])


def _with_times(source: HloSource, row: Program) -> Program:
    """What a profile saw of a module: executions, and time on all devices together."""
    if not isinstance(source, ProfileSource):
        return row
    times, mine = source.times(), source.executed.keys(row.id)
    calls = [each for each in times.calls if (each.program_id, each.module) in mine]
    seen = replace(times, calls=tuple(calls)).calls_seen
    spent = [each.self_ns for each in times.rows if (each.program_id, each.module) in mine]
    return replace(row, calls_seen=seen, device_ns=sum(spent) if mine else None)


def _dumped(module: DumpModule, stages: tuple[str, ...]) -> Program:
    return Program(
        id=module.id, function=module.name,
        signature=None, calls=None, equations=None, variants=(), args="none", kind=None,
        file=None, line=None, calls_exact=False, calls_seen=None, device_ns=None, compile_ns=None, device_count=None,
        platform=None, callbacks=None, ordered=None, stages=stages, replayable=False, call_file=None, call_line=None,
        statics=(), input_bytes=None, output_bytes=None, calls_at_least=None, per_call_ns=None, per_call_at_least=False,
        estimated_ns=None,
    )  # fmt: skip
