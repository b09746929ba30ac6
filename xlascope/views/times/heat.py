"""How often each program was called and how much device time it took, from the windows and the hook."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from xlascope.runfile import Record
from xlascope.views import fields
from xlascope.views.cache import checkpoint
from xlascope.views.names.program_records import compile_records, is_eager, program_records
from xlascope.views.sources.source import RunSource
from xlascope.views.times.call_count import Compiled, compiled, of_program, seen_again
from xlascope.views.times.call_rate import Lifetime, estimate, glimpse
from xlascope.views.times.call_time import CallTime, call_time
from xlascope.views.times.windows import Window, counting, executables, observed, steady, total

_FEWEST = 5  # calls that make a rate
# Problems of a profile that mean that executions may be missing from it.
_LOSSES = frozenset({"capped", "truncated", "broken", "unstarted", "unfinished"})


@dataclass(frozen=True, slots=True)
class Heat:
    """One program. ``calls_seen`` and ``device_ns`` are what windows saw, never scaled; None where nothing was seen.

    ``calls`` counts the whole run; it is an estimate unless ``calls_exact``, None where nothing supports one and while
    the script runs on. ``calls_at_least``: those that are certain. ``calls_at_most``: had those that no window saw come
    at the fastest of steady paces, else without a pause; None where that says little. ``estimated_ns``: ``per_call``
    times ``calls``, or times a guess of them where none is shown; observed where windows saw every call.
    """

    calls: int | None
    calls_exact: bool
    calls_seen: int | None
    device_ns: int | None
    calls_at_least: int | None = None
    per_call: CallTime | None = None
    estimated_ns: int | None = None
    calls_at_most: int | None = None

    @property
    def at_least_ns(self) -> int | None:
        """``estimated_ns``, else the same of the calls that are certain."""
        if self.estimated_ns is not None or self.per_call is None or self.calls_at_least is None:
            return self.device_ns if self.estimated_ns is None else self.estimated_ns
        return self.per_call.ns * self.calls_at_least


class Heats(dict[str, Heat]):
    """Heat by program id; one that was recorded only just now is not known yet."""

    def __missing__(self, name: str) -> Heat:
        return Heat(None, False, None, None)


def heat(source: RunSource) -> Heats:
    """Heat of each program that was recorded, by id."""
    return source.memo("heat", lambda: _heat(source))


def observed_total_ns(source: RunSource) -> int | None:
    """Device time of all ops in all windows, of whatever program; None when nothing was profiled."""
    times = total(source, steady(source))
    return sum(row.self_ns for row in times.rows) if times.rows else None


def all_watched(heats: Iterable[Heat]) -> bool:
    """Whether windows saw every call of every program, so that nothing is estimated."""
    return all(each.calls_exact and each.per_call is not None and each.per_call.seen == each.calls for each in heats)


def ranking(source: RunSource) -> Sequence[str]:
    """Programs of the user's functions, hottest first: by time of the whole run, else by calls, else by appearance."""
    found = heat(source)
    names = [name for name, record in program_records(source).items() if not is_eager(record)]
    return sorted(names, key=lambda name: (-(found[name].at_least_ns or 0), -(found[name].calls_at_least or 0)))


def _heat(source: RunSource) -> Heats:
    windows = observed(source)
    ids: dict[str, list[int]] = defaultdict(list)
    for number, name in executables(source).items():
        ids[name].append(number)
    tables = [_by_program(source, window) for window in windows]
    times = total(source, steady(source))
    self_ns: dict[int | None, int] = defaultdict(int)
    for row in times.rows:
        self_ns[row.program_id] += row.self_ns
    built = compiled(source.records("executable"))
    hook = {record.program or "": record for record in source.records("calls")}
    hook.update({str(record.json["program"]): record for record in source.records("calls") if "program" in record.json})
    end, ended = _script_end(source)
    # One whose recording was stopped may have run on.
    died = source.last("end") is not None
    found = Heats()
    for name, record in program_records(source).items():
        mine = ids.get(name, [])
        checkpoint()
        seen = [_calls_in(table, mine) for table in tables]
        in_windows = fields.plus(seen) if mine and windows else None
        if in_windows:
            in_windows -= seen_again(windows, mine)
        # Not called while watched: its time is unknown, which is not 0.
        device = sum(self_ns.get(number, 0) for number in mine) if in_windows != 0 and windows and mine else None
        counted = fields.integer(hook[name].json, "hook_calls") if name in hook else None
        life = Lifetime(_first_call(source, name, record), end)
        told = _Told(windows, counting(source), mine, seen, counted, built, ended or died)
        called = _calls(record, told, life)
        per_call = call_time(told.counters, mine)
        # While the script runs on, or when it was killed, nobody knows what came after.
        exact = called.exact and ended
        found[name] = Heat(
            called.likely if told.ended else None, exact, in_windows, device, called.least, per_call,
            _estimated(per_call, called.guess, exact), called.most if told.ended else None,
        )  # fmt: skip
    return found


def _estimated(per_call: CallTime | None, calls: int | None, exact: bool) -> int | None:
    if per_call is None or calls is None:
        return None
    return per_call.calls_ns if exact and per_call.seen == calls else per_call.ns * calls


def _by_program(source: RunSource, window: Window) -> Mapping[int, int | None]:
    """Executions in one window by program number: the most that any device shows; None where events do not say."""

    def read() -> dict[int, int | None]:
        found: dict[int, int | None] = {}
        for row in window.times.calls:
            if row.program_id is not None:
                before = found.get(row.program_id, 0)
                found[row.program_id] = None if row.calls is None or before is None else max(before, row.calls)
        return found

    return source.keep.get_or(("calls", window.chunk.id), read)


def _calls_in(table: Mapping[int, int | None], program_ids: Sequence[int]) -> int | None:
    """Executions in one window; None where events do not say."""
    counts = [table[number] for number in program_ids if number in table]
    return None if None in counts else sum(count for count in counts if count is not None)


def _first_call(source: RunSource, name: str, record: Record) -> int:
    """About when the first call was dispatched: when its compilation had been told of."""
    compiled = compile_records(source).get(name, [])
    return max([record.t_ns, *(each.t_ns for each in compiled[:1])])


def _script_end(source: RunSource) -> tuple[int, bool]:
    """When the script ended, and whether it did; else when it was last heard of, which of a live run is now."""
    end = source.last("end")
    killed = end is not None and fields.text(end.json, "state") == "killed"
    for phase in source.records("phase"):
        start = fields.integer(phase.json, "start_ns")
        if phase.json.get("name") == "finish" and start is not None:
            return start, not killed
    told = fields.integer(end.json, "ended_ns") if end is not None else None
    if told is not None:
        return told, not killed
    if source.being_written():
        return time.time_ns(), False
    newest = [record.t_ns for kind in ("phase", "calls", "program", "env") if (record := source.last(kind)) is not None]
    return max([*newest, *(window.end_ns or 0 for window in observed(source))], default=0), False


@dataclass(frozen=True, slots=True)
class _Told:
    """What is known of a program's calls: windows, those that only count included; what each of the first saw."""

    windows: Sequence[Window]
    counters: Sequence[Window]
    ids: Sequence[int]
    seen: Sequence[int | None]
    hook: int | None
    built: Mapping[int, Compiled]
    ended: bool


@dataclass(frozen=True, slots=True)
class _Calls:
    """Calls of a whole run: to show, whether they were counted, how many are certain, at most, for shares of time."""

    likely: int | None
    exact: bool
    least: int | None
    most: int | None
    guess: int | None


def _calls(record: Record, told: _Told, span: Lifetime) -> _Calls:
    hook = told.hook or 0
    counted = sum(count or 0 for count in told.seen) - seen_again(told.windows, told.ids)
    if fields.boolean(record.json, "callbacks") and hook > max(1, counted - 1):
        # With an effect in the program JAX's fast path is off: every call passes the hook.
        return _Calls(hook, True, hook, hook, hook)
    if _cover_all(told.windows, span) and None not in told.seen and counted:
        every = max(counted, hook)
        return _Calls(every, hook <= counted, every, every, every)
    found = of_program(told.counters, told.ids, told.built, span, told.ended)
    if found is not None:
        at_least = max(found.calls, hook)
        shown = None if found.total is None else max(found.total, hook)
        most = None if found.at_most is None else max(found.at_most, hook)
        guess = max(found.calls + found.guess, hook)
        return _Calls(shown, found.to_end and hook <= found.calls, at_least, most, guess)
    least = max(counted, hook)
    if None in told.seen or counted < _FEWEST:
        # A program without ops leaves no trace in a profile, so that nothing seen does not mean never called.
        return _Calls(None, False, least or None, None, None)
    glimpses = [glimpse(window, told.ids, count or 0) for window, count in zip(told.windows, told.seen, strict=True)]
    guess = max(estimate([each for each in glimpses if each is not None], span), least)
    return _Calls(guess, False, least, None, guess)


def _cover_all(windows: Sequence[Window], span: Lifetime) -> bool:
    """Did one window watch the program from its first call to the end of the script, and lose nothing?"""
    for window in windows:
        lost = window.truncated or any(problem.kind in _LOSSES for problem in window.times.problems)
        if not lost and window.end_ns is not None and window.start_ns is not None:
            began = window.covers_from_start or window.start_ns <= span.start_ns
            if began and window.end_ns >= span.end_ns:
                return True
    return False
