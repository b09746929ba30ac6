"""View ``ops``: time for each op on each device, as profile windows saw it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from xlascope.ir import Equation
from xlascope.traces import OpRow
from xlascope.views.names.variant_names import BASELINE, variant_record
from xlascope.views.provenance.eager import PATH, calling_lines
from xlascope.views.provenance.instructions import (
    SMALL,
    Facts,
    Instructions,
    as_one_says,
    dumped_instructions,
    instructions,
)
from xlascope.views.sources.profile_source import ProfileSource
from xlascope.views.sources.source import RunSource, Source
from xlascope.views.sources.stages import jaxpr_index
from xlascope.views.times.observations import Observation, observation, program_of, programs_of_equations
from xlascope.views.times.windows import slow_first_calls

_MUCH, _NAMED = 0.1, 3  # of the time; so many ops are named


@dataclass(frozen=True, slots=True)
class Op:
    """One op of one program on one device. Times are sums over all executions seen, never scaled.

    ``flops`` and ``bytes`` are estimates for one execution. ``file`` and ``line``: the user's innermost of XLA's own
    metadata. ``user_file`` and ``user_line``: of the call site itself, where XLA names the first of several that share
    a lowering; ``lines``: all lines of ``user_file`` it comes from. ``detail``: a fusion's kind. ``module`` names the
    HLO module; ``program`` is None for what was not captured. An eager primitive is one equation, at the line that
    dispatched it. What XLA added has the equations and the line of its ``owner``, which is not exact. ``told``:
    those of its equations that JSON has, of many guessed ones the likeliest; ``equations_left_off``: how many more.
    ``inferred``: those that no tag names, but the flow of data does.
    """

    JSON_KEYS: ClassVar[dict[str, str]] = {"told": "equations"}

    program: str | None
    op: str
    opcode: str | None
    device: str
    count: int
    total_ns: int
    self_ns: int
    equations: tuple[str, ...] = field(metadata={"json": False})
    added_by_xla: bool | None
    file: str | None
    line: int | None
    flops: int | None
    bytes: int | None
    module: str | None
    device_kind: str
    detail: str | None
    share: float | None
    lines: tuple[int, ...]
    owner: str | None
    equations_exact: bool
    user_file: str | None
    user_line: int | None
    told: tuple[str, ...]
    equations_left_off: int
    inferred: tuple[str, ...]
    lent: frozenset[str] = field(default=frozenset(), metadata={"json": False})

    @property
    def own_first(self) -> tuple[str, ...]:
        """``equations``, those at the end that only gave a fusion a literal, which bears their name."""
        return tuple(sorted(self.equations, key=self.lent.__contains__))


@dataclass(frozen=True, slots=True)
class Lost:
    """What is missing or doubtful in the profiles."""

    what: str
    count: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Ops:
    """Rows with the most self time first.

    ``coverage``: op time ÷ busy time of the devices. ``calls_seen``: executions in the windows. ``equations_exact``:
    whether ``equations`` come from tags; else they are matched by source position and primitive.
    ``equation_coverage``: share of op time that has an equation. ``uncovered_ns``: time that the devices were busy and
    no op was active, None where that is unknown.
    """

    rows: tuple[Op, ...]
    coverage: float | None
    calls_seen: int | None
    window_ns: int | None
    dropped: tuple[Lost, ...]
    program: str | None
    variant: str | None
    windows: int
    equations_exact: bool
    equation_coverage: float | None
    self_ns: int | None
    simulated: bool
    nesting: str
    uncovered_ns: int | None = field(default=None, metadata={"json": False})


def query(source: Source, program: str | None = None, variant: str | None = None) -> Ops:
    """Op times of all programs or of one, as observed in the script or as measured of a variant."""
    seen = observation(source, program, variant)
    total = sum(row.self_ns for row in seen.times.rows)
    names = {row.program_id: program_of(source, seen, row.program_id, row.module) for row in seen.times.rows}
    known = {name: _facts(source, name, seen.variant) for name in set(names.values())}
    calls = calling_lines(source) if isinstance(source, RunSource) else {}
    alone = _alone(source, seen)
    rows = tuple(
        _by_itself(made, alone[row.program_id]) if row.program_id in alone else made
        for row in seen.times.rows
        for name in (names[row.program_id],)
        for made in (_row(row, name, known[name], calls.get(name or ""), total),)
    )
    # One window of several in which nothing ran is no loss.
    problems = [each for each in seen.times.problems if each.kind != "empty" or not rows]
    if isinstance(source, ProfileSource):
        problems += source.executed.problems
    lost = [Lost(each.kind, each.count, each.text) for each in problems]
    lost += _first_calls(source, seen, names)
    lost += _as_one(rows)
    if seen.note is not None:
        lost.append(Lost("program", None, seen.note))
    return Ops(
        rows=rows,
        coverage=seen.own.coverage,
        calls_seen=seen.times.calls_seen,
        window_ns=seen.window_ns,
        dropped=tuple(lost),
        program=seen.program,
        variant=seen.variant,
        windows=seen.times.windows,
        equations_exact=_exact(known.values()),
        equation_coverage=sum(row.self_ns for row in rows if row.equations) / total if total else None,
        self_ns=total if rows else None,
        simulated=any(device.simulated for device in seen.times.devices),
        nesting=seen.times.nesting,
        uncovered_ns=sum(each.busy_ns - each.op_ns for each in seen.own.devices) if seen.own.devices else None,
    )


def _first_calls(source: Source, seen: Observation, names: Mapping[int | None, str | None]) -> list[Lost]:
    """What is told of first calls that are not in the rows, or outweigh the others there."""
    if not isinstance(source, RunSource) or seen.variant is not None:
        return []
    found = [(names[number], call) for number, call in slow_first_calls(source).items() if number in names]
    return [
        Lost("first call", int(call.left_out), f"the first call of {name} took {call.took_ns / 1e6:.3g} ms, later ones"
             f" {call.later_ns / 1e6:.3g} ms: it is {'left out' if call.left_out else 'in the sums'}")
        for name, call in found
    ]  # fmt: skip


def _as_one(rows: Iterable[Op]) -> list[Lost]:
    """What hides the ops inside of it, where that is much of the time."""
    found = [row for row in rows if row.detail == SMALL and (row.share or 0) >= _MUCH]
    return [Lost("one operation", len(found), as_one_says(row.op, row.program)) for row in found[:_NAMED]]


def _facts(source: Source, program: str | None, variant: str | None) -> Instructions | None:
    if program is None:
        return None
    if isinstance(source, ProfileSource):
        return dumped_instructions(source, program)
    return instructions(source, program, variant) if isinstance(source, RunSource) else None


def _exact(known: Iterable[Instructions | None]) -> bool:
    """Do all equations come from tags? Programs without any equation (eager primitives) have no say."""
    origins = [each.provenance for each in known if each is not None and each.provenance.equations]
    return bool(origins) and all(origin.exact for origin in origins)


def _alone(source: Source, seen: Observation) -> Mapping[int | None, tuple[Equation, ...]]:
    """With jit off, the equations that a program of the measurement's profile was dispatched for."""
    if not isinstance(source, RunSource) or seen.program is None or seen.variant in (None, BASELINE):
        return {}
    jaxpr = jaxpr_index(source, seen.program)
    told = programs_of_equations(variant_record(source, seen.program, seen.variant or ""))
    known = jaxpr.by_path if jaxpr is not None else {}
    return {number: tuple(known[path] for path in paths if path in known) for number, paths in told.items()}


def _by_itself(row: Op, equations: tuple[Equation, ...]) -> Op:
    """The op of equations that were dispatched by themselves; several of one primitive and shape share a program."""
    places = {(each.file, each.line) for each in equations}
    file, line = places.pop() if len(places) == 1 else (None, None)
    paths = tuple(each.path for each in equations)
    return replace(
        row, equations=paths, told=paths, inferred=(), equations_left_off=0, file=file, line=line,
        user_file=file, user_line=line, equations_exact=True, added_by_xla=False,
    )  # fmt: skip


def _row(
    row: OpRow,
    program: str | None,
    known: Instructions | None,
    called: tuple[str | None, int | None] | None,
    total: int,
) -> Op:
    facts = known.get(row.op) if known is not None else None
    place = called or (None, None)
    paths = (PATH,) if called is not None else facts.equations if facts is not None else ()
    told, left_off = (paths, 0) if called is not None or known is None else known.guesses.of_instruction(paths)
    return Op(
        program=program,
        op=row.op,
        opcode=facts.opcode if facts is not None else row.opcode,
        device=row.device,
        count=row.count,
        total_ns=row.total_ns,
        self_ns=row.self_ns,
        equations=paths,
        added_by_xla=facts.added_by_xla if facts is not None and known is not None and known.linked else None,
        file=facts.file if facts is not None and called is None else place[0],
        line=facts.line if facts is not None and called is None else place[1],
        flops=facts.flops if facts is not None else None,
        bytes=facts.bytes if facts is not None else None,
        module=row.module,
        device_kind=row.kind,
        detail=facts.detail if facts is not None else None,
        share=row.self_ns / total if total else None,
        lines=facts.lines if facts is not None else (),
        owner=facts.owner if facts is not None else None,
        equations_exact=called is not None or _is_exact(known, facts),
        user_file=facts.user_file if facts is not None and called is None else place[0],
        user_line=facts.user_line if facts is not None and called is None else place[1],
        told=told,
        equations_left_off=left_off,
        inferred=tuple(path for path in told if path in facts.inferred) if facts is not None else (),
        lent=facts.lent if facts is not None and called is None else frozenset(),
    )


def _is_exact(known: Instructions | None, facts: Facts | None) -> bool:
    return known is not None and known.provenance.exact and (facts is None or facts.owner is None)
