"""The op times that a view is about: of the script as observed, of a variant as measured, or of a profile file."""

from __future__ import annotations

from dataclasses import dataclass, replace

from xlascope.runfile import Record
from xlascope.traces import OpTimes
from xlascope.views import fields
from xlascope.views.errors import ViewError
from xlascope.views.names.program_choice import choose
from xlascope.views.names.program_records import is_eager, program_records
from xlascope.views.names.variant_names import BASELINE, id_of, name_of, variant_record
from xlascope.views.sources.profile_source import ProfileSource
from xlascope.views.sources.source import RunSource, Source
from xlascope.views.times import windows


@dataclass(frozen=True, slots=True)
class Observation:
    """``times`` has the rows; ``own`` the devices and the coverage, of the chosen program alone where one is chosen."""

    program: str | None
    variant: str | None
    times: OpTimes
    own: OpTimes
    window_ns: int | None
    note: str | None


def observation(source: Source, program: str | None, variant: str | None) -> Observation:
    """Raises ViewError: unknown program or variant, a variant without a profile, a profile that cannot be read."""
    if isinstance(source, ProfileSource):
        if variant is not None:
            raise ViewError(f"{variant}: a profile has no variants", "Leave --variant out.")
        return _profile(source, program)
    assert isinstance(source, RunSource)
    if variant is not None and variant != "observed":
        return _variant(source, choose(source, program), variant)
    seen = windows.steady(source)
    times = windows.total(source, seen)
    length = _sum([window.seconds_ns for window in seen])
    if program is None:
        return Observation(None, None, times, times, length, None)
    name = choose(source, program)
    ids = frozenset(number for number, owner in windows.executables(source).items() if owner == name)
    own = source.memo(("own times", name), lambda: windows.of_programs(source, seen, ids))
    note = None if ids else f"No executable of {name} is known, so that its ops cannot be found in profiles."
    return Observation(name, None, _only(times, ids), own, length, note)


def program_of(source: Source, seen: Observation, program_id: int | None, module: str | None) -> str | None:
    """The program a row of op times belongs to; of a profile file its module's name."""
    if isinstance(source, ProfileSource):
        return source.executed.of.get((program_id, module), module)
    if not isinstance(source, RunSource):
        return module
    if seen.variant is not None:
        return seen.program  # another process numbered its executables: the script's numbers mean nothing here
    return windows.executables(source).get(program_id) if program_id is not None else None


def _only(times: OpTimes, ids: frozenset[int]) -> OpTimes:
    return replace(
        times,
        rows=tuple(row for row in times.rows if row.program_id in ids),
        calls=tuple(row for row in times.calls if row.program_id in ids),
    )


def _sum(lengths: list[int | None]) -> int | None:
    known = [length for length in lengths if length is not None]
    return sum(known) if known and len(known) == len(lengths) else None


def _variant(source: RunSource, program: str, wanted: str) -> Observation:
    record = variant_record(source, program, wanted)
    baseline = wanted == BASELINE
    found = windows.of_variant(source, program, name_of(record), record.id, BASELINE if baseline else "variant")
    if not found and baseline:
        advice = "Leave --variant out: the script's own windows show the program without any switch."
        raise ViewError(f"no profile was made of the baseline of {program}", advice)
    if not found:
        name = f"{name_of(record)} ({id_of(record)})"
        target = fields.text(record.json, "target")
        if target is not None:
            raise ViewError(f"{name} of {program} was compiled for {target}, not executed: no op has a time",
                            "`predictions` tells what each op is foretold to take; `graph` and `memory` have it.")
        raise ViewError(f"no profile was made of {name} of {program}", "Measure it again without --no-profile.")
    times = _dispatched(source, found, record, baseline)
    label = BASELINE if baseline else name_of(record)
    return Observation(program, label, times, times, _sum([window.seconds_ns for window in found]), None)


def _dispatched(source: RunSource, found: tuple[windows.Window, ...], record: Record, baseline: bool) -> OpTimes:
    """What the measurement executed: in the recorder the script may run on meanwhile, and is in the profile too."""
    if fields.text(record.json, "place") != "recorder":
        return windows.total(source, found)
    own = fields.texts(record.json, "baseline_program_ids" if baseline else "program_ids")
    ids = frozenset(windows.signed(int(text)) for text in own if text.isascii() and text.isdigit())
    ids = ids or frozenset(programs_of_equations(record)) if not baseline else ids
    if not ids:
        # An older file: at least nothing of the script's own functions.
        every = {number for window in found for number in window.spans}
        functions = {name for name, each in program_records(source).items() if not is_eager(each)}
        ids = frozenset(every - {n for n, name in windows.executables(source).items() if name in functions})
    return windows.of_programs(source, found, ids)


def programs_of_equations(record: Record) -> dict[int, tuple[str, ...]]:
    """With jit off, the equations that each program in a measurement's profile was dispatched for, by path."""
    told: dict[int, tuple[str, ...]] = {}
    value = record.json.get("equation_programs")
    for entry in value if isinstance(value, list) else ():
        if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str):
            for text in fields.texts({"ids": entry[1]}, "ids"):
                if text.isascii() and text.isdigit() and len(text) < 21:
                    number = windows.signed(int(text))
                    told[number] = (*told.get(number, ()), entry[0])
    return told


def _profile(source: ProfileSource, program: str | None) -> Observation:
    times = source.times()
    if program is None:
        return Observation(None, None, times, times, times.window_ns, None)
    name = choose(source, program)
    mine = source.executed.keys(name)
    rows = tuple(row for row in times.rows if (row.program_id, row.module) in mine)
    calls = tuple(row for row in times.calls if (row.program_id, row.module) in mine)
    ids = frozenset(number for number, _ in mine if number is not None)
    own = source.times(ids) if ids else replace(times, rows=rows, calls=calls, devices=())
    note = None if mine else f"{name} was not executed while the profile was recorded."
    return Observation(name, None, replace(times, rows=rows, calls=calls), own, times.window_ns, note)
