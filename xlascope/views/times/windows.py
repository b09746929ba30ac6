"""The profile windows of a run, as op times: computed once for each window, kept in memory and on disk."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from xlascope.ir import HloModule
from xlascope.runfile import Chunk
from xlascope.traces import OpTimes, Problem, Profile, ProfileError, merge, op_table, read_profile
from xlascope.views import fields
from xlascope.views.cache import checkpoint
from xlascope.views.names.program_records import program_id
from xlascope.views.sources.source import RunSource
from xlascope.views.sources.stages import hlo_module
from xlascope.views.times import op_store
from xlascope.views.times.executions import Edges, spans
from xlascope.views.times.op_store import Kept, Span

_OBSERVED = ("first", "periodic", None)
_HOLE, _FIRST_WORTH = 0.1, 0.01
_EMPTY = OpTimes((), (), (), None, 0, "none", ())
Calls = Mapping[int, Mapping[str, tuple[str, ...]]]
# Computations that are executed as a part of their caller: their instructions are never events of their own.
_EMBEDDED = frozenset({"fusion", "reduce", "reduce-window", "map", "sort", "scatter", "select-and-scatter"})


@dataclass(frozen=True, slots=True)
class Window:
    """One profile. ``start_ns`` and ``end_ns`` are `time.time_ns` of its opening and closing, None when unknown.

    ``spans`` tell by program number when in the window it was seen.
    """

    chunk: Chunk
    program: str | None
    variant: str | None
    why: str | None
    start_ns: int | None
    end_ns: int | None
    covers_from_start: bool
    truncated: bool
    variant_record: int | None
    identity: str
    times: OpTimes
    spans: Mapping[int, Span]
    left_out: frozenset[int] = frozenset()

    @property
    def seconds_ns(self) -> int | None:
        """Its length in ns; None where nobody noted it."""
        if self.start_ns is None or self.end_ns is None:
            return self.times.window_ns
        return max(self.end_ns - self.start_ns, 0)


@dataclass(frozen=True, slots=True)
class _Limits:
    """Of a first call: so many later ones, so much slower than these, such a share of all."""

    later: int
    slower: float
    share: float


_SLOW, _HOLLOW = _Limits(200, 5, 0.2), _Limits(5, 3, 0.1)
_TOLD = _Limits(1, 5, 0.2)


@dataclass(frozen=True, slots=True)
class FirstCall:
    """A first call: what it took from its first start to its last end, and what later ones take on average, ns; whether
    op times leave it out.
    """

    took_ns: int
    later_ns: int
    left_out: bool = True


def executables(source: RunSource) -> dict[int, str]:
    """Program by the number that events of a profile carry (``program_id``, as a signed 64-bit number)."""
    return source.memo("executables", lambda: _executables(source))


def _executables(source: RunSource) -> dict[int, str]:
    found: dict[int, str] = {}
    for record in source.records("executable"):
        name = record.program or program_id(record)
        if name is None:
            continue
        for text in fields.texts(record.json, "program_ids"):
            digits = text.removeprefix("-")
            if digits.isascii() and digits.isdigit() and len(digits) < 21:
                found[signed(int(text))] = name
    return found


def signed(number: int) -> int:
    """A ``program_id`` as profiles carry it."""
    number &= (1 << 64) - 1
    return number - (1 << 64) if number >> 63 else number


def observed(source: RunSource) -> tuple[Window, ...]:
    """The windows in which the script itself was watched, oldest first."""


    def read() -> tuple[Window, ...]:
        return tuple(window for window in _windows(source) if window.variant is None and window.why in _OBSERVED)

    return source.memo("observed windows", read)


def counting(source: RunSource) -> tuple[Window, ...]:
    """The windows of `observed`, and those too short for op times, which only count calls; oldest first."""

    def read() -> tuple[Window, ...]:
        return tuple(w for w in _windows(source) if w.variant is None and w.why in (*_OBSERVED, "count"))

    return source.memo("counting windows", read)


def of_variant(source: RunSource, program: str, variant: str, record: int | None, why: str) -> tuple[Window, ...]:
    """The profiles made of a measurement: ``why`` is variant or baseline; of one record where windows name it."""
    mine = [w for w in _windows(source) if w.program == program and w.variant == variant and w.why == why]
    named = [w for w in mine if w.variant_record == record]
    return tuple(named or mine[-1:])


def total(source: RunSource, windows: tuple[Window, ...]) -> OpTimes:
    """Several windows as one. New windows are added to the sum of those before them."""
    if not windows:
        return _EMPTY
    key = ("sum", windows[0].program, windows[0].variant, windows[0].why, any(w.left_out for w in windows))
    before, times = source.keep.get(key) or ((), _EMPTY)
    if windows[: len(before)] != before or not before:
        before, times = windows, merge(window.times for window in windows)
    elif len(windows) > len(before):
        before, times = windows, merge([times, *(window.times for window in windows[len(before) :])])
    source.keep.put(key, (before, times))
    return times


def _windows(source: RunSource) -> list[Window]:
    return source.memo("windows", lambda: [_window(source, chunk) for chunk in source.chunks("profile", data=False)])


def _window(source: RunSource, chunk: Chunk) -> Window:
    checkpoint()
    meta = chunk.json
    identity = f"{chunk.id} {chunk.t_ns} {json.dumps(meta, sort_keys=True)}"
    kept = _kept(source, chunk, identity)
    return Window(
        chunk=chunk,
        program=chunk.program,
        variant=chunk.variant,
        why=fields.text(meta, "why"),
        start_ns=fields.integer(meta, "start_ns"),
        end_ns=fields.integer(meta, "end_ns"),
        covers_from_start=fields.boolean(meta, "covers_from_start") is True,
        truncated=bool(meta.get("truncated")),
        variant_record=fields.integer(meta, "variant_record"),
        identity=identity,
        times=kept.times,
        spans={span.program_id: span for span in kept.spans},
    )


def steady(source: RunSource) -> tuple[Window, ...]:
    """The windows of `observed` without first calls that would outweigh all others seen; see `first_calls`."""

    def read() -> tuple[Window, ...]:
        left_out = first_calls(source)
        return tuple(_without(source, window, left_out) for window in observed(source))

    return source.memo("steady windows", read)


def first_calls(source: RunSource) -> dict[int, FirstCall]:
    """Each program's first call that is left out of op times, by program number.

    The first call pays for fresh memory and sleeping threads. Windows see most first calls and few later ones, so that
    their sum would speak of the first. It is left out where at least 200 later ones were seen, it took over 5 times
    their mean, and over a fifth of all the program's time seen; where no op ran in a tenth of it (threads that are yet
    to start), at 5, 3 times, and a tenth. What is next to nothing in the whole stays.
    """
    return {number: call for number, call in slow_first_calls(source).items() if call.left_out}


def slow_first_calls(source: RunSource) -> dict[int, FirstCall]:
    """The first calls that op times leave out, and those, over 5 times slower than later ones and over a fifth of all
    that was seen of the program, that are in them all the same: too few later ones are there to speak for it.
    """
    return source.memo("first calls", lambda: _first_calls(source))


def _first_calls(source: RunSource) -> dict[int, FirstCall]:
    windows, found = observed(source), {}
    whole = sum(span.calls_ns or 0 for window in windows for span in window.spans.values())
    for number in dict.fromkeys(number for window in windows for number in window.spans):
        seen = [window for window in windows if number in window.spans]
        calls = sum(window.spans[number].calls for window in seen)
        spent = sum(window.spans[number].calls_ns or 0 for window in seen)
        first = seen[0].spans[number].opening_ns
        if seen[0].why != "first" or calls < 2 or first < _FIRST_WORTH * whole:
            continue
        mean = (spent - first) / (calls - 1)
        hollow = seen[0].spans[number].hole_ns > _HOLE * first
        for limits, left_out in ((_HOLLOW if hollow else _SLOW, True), (_TOLD, False)):
            if calls > limits.later and first > limits.slower * mean and first > limits.share * spent:
                found[number] = FirstCall(first, round(mean), left_out)
                break
    return found


def opening_calls(source: RunSource) -> dict[int, int]:
    """What each program's first call took, ns, by program number, of those whose first call a window saw."""
    found: dict[int, int] = {}
    seen: set[int] = set()
    for window in observed(source):
        for number, span in window.spans.items():
            if number not in seen and window.why == "first" and span.opening_ns:
                found[number] = span.opening_ns
            seen.add(number)
    return found


def _without(source: RunSource, window: Window, left_out: Collection[int]) -> Window:
    """The window without the first calls that it saw."""
    earlier = [w for w in observed(source) if w.chunk.id < window.chunk.id]
    mine = {n for n in left_out if n in window.spans and not any(n in w.spans for w in earlier)}
    if not mine:
        return window
    return replace(window, times=_kept(source, window.chunk, window.identity, None, frozenset(mine)).times,
                   left_out=frozenset(mine))  # fmt: skip


def of_programs(source: RunSource, windows: tuple[Window, ...], program_ids: frozenset[int]) -> OpTimes:
    """The op times of some programs alone, as if nothing else had run: their own busy time and coverage."""
    parts = []
    for window in windows:
        # Most windows of a long run do not hold most programs.
        if any(call.program_id in program_ids for call in window.times.calls):
            checkpoint()
            parts.append(_kept(source, window.chunk, window.identity, program_ids, window.left_out).times)
    return merge(parts) if parts else _EMPTY


def _kept(
    source: RunSource,
    chunk: Chunk,
    identity: str,
    only: frozenset[int] | None = None,
    cold: frozenset[int] = frozenset(),
) -> Kept:
    """Op times of one window. They are computed again while call graphs were missing and new ones have come.

    ``only``: of these programs alone; ``cold``: without the first execution in the window of these.
    """
    part = (chunk.id, only, cold)
    settled = source.keep.get(("times", part, 0))
    if settled is not None:
        return settled
    known = len(executables(source))
    found = source.keep.get(("times", part, known))
    if found is not None:
        return found
    wanted = "" if only is None else f" {sorted(only)}"
    if cold:
        wanted += f" without {sorted(cold)}"
    import hashlib  # of runs alone: a profile is opened sooner without it

    place = op_store.Place(source.run_id, hashlib.sha256(f"{identity} {known}{wanted}".encode()).hexdigest())
    kept = op_store.load(place)
    if kept is None:
        kept = _read(source, chunk, only, cold)
        op_store.store(place, kept)
    guessed = "containment" in kept.times.nesting
    source.keep.put(("times", part, known if guessed else 0), kept)
    return kept


def _read(source: RunSource, chunk: Chunk, only: frozenset[int] | None, cold: frozenset[int]) -> Kept:
    data = source.chunk_data(chunk.id)
    if data is None:
        return _broken("the profile of a window cannot be read from the run file")
    try:
        profile = read_profile(data)
    except ProfileError as error:
        return _broken(f"the profile of a window cannot be read: {error}")
    checkpoint()
    parents: dict[int | str, Mapping[str, tuple[str, ...]]] = {}
    for key in profile.programs:
        if key.program_id is not None and key.program_id not in profile.hlo_protos:
            module = _module(source, chunk, key.program_id)
            if module is not None:
                parents[key.program_id] = call_parents(module)
    profile = profile if only is None else profile.of_programs(only)
    profile = _without_first_runs(profile, cold) if cold else profile
    return Kept(op_table(profile, parents or None), spans(profile, edges(chunk)))


def edges(chunk: Chunk) -> Edges:
    """What a window may have cut, by when it was opened and closed."""
    why = fields.text(chunk.json, "why")
    measured = why in ("variant", "baseline")  # opened and closed around calls, unless it was ended in one
    start, end = fields.integer(chunk.json, "start_ns"), fields.integer(chunk.json, "end_ns")
    length = end - start if start is not None and end is not None else None
    settled = fields.integer(chunk.json, "settled_ns")
    dispatched_before = settled - start if settled is not None and start is not None else None
    closes_after = measured and not chunk.json.get("truncated")
    return Edges(length, measured or why == "first", closes_after, dispatched_before)


def _module(source: RunSource, chunk: Chunk, program_id: int) -> HloModule | None:
    """The optimized HLO of what a profile's event was executed for."""
    if chunk.variant is not None and chunk.program is not None:
        return hlo_module(source, chunk.program, "optimized", chunk.variant)
    name = executables(source).get(program_id)
    return None if name is None else hlo_module(source, name)


def _without_first_runs(profile: Profile, program_ids: frozenset[int]) -> Profile:
    """The profile without the earliest execution of some programs."""
    ops, spans = profile.ops, profile.device_spans
    keep_ops, keep_spans = np.ones(len(ops.program), bool), np.ones(len(spans.program), bool)
    for index, key in enumerate(profile.programs):
        mine = np.flatnonzero(ops.program == index)
        if key.program_id in program_ids and mine.size:
            run = ops.run[mine[ops.start_ps[mine].argmin()]]
            keep_ops &= (ops.program != index) | (ops.run != run)
            keep_spans &= (spans.program != index) | (spans.run != run)
    return replace(profile, ops=ops.take(keep_ops), device_spans=spans.take(keep_spans))


def _broken(sentence: str) -> Kept:
    return Kept(OpTimes((), (), (), None, 1, "none", (Problem("broken", sentence),)), ())


def call_parents(module: HloModule) -> dict[str, tuple[str, ...]]:
    """For each instruction inside of a called computation, the instructions that call it."""
    found: dict[str, tuple[str, ...]] = {}
    for computation in module.computations:
        callers = tuple(
            caller.name for caller in module.callers(computation.name) if caller.opcode not in _EMBEDDED
        )
        if callers:
            found.update(dict.fromkeys(computation.names, callers))
    return found
