"""View ``compare``: two runs, or two variants, side by side, with programs and equations matched by what they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from xlascope.ir.alignment import align, canonical
from xlascope.stats import Verdict, opposed, verdict
from xlascope.stats.runs import LEAST_PROGRAMS, held_up
from xlascope.views import equations as equations_view
from xlascope.views import fields
from xlascope.views.comparing.first_calls import first_calls_told
from xlascope.views.comparing.foreign import equation_times
from xlascope.views.comparing.forms import Form, SourceChange, devices, form, source_changes, variant_of
from xlascope.views.comparing.matching import Known, Pair, is_renamed, known, match
from xlascope.views.comparing.script_lines import corresponding
from xlascope.views.comparing.sides import Side, side, variant_records
from xlascope.views.comparing.times import (
    SAME_RUNS,
    Compared,
    Machine,
    between_runs,
    drift,
    is_told,
    machine,
    with_variant,
)
from xlascope.views.equations import is_estimated
from xlascope.views.errors import ViewError
from xlascope.views.names.program_choice import choose
from xlascope.views.names.variant_names import BASELINE, name_of
from xlascope.views.provenance.positions import user_places
from xlascope.views.sources.profile_source import ProfileSource
from xlascope.views.sources.source import RunSource, Source
from xlascope.views.sources.stages import jaxpr_index
from xlascope.views.times.observations import observation

OPPOSED = "the medians say the contrary of the pairs: the machine's speed changed by more than the programs differ"
"""The note of a change whose sign is in doubt."""


@dataclass(frozen=True, slots=True)
class Equation:
    """One equation of either program, in the order of the second. Its path is None where the other alone has it.

    ``a_ns`` and ``b_ns``: self time (exact and estimated) of one call, None where nothing was seen or no instruction is
    left; of a side on several devices the mean of one device. ``moved``: it stands elsewhere among the same equations.
    Of a run beside a profile the paths are the run's; those of one primitive and line, which the profile does not tell
    apart, are one row, with blanks between them.
    """

    path_a: str | None
    path_b: str | None
    primitive: str
    a_ns: int | None
    b_ns: int | None
    moved: bool
    file_a: str | None
    line_a: int | None
    file_b: str | None
    line_b: int | None
    a_estimated: bool = False
    b_estimated: bool = False
    user_file_a: str | None = None
    user_line_a: int | None = None
    user_file_b: str | None = None
    user_line_b: int | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """A function's program on both sides. Times are of one call.

    ``a_ns`` and ``b_ns`` are those that ``ratio`` is of: of runs the time that ``share`` of the calls stay below (a
    twentieth, a quarter or half of them: whichever tells most), of variants and reruns the median of samples;
    ``a_median_ns`` and ``b_median_ns`` are medians of all calls seen. ``same_code``: whether XLA made the same
    instructions of both; None: not looked at.
    ``how``: ``runs`` (one after the other), ``in turn`` (A B A B …), ``rerun`` (so, now); None: not compared. ``note``:
    why not, or what to bear in mind. ``verdict``: of the change from a to b; None where signatures differ. ``opcodes``:
    number of instructions in either, of those that differ. ``max_abs_error``: of variants of one program and of reruns;
    of runs no results are held.
    """

    function: str
    program_a: str
    program_b: str
    file: str | None
    line: int | None
    signature_a: str | None
    signature_b: str | None
    same_signature: bool | None
    a_ns: int | None
    b_ns: int | None
    a_median_ns: int | None
    b_median_ns: int | None
    a_calls: int
    b_calls: int
    ratio: float | None
    ratio_ci_low: float | None
    ratio_ci_high: float | None
    verdict: Verdict | None
    how: str | None
    note: str | None
    equations: tuple[Equation, ...]
    a_form: Form
    b_form: Form
    opcodes: Mapping[str, tuple[int, int]]
    max_abs_error: float | None
    share: float | None = None
    same_code: bool | None = None


@dataclass(frozen=True, slots=True)
class Only:
    """A program that one side alone has."""

    function: str
    program: str
    file: str | None
    line: int | None


@dataclass(frozen=True, slots=True)
class Compare:
    """``programs``: those that changed most of the time first. ``drift``: time of a fixed kernel in run b ÷ in run a,
    None: not known. ``others_a``, ``others_b``: cores that other processes kept busy. ``notes``: what to bear in mind.
    """

    a: str
    b: str
    programs: tuple[Program, ...]
    only_a: tuple[Only, ...]
    only_b: tuple[Only, ...]
    drift: float | None
    others_a: float | None
    others_b: float | None
    sources: tuple[SourceChange, ...]
    notes: tuple[str, ...]


def query(source: Source, program: str | None = None, variant: str | None = None) -> Compare:
    """A variant (the newest of a program, or of any) with its baseline. Raises ViewError: no such variant."""
    assert isinstance(source, RunSource)
    name = choose(source, program) if program is not None else None
    if variant is None:
        newest = source.last("variant", name)
        if newest is None:
            return Compare(str(source.path), str(source.path), (), (), (), None, None, None, (),
                           ("No variant was measured yet; `xlascope measure` adds one.",))  # fmt: skip
        variant = name_of(newest)
    return compare(side(source, BASELINE), side(source, variant), name)


def compare(a: Side, b: Side, program: str | None = None) -> Compare:
    """Both sides; ``program``: one of b's alone."""
    ours, theirs = known(a), known(b)
    if a.source is b.source:
        # Of one run: a program that one of the variants was not measured of is not missing, it was not asked for.
        names = {each.id for each in ours} & {each.id for each in theirs}
        ours, theirs = [e for e in ours if e.id in names], [e for e in theirs if e.id in names]
    pairs, only_a, only_b = match(ours, theirs)
    if program is not None:
        only_a, only_b = [], []
    if a.variant is None and b.variant is None:
        times = between_runs(a, b, [(pair.a.id, pair.b.id) for pair in pairs])
    else:
        times = [with_variant(a, b, pair.a.id, pair.b.id) for pair in pairs]
    machines = machine(a), machine(b)
    moved = drift(*machines)
    sure = is_told(a) and is_told(b)
    programs = [
        _program(a, b, pair, each, sure)
        for pair, each in zip(pairs, times, strict=True)
        if program in (None, pair.b.id)  # the others tell what the machine did
    ]
    programs.sort(key=_weight)
    return Compare(
        a=a.label, b=b.label, programs=tuple(programs), only_a=tuple(_only(each) for each in only_a),
        only_b=tuple(_only(each) for each in only_b), drift=moved if a.source is not b.source else None,
        others_a=machines[0].others, others_b=machines[1].others, sources=source_changes(a, b),
        notes=_notes(a, b, machines, moved, times),
    )  # fmt: skip


def _weight(program: Program) -> tuple[bool, float, int]:
    """What changed for sure first, then by time a call times calls seen, then by instructions that differ."""
    changed = program.verdict in ("slower", "faster")
    gone = abs((program.b_ns or 0) - (program.a_ns or 0)) * program.b_calls
    instructions = sum(abs(b - a) for a, b in program.opcodes.values())
    return not changed, -float(gone if changed else (program.b_ns or 0) * program.b_calls), -instructions


def _only(each: Known) -> Only:
    return Only(each.function, each.id, each.file, each.line)


def _notes(
    a: Side, b: Side, machines: tuple[Machine, Machine], moved: float | None, times: Sequence[Compared]
) -> tuple[str, ...]:
    if a.source is b.source and a.variant is None and b.variant is None:
        return ("A and B are one and the same file: all that differs is what the method cannot tell.",)
    if (which := _untimed(a, b)) is not None:
        return (f"{which} no times: only what XLA made of the programs is compared.",)
    if a.source is b.source or not (isinstance(a.source, RunSource) and isinstance(b.source, RunSource)):
        return ()
    found = []
    for name, each in zip("AB", machines, strict=True):
        if held_up(each.others, each.cores) > 1:
            found.append(
                f"While {name} was recorded, other processes kept {each.others:.1f} of {each.cores} cores busy: its "
                "times may be too long by that; intervals allow for it.")  # fmt: skip
    if moved is not None and abs(moved - 1) >= 0.01:
        found.append(f"The machine itself took {moved:.2f} times as long in B for the same work; intervals hold that.")
    unchanged = [each.ratio.ratio for each in times if each.same_code and each.ratio is not None]
    if len(unchanged) >= LEAST_PROGRAMS and abs(median(unchanged) - 1) >= SAME_RUNS:
        found.append(
            f"The {len(unchanged)} programs whose code is the same in both took {median(unchanged):.2f} times as long "
            "in B: that is the machine, or what the runs were given, not the code.")  # fmt: skip
    if not (is_told(a) and is_told(b)) and a.variant is None and b.variant is None:
        found.append("A run holds no reference of its machine's speed, so that no change is sure; --rerun tells.")
    return tuple(found)


def _untimed(a: Side, b: Side) -> str | None:
    """Which side is nothing but HLO."""
    names = [name for name, side in (("A", a), ("B", b)) if not isinstance(side.source, RunSource | ProfileSource)]
    return {0: None, 1: f"{names[0] if names else ''} holds", 2: "A and B hold"}[len(names)]


def _program(a: Side, b: Side, pair: Pair, times: Compared, machine_known: bool) -> Program:
    one, two = pair.a.id, pair.b.id
    (form_a, opcodes_a), (form_b, opcodes_b) = form(a, one), form(b, two)
    different: dict[str, tuple[int, int]] = {}
    if opcodes_a is not None and opcodes_b is not None:
        for opcode in sorted(opcodes_a.keys() | opcodes_b.keys()):
            if opcodes_a[opcode] != opcodes_b[opcode]:
                different[opcode] = opcodes_a[opcode], opcodes_b[opcode]
    ratio, judged, note = times.ratio, None, times.note if _untimed(a, b) is None else None
    if ratio is not None and pair.same_signature is not False:
        against_baseline = times.how == "in turn" and BASELINE in (a.variant, b.variant)
        medians = (times.a_median_ns, times.b_median_ns) if against_baseline else (None, None)
        judged = verdict(ratio, same=SAME_RUNS) if times.how == "runs" else verdict(ratio, medians=medians)
        if opposed(ratio.low, ratio.high, *medians) is not None:
            note = OPPOSED
        if times.how == "runs" and not machine_known:
            judged, note = "unclear", "how fast and how busy the machine was is not known"
    elif ratio is not None:
        note = "another signature: not the same work"
    elif times.how is None and times.a_calls and times.b_calls and a.variant is None and b.variant is None:
        judged = "unclear"
    if is_renamed(pair):
        named = f"`{pair.a.function}` in A: the same arguments and equations under another name"
        note = f"{named}; {note}" if note else named
    equations = _equations(a, b, one, two)
    laid = (("A", devices(a, one), [each.a_ns for each in equations]),
            ("B", devices(b, two), [each.b_ns for each in equations]))  # fmt: skip
    spread = ", ".join(
        f"{name} on {told}" + ("" if all(ns is None for ns in own) else " (equations: mean of one)")
        for name, told, own in laid
        if told
    )
    opening = first_calls_told(a, b, one, two) if equations else None
    note = "; ".join(part for part in (note, spread, opening) if part) or None
    of_profile = [name for name, side in (("A", a), ("B", b)) if not isinstance(side.source, RunSource)]
    if equations and of_profile:
        guessed = (f"equations of {of_profile[0]}: its ops by source line and primitive among those of the run's "
                   "jaxpr, estimated")
        note = f"{note}; {guessed}" if note else guessed
    return Program(
        function=pair.b.function, program_a=one, program_b=two, file=pair.b.file, line=pair.b.line,
        signature_a=_signature(pair.a), signature_b=_signature(pair.b), same_signature=pair.same_signature,
        a_ns=times.a_ns, b_ns=times.b_ns, a_median_ns=times.a_median_ns, b_median_ns=times.b_median_ns,
        a_calls=times.a_calls, b_calls=times.b_calls, ratio=ratio.ratio if ratio else None,
        ratio_ci_low=ratio.low if ratio else None, ratio_ci_high=ratio.high if ratio else None,
        verdict=judged, how=times.how, note=note, equations=equations,
        a_form=form_a, b_form=form_b, opcodes=different, max_abs_error=_error(a, b, two), share=times.share,
        same_code=times.same_code,
    )  # fmt: skip


def _signature(each: Known) -> str | None:
    return None if each.inputs is None else ", ".join((*each.inputs, *each.statics))


def _error(a: Side, b: Side, program: str) -> float | None:
    """Of a variant and its baseline the difference of their results."""
    if a.source is not b.source or (a.variant == BASELINE) == (b.variant == BASELINE):
        return None
    record = variant_records(a if b.variant == BASELINE else b).get(program)
    return fields.number(record.json, "max_abs_error") if record is not None else None


def _equations(a: Side, b: Side, one: str, two: str) -> tuple[Equation, ...]:
    if not isinstance(a.source, RunSource) or not isinstance(b.source, RunSource):
        return _by_one_jaxpr(a, b, one, two)
    first, second = jaxpr_index(a.source, one), jaxpr_index(b.source, two)
    if first is None or second is None:
        return ()
    times_a, times_b = _times(a, one), _times(b, two)
    users_a, users_b = user_places(first.equations), user_places(second.equations)
    found = []
    for each in align(first, second, corresponding(a.source, b.source, first, second)):
        x = first.by_path[each.path_a] if each.path_a is not None else None
        y = second.by_path[each.path_b] if each.path_b is not None else None
        told = y or x
        assert told is not None
        time_a, time_b = times_a.get(each.path_a or "", _NOT_SEEN), times_b.get(each.path_b or "", _NOT_SEEN)
        user_a = (users_a[each.path_a] if each.path_a is not None else None) or (None, None)
        user_b = (users_b[each.path_b] if each.path_b is not None else None) or (None, None)
        found.append(
            Equation(
                path_a=each.path_a, path_b=each.path_b, primitive=canonical(told.primitive), a_ns=time_a.ns,
                b_ns=time_b.ns, moved=each.moved, file_a=x.file if x else None, line_a=x.line if x else None,
                file_b=y.file if y else None, line_b=y.line if y else None,
                a_estimated=time_a.estimated, b_estimated=time_b.estimated, user_file_a=user_a[0],
                user_line_a=user_a[1], user_file_b=user_b[0], user_line_b=user_b[1],
            )
        )  # fmt: skip
    return tuple(found)


def _by_one_jaxpr(a: Side, b: Side, one: str, two: str) -> tuple[Equation, ...]:
    """A run beside a profile: the equations of the run that either has times of; the profile's are estimated."""
    ours = a.source if isinstance(a.source, RunSource) else b.source
    jaxpr = jaxpr_index(ours, one if ours is a.source else two) if isinstance(ours, RunSource) else None
    if jaxpr is None:
        return ()
    told = [
        _times(side, name) if side.source is ours else _guessed(equation_times(side.source, name, jaxpr))
        for side, name in ((a, one), (b, two))
    ]
    if not told[0] or not told[1]:
        return ()
    users = user_places(jaxpr.equations)
    alike: dict[tuple[str, str | None, int | None], list[str]] = {}
    for each in jaxpr.equations:
        if each.path in told[0] or each.path in told[1]:
            alike.setdefault((each.primitive, each.file, each.line), []).append(each.path)
    found = []
    for (primitive, file, line), paths in alike.items():
        time_a, time_b = _sum(told[0], paths), _sum(told[1], paths)
        user_file, user_line = users[paths[0]] or (None, None)
        found.append(
            Equation(
                path_a=" ".join(paths), path_b=" ".join(paths), primitive=canonical(primitive), a_ns=time_a.ns,
                b_ns=time_b.ns, moved=False, file_a=file, line_a=line, file_b=file, line_b=line,
                a_estimated=time_a.estimated, b_estimated=time_b.estimated, user_file_a=user_file,
                user_line_a=user_line, user_file_b=user_file, user_line_b=user_line,
            )
        )  # fmt: skip
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Time:
    """Self time of one call on one device; ``estimated``: a part of it is split or guessed."""

    ns: int | None
    estimated: bool


_NOT_SEEN = _Time(None, False)


def _guessed(times: Mapping[str, int] | None) -> dict[str, _Time]:
    return {path: _Time(ns, True) for path, ns in (times or {}).items()}


def _sum(times: Mapping[str, _Time], paths: list[str]) -> _Time:
    known = [times[path] for path in paths if path in times]
    return _Time(fields.plus([each.ns for each in known]), any(each.estimated for each in known))


def _times(side: Side, program: str) -> dict[str, _Time]:
    """By equation; empty where the side has no op times of the program."""
    assert isinstance(side.source, RunSource)
    which = variant_of(side, program)
    try:
        answer = equations_view.query(side.source, program, which)
        # Each device counts the calls that it had a part in: the sum of its times by theirs is the mean of one device.
        calls = sum(row.calls or 0 for row in observation(side.source, program, which).times.calls)
    except ViewError:
        return {}  # a variant measured without a profile
    alone = any(row.state == "alone" for row in answer.rows)  # with jit off they are times of one call already
    return {
        row.path: _Time(round(row.self_ns / (1 if alone else calls)), is_estimated(row, answer.equations_exact))
        for row in answer.rows
        if row.self_ns is not None and row.path and (calls or alone)
    }
