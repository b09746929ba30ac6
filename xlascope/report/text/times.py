"""The views ``ops``, ``devices`` and ``collectives`` as text."""

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
    heading,
    note,
    number_column,
    place,
    share,
    size,
    table,
    warning,
)
from xlascope.views.collectives import Collectives, Row
from xlascope.views.devices import Device, Devices
from xlascope.views.ops import Op, Ops

_MOST_EQUATIONS = 4
_MOST_GROUPS = 4
_SIMULATED = "Simulated devices share the machine's cores: compare wall spans, not sums."


def ops(answer: Ops) -> Iterable[RenderableType]:
    yield heading(_of(answer.program, answer.variant, answer.windows))
    if not answer.rows:
        yield note("No op was seen.")
    else:
        several = len({row.program or row.module for row in answer.rows}) > 1
        columns = [
            *([Column("program", least=8)] if several else []),
            Column("op", least=14),
            Column("opcode", least=8, spare=2),
            fixed_column("dev"),
            number_column("self"),
            number_column("share"),
            fixed_column("", 4),
            number_column("per call", 1),
            number_column("count"),
            Column("eqns", least=5, spare=3),
            Column("where", least=8),
            number_column("bytes", 5),
        ]
        yield table(columns, [_op(row, several, answer.equations_exact) for row in answer.rows])
        yield note(_coverage(answer))
        if not answer.equations_exact and any(row.equations for row in answer.rows):
            yield note("~ equations matched by source line and primitive: those of one line cannot be told apart.")
    yield from (warning(f"{each.what}: {each.why}") for each in answer.dropped)


def _of(program: str | None, variant: str | None, windows: int) -> str:
    who = program or "all programs"
    how = f"variant {variant}" if variant else "observed"
    return f"{who}, {how}, {windows} {'window' if windows == 1 else 'windows'}"


def _op(row: Op, several: bool, exact: bool) -> list[str | Text]:
    opcode = f"{row.opcode or UNKNOWN} {row.detail}" if row.detail else (row.opcode or UNKNOWN)
    name = Text(row.op)
    if row.added_by_xla:
        name.append(" +", style="bold")
    return [
        *([row.program or f"({row.module or UNKNOWN})"] if several else []),
        name,
        opcode,
        f"{row.device_kind}:{row.device}",
        duration(row.self_ns),
        share(row.share),
        bar(row.share),
        duration(row.self_ns / row.count if row.count else None),
        count(row.count),
        _equations(row, exact),
        place(row.file, row.line) if row.file is not None else ("" if row.added_by_xla else UNKNOWN),
        size(row.bytes),
    ]


def _equations(row: Op, exact: bool) -> str:
    if not row.equations:
        return "" if row.added_by_xla else UNKNOWN
    shown = " ".join(row.equations[:_MOST_EQUATIONS])
    more = "…" if len(row.equations) > _MOST_EQUATIONS else ""
    return f"{'' if exact else '~'}{shown}{more}"


def _coverage(answer: Ops) -> str:
    calls = "an unknown number of calls" if answer.calls_seen is None else f"{count(answer.calls_seen)} calls"
    cover = UNKNOWN if answer.coverage is None else f"{answer.coverage * 100:.1f}%"
    text = f"{calls} seen in {duration(answer.window_ns)}; ops cover {cover} of the devices' busy time."
    return f"{text} + added by XLA.{' ' + _SIMULATED if answer.simulated else ''}"


def devices(answer: Devices) -> Iterable[RenderableType]:
    yield heading(_of(answer.program, answer.variant, answer.windows))
    if not answer.rows:
        yield note("No device was seen at work.")
        return
    columns = [
        fixed_column("device"),
        number_column("busy"),
        number_column("of window"),
        fixed_column("", 4),
        number_column("ops", 2),
        number_column("coverage"),
        number_column("collectives"),
        number_column("idle", 1),
        number_column("calls", 3),
    ]
    yield table(columns, [_device(row) for row in answer.rows])
    if any(row.simulated for row in answer.rows):
        yield note(_SIMULATED)


def _device(row: Device) -> list[str | Text]:
    part = row.busy_ns / row.window_ns if row.window_ns else None
    return [
        f"{row.kind}:{row.device}" + (" simulated" if row.simulated else ""),
        duration(row.busy_ns),
        share(part),
        bar(part),
        duration(row.op_ns),
        UNKNOWN if row.coverage is None else f"{row.coverage * 100:.1f}%",
        duration(row.collective_ns),
        duration(row.idle_ns),
        count(row.calls),
    ]


def collectives(answer: Collectives) -> Iterable[RenderableType]:
    who = f"{answer.program}, {f'variant {answer.variant}' if answer.variant else 'as the script ran it'}"
    yield heading(who)
    if not answer.held:
        yield note("Its optimized HLO is not held: nothing is known of its collectives.")
        return
    if not answer.rows:
        yield note("No collective: the devices exchange nothing.")
        return
    columns = [
        fixed_column("collective"),
        Column("instruction", least=14),
        number_column("bytes"),
        Column("axes", least=5),
        Column("groups", least=8, spare=2),
        Column("eqn", least=3),
        Column("where", least=8, spare=1),
        number_column("time"),
        number_column("count", 3),
        fixed_column("device"),
    ]
    yield table(columns, [_collective(row) for row in answer.rows])
    yield note("bytes: what one device holds of it. time: over all executions seen. + added by XLA's partitioner.")


def _collective(row: Row) -> list[str | Text]:
    return [
        row.kind + (" (async)" if row.is_async else ""),
        row.instruction + (" +" if row.added_by_xla else ""),
        size(row.bytes),
        ",".join(row.mesh_axes) if row.mesh_axes is not None else UNKNOWN,
        _groups(row.groups),
        row.equation or UNKNOWN,
        place(row.file, row.line),
        duration(row.time_ns),
        count(row.count),
        row.device or UNKNOWN,
    ]


def _groups(groups: tuple[tuple[int, ...], ...] | None) -> str:
    if groups is None:
        return "all"
    shown = " ".join("{" + ",".join(map(str, group)) + "}" for group in groups[:_MOST_GROUPS])
    return shown + (" …" if len(groups) > _MOST_GROUPS else "")
