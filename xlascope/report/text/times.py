"""The views ``ops``, ``devices`` and ``collectives`` as text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from xlascope.report.text.tables import (
    INFERRED,
    UNKNOWN,
    Cell,
    Column,
    Several,
    bar,
    count,
    duration,
    fixed_column,
    heading,
    marked,
    note,
    number_column,
    place,
    place_column,
    share,
    size,
    table,
    warning,
)

if TYPE_CHECKING:
    from xlascope.views.collectives import Collectives, Row
    from xlascope.views.devices import Device, Devices
    from xlascope.views.ops import Op, Ops

_MOST_EQUATIONS = 4
_MOST_LINES = 3
_FEW = 25
_NEARLY_ALL = 0.995
_WELL_COVERED = 0.95
_MOST_GROUPS = 4
_UNWATCHED = "Not watched by any profile window: its times are unknown."
_SIMULATED = "Simulated devices share the machine's cores: compare wall spans, not sums."


@dataclass(frozen=True, slots=True)
class _Line:
    """One op on all its devices: sums of times and counts."""

    op: Op
    devices: tuple[str, ...]
    self_ns: int
    share: float
    count: int


def ops(answer: Ops) -> Iterable[RenderableType]:
    """The view `ops` as text."""
    yield heading(_of(answer.program, answer.variant, answer.windows))
    if not answer.rows:
        seen = "No op was seen." if answer.self_ns is None else "No op is what --filter asks for."
        yield note(seen if answer.windows else _UNWATCHED)
    else:
        several = len({row.program or row.module for row in answer.rows}) > 1
        columns = [
            *([Column("program", least=10)] if several else []),
            Column("op", least=16),
            Column("opcode", least=11, spare=2),
            fixed_column("device"),
            number_column("self"),
            number_column("share"),
            fixed_column("", 4),
            number_column("per call"),
            number_column("count", 1),
            Column("eqns", least=5, spare=3),
            place_column(10),
            number_column("bytes", 5),
        ]
        lines = _lines(answer)
        shown = _worth_showing(lines)
        yield table(columns, [_op(row, several) for row in lines[:shown]])
        if shown < len(lines):
            rest = sum(line.share for line in lines[shown:])
            yield note(f"And {len(lines) - shown} more ops, {share(rest)} together: --json has all.")
        yield note(_coverage(answer))
        if any(row.equations and not row.equations_exact and not row.added_by_xla for row in answer.rows):
            yield note("~ equations matched by source line and primitive: those of one line cannot be told apart.")
        if any(row.inferred for row in answer.rows):
            yield note(f"~ before an equation: {INFERRED}.")
    yield from (warning(f"{each.what}: {each.why}") for each in answer.dropped)


def _lines(answer: Ops) -> list[_Line]:
    """The rows with the devices of one op together, the most self time first."""
    groups: dict[tuple[str | None, str | None, str], list[Op]] = {}
    for row in answer.rows:
        groups.setdefault((row.program, row.module, row.op), []).append(row)
    lines = [
        _Line(
            rows[0],
            tuple(sorted(f"{row.device_kind}:{row.device}" for row in rows)),
            sum(row.self_ns for row in rows),
            sum(row.share or 0.0 for row in rows),
            sum(row.count for row in rows),
        )
        for rows in groups.values()
    ]
    return sorted(lines, key=lambda line: -line.self_ns)


def _worth_showing(lines: Sequence[_Line]) -> int:
    """All, or where there are many as many as make up nearly all of the time."""
    reached = 0.0
    for number, line in enumerate(lines):
        if number >= _FEW and reached >= _NEARLY_ALL:
            return number
        reached += line.share
    return len(lines)


def _of(program: str | None, variant: str | None, windows: int) -> str:
    who = program or "all programs"
    how = f"variant {variant}" if variant else "observed"
    return f"{who}, {how}, {windows} {'window' if windows == 1 else 'windows'}"


def _op(line: _Line, several: bool) -> list[Cell]:
    row = line.op
    opcode = f"{row.opcode or UNKNOWN} {row.detail}" if row.detail else (row.opcode or UNKNOWN)
    name = Text(row.op)
    if row.added_by_xla:
        name.append(" +", style="bold")
    return [
        *([row.program or f"({row.module or UNKNOWN})"] if several else []),
        name,
        opcode,
        line.devices[0] if len(line.devices) == 1 else f"{len(line.devices)} devices",
        duration(line.self_ns),
        share(line.share),
        bar(line.share),
        duration(line.self_ns / line.count if line.count else None),
        count(line.count),
        _equations(row),
        _where(row),
        size(row.bytes),
    ]


def _where(row: Op) -> Cell:
    """``train:13,14``."""
    if row.user_file is None:
        return "" if row.added_by_xla else UNKNOWN
    stem = place(row.user_file, None).removesuffix(".py")
    others = [number for number in row.lines if number != row.user_line]
    shown = sorted([*others[: _MOST_LINES - 1], *([row.user_line] if row.user_line is not None else [])])
    if len(others) < _MOST_LINES:
        return f"{stem}:{','.join(map(str, shown))}" if shown else stem
    return Several(f"{stem}:{','.join(map(str, shown))}…", f"{stem}:{','.join(map(str, sorted(set(row.lines))))}")


def _equations(row: Op) -> Cell:
    if not row.equations:
        return "" if row.added_by_xla else UNKNOWN
    guessed = row.inferred if row.equations_exact else row.equations
    if len(row.equations) <= _MOST_EQUATIONS:
        return marked(row.own_first, guessed)
    return Several(marked(row.own_first[:_MOST_EQUATIONS], guessed) + "…", marked(row.own_first, guessed))


def _coverage(answer: Ops) -> str:
    calls = "an unknown number of calls" if answer.calls_seen is None else f"{count(answer.calls_seen)} calls"
    if answer.calls_seen == 1:
        calls = "1 call"
    if _is_op_by_op(answer):
        calls += " of single equations"
    cover = UNKNOWN if answer.coverage is None else f"{answer.coverage * 100:.1f}%"
    text = f"{calls} seen in {duration(answer.window_ns)}; ops cover {cover} of the devices' busy time{_rest(answer)}."
    text += " Per call of an op: self time ÷ count (in a loop each turn counts), calls that a window cut included."
    text += _counts(answer)
    return f"{text} + added by XLA, with the equations it is there for.{' ' + _SIMULATED if answer.simulated else ''}"


def _counts(answer: Ops) -> str:
    """Why counts are not those of the calls seen, where there is one program."""
    each: dict[tuple[str | None, str], set[tuple[str, str]]] = defaultdict(set)
    for row in answer.rows:
        each[row.program or row.module, row.op].add((row.device_kind, row.device))
    devices = max(map(len, each.values()), default=1)
    over = f" Counts and times are sums over {devices} devices: a call counts once on each." if devices > 1 else ""
    alone = len({program for program, _ in each}) == 1
    alone = alone and not _is_op_by_op(answer)
    if not (alone and answer.calls_seen and any(row.count % answer.calls_seen for row in answer.rows)):
        return over
    why = "of one that a window cut only a part of the ops was seen, and an op of a branch or loop counts whenever it"
    return f"{over} Some counts are no multiple of the calls: {why} is taken."


def _is_op_by_op(answer: Ops) -> bool:
    """With jit off each equation is called by itself."""
    return (answer.variant or "").startswith("jit=")


def _rest(answer: Ops) -> str:
    """Where much is not covered: how much that is, and for each op executed, what small ops pay between one another."""
    left, executed = answer.uncovered_ns, sum(row.count for row in answer.rows)
    if left is None or not executed or answer.coverage is None or answer.coverage >= _WELL_COVERED:
        return ""
    return f" (the rest: {duration(left)}, {duration(left / executed)} for each op executed)"


def devices(answer: Devices) -> Iterable[RenderableType]:
    """The view `devices` as text."""
    yield heading(_of(answer.program, answer.variant, answer.windows))
    if not answer.rows:
        yield note("No device was seen at work." if answer.windows else _UNWATCHED)
        yield from (warning(f"{each.what}: {each.why}") for each in answer.dropped)
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
    yield from (warning(f"{each.what}: {each.why}") for each in answer.dropped)


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
    """The view `collectives` as text."""
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
        place_column(8, spare=1),
        number_column("time"),
        number_column("per call"),
        fixed_column("device", 3),
    ]
    groups: dict[str, list[Row]] = {}
    for row in answer.rows:
        groups.setdefault(row.instruction, []).append(row)
    yield table(columns, [_collective(rows) for rows in groups.values()])
    yield note("bytes: what one device holds of it. time: all devices and executions seen, each from start to end, "
               "with what it waited for the others; in `ops` moments in which other ops ran too are shared with them. "
               "+ added by the partitioner, with the equation it is there for.")  # fmt: skip


def _collective(rows: Sequence[Row]) -> list[Cell]:
    row = rows[0]
    times = [each.time_ns for each in rows if each.time_ns is not None]
    counts = sum(each.count or 0 for each in rows)
    devices = [each.device for each in rows if each.device is not None]
    return [
        row.kind + (" (async)" if row.is_async else ""),
        row.instruction + (" +" if row.added_by_xla else ""),
        size(row.bytes),
        ",".join(row.mesh_axes) if row.mesh_axes is not None else UNKNOWN,
        _groups(row.groups),
        _first_of(row.equations or ((row.equation,) if row.equation else ())),
        place(row.file, row.line) + (f" +{len(row.lines) - 1}" if len(row.lines) > 1 else ""),
        duration(sum(times) if times else None),
        duration(sum(times) / counts if times and counts else None),
        f"{len(devices)} devices" if len(devices) > 1 else (devices or [UNKNOWN])[0],
    ]


def _first_of(equations: Sequence[str]) -> Cell:
    """``50 47 44 +4``: a combined collective is there for several equations."""
    more, whole = len(equations) - _MOST_LINES, " ".join(equations) or UNKNOWN
    return Several(f"{' '.join(equations[:_MOST_LINES])} +{more}", whole) if more > 0 else whole


def _groups(groups: tuple[tuple[int, ...], ...] | None) -> Cell:
    if groups is None:
        return "all"
    told = ["{" + ",".join(map(str, group)) + "}" for group in groups]
    whole = " ".join(told)
    return Several(" ".join(told[:_MOST_GROUPS]) + " …", whole) if len(told) > _MOST_GROUPS else whole
