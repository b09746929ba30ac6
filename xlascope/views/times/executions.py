"""The executions that a window saw: when, which of them whole, and how long one takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from xlascope.traces import Profile, complete_runs, union_length
from xlascope.views.times.op_store import Span

SURE = np.iinfo(np.int64).max
_QUIET = 2  # longest ops of a program without one, after which it is not under way; …
_QUIET_NS = 2_000_000  # … at least: a profile that opens or closes misses what runs meanwhile, some 0.1 ms of it


@dataclass(frozen=True, slots=True)
class Edges:
    """Of a window: its length, ns, None where unknown; whether nothing was under way as it opened, and as it closed.

    ``dispatched_before``: what was dispatched before this, ns from its start, had ended as it closed, and that was
    something; None where nobody looked.
    """

    length_ns: int | None
    opens_before: bool
    closes_after: bool
    dispatched_before: int | None = None


@dataclass(frozen=True, slots=True)
class _Executions:
    """Of one program, in the order XLA numbered them: run ids, first start and last end, the longest op; ns."""

    numbers: np.ndarray
    begin: np.ndarray
    stop: np.ndarray
    longest: int


@dataclass(frozen=True, slots=True)
class Calls:
    """Of one program in one window: ``took_ns`` of each execution, and how far the window is known to hold it whole.

    ``silence_ns``: what tells so is that the program was not seen for so long before it or after it (SURE: other
    executions tell, 0: nothing does); ``longest_ns``: its longest op.
    """

    took_ns: np.ndarray
    silence_ns: np.ndarray
    longest_ns: int


def spans(profile: Profile, edges: Edges) -> tuple[Span, ...]:
    """When each program was seen, and how long its executions took that the window did not cut."""
    found, plain = _found(profile)
    silences = _whole_by_ops(profile, found, _silences(found, edges))
    return (*plain, *(_span(number, each, silences[number], _hole(profile, number)) for number, each in found.items()))


def calls(profile: Profile, edges: Edges) -> dict[int, Calls]:
    """The executions in a window, from the first start to the last end of each, by program."""
    found, _ = _found(profile)
    silences = _whole_by_ops(profile, found, _silences(found, edges))
    return {number: Calls(each.stop - each.begin, silences[number], each.longest) for number, each in found.items()}


def whole(told: Sequence[Calls]) -> list[np.ndarray]:
    """Nanoseconds of the executions that windows did not cut, window by window, of one program."""
    longest = max((each.longest_ns for each in told), default=0)
    return [np.maximum(each.took_ns[is_whole(each.silence_ns, longest)], 1) for each in told]


def is_whole(silence_ns: np.ndarray, longest_ns: int) -> np.ndarray:
    """Whether such silences tell that no op was under way, in a program whose longest op, in any window, took so long.
    """
    return silence_ns > max(_QUIET * longest_ns, _QUIET_NS)


def _found(profile: Profile) -> tuple[dict[int, _Executions], list[Span]]:
    """Executions by program, and spans of programs whose events name no run."""
    first, last = profile.start_ns(), profile.end_ns()
    found: dict[int, _Executions] = {}
    plain: list[Span] = []
    for index, key in enumerate(profile.programs):
        mine = np.flatnonzero(profile.ops.program == index)
        if key.program_id is None or not mine.size:
            continue
        runs = profile.ops.run[mine]
        if (runs < 0).any():
            plain.append(Span(key.program_id, int(first[mine].min()), int(last[mine].max())))
        else:
            found[key.program_id] = _executions(profile.run_ids[runs], first[mine], last[mine])
    return found, plain


def _executions(runs: np.ndarray, start: np.ndarray, end: np.ndarray) -> _Executions:
    """Run ids are 32-bit numbers that may wrap."""
    order = (runs - runs[0]).astype(np.int32)
    _, first, group = np.unique(order, return_index=True, return_inverse=True)
    begin, stop = np.full(len(first), np.iinfo(np.int64).max), np.zeros(len(first), np.int64)
    np.minimum.at(begin, group, start)
    np.maximum.at(stop, group, end)
    return _Executions(runs[first], begin, stop, int((end - start).max()))


def _silences(found: Mapping[int, _Executions], edges: Edges) -> dict[int, np.ndarray]:
    """What tells of each execution that it began and ended while the window was open: see `Calls`. An event is in a
    profile only if both of its ends are, so that of one that was cut ops are missing, and it looks shorter than it was.

    What was under way is told by its neighbours: one began where the program's one before it is seen (those that are
    under way together overlap by a little), or where one of any had ended; it ended where the next one is seen, or any
    began after it; else a silence longer than its ops last tells.
    """
    earliest = min((int(each.stop.min()) for each in found.values()), default=0)
    latest = max((int(each.begin.max()) for each in found.values()), default=0)
    ended_before = _ended_before(found, edges.dispatched_before)
    result = {}
    for number, seen in found.items():
        place = np.arange(len(seen.begin))
        began = (place > 0) | (seen.begin >= earliest) | edges.opens_before
        ended = (place < len(place) - 1) | (seen.stop <= latest) | edges.closes_after
        if ended_before is not None:
            ended |= seen.begin < ended_before
        after = edges.length_ns - seen.stop if edges.length_ns is not None else np.zeros_like(seen.stop)
        result[number] = np.minimum(np.where(began, SURE, seen.begin), np.where(ended, SURE, after))
    return result


def _whole_by_ops(
    profile: Profile, found: Mapping[int, _Executions], silences: dict[int, np.ndarray]
) -> dict[int, np.ndarray]:
    """SURE also for those whose every op is seen, in programs of which nothing else tells that one is whole: its HLO is
    read for it.
    """
    result = {}
    for number, seen in found.items():
        told = silences[number]
        if not (told == SURE).any():
            told = np.where(np.isin(seen.numbers, list(complete_runs(profile, number))), SURE, told)
        result[number] = told
    return result


def _ended_before(found: Mapping[int, _Executions], dispatched: int | None) -> int | None:
    """What began before this had ended: where nothing ran at the time ``dispatched``, what began next waited then."""
    if dispatched is None or any(((e.begin < dispatched) & (e.stop > dispatched)).any() for e in found.values()):
        return dispatched
    later = [int(begin) for each in found.values() for begin in each.begin[each.begin >= dispatched][:1]]
    return min(later, default=dispatched - 1) + 1


def _hole(profile: Profile, program_id: int) -> int:
    """Of the earliest execution, the mean over its devices of the time, ns, in which no op was active."""
    ops = profile.ops
    of = [index for index, key in enumerate(profile.programs) if key.program_id == program_id]
    mine = np.flatnonzero(np.isin(ops.program, of))
    mine = mine[ops.run[mine] == ops.run[mine[ops.start_ps[mine].argmin()]]]
    holes = []
    for device in np.unique(ops.device[mine]):
        start, end = ops.start_ps[mine[ops.device[mine] == device]], ops.end_ps[mine[ops.device[mine] == device]]
        holes.append(int(end.max() - start.min()) - union_length(start, end))
    return round(sum(holes) / len(holes) / 1000)


def _span(program_id: int, seen: _Executions, silences: np.ndarray, hole_ns: int = 0) -> Span:
    took = seen.stop - seen.begin
    by_others = silences == SURE
    kept = by_others if by_others.any() else is_whole(silences, seen.longest)
    return Span(
        program_id, int(seen.begin.min()), int(seen.stop.max()), int(seen.numbers[0]), int(seen.numbers[-1]), len(took),
        _typical(took[kept]) if kept.any() else int(took.max()), int(took.sum()),
        int(np.diff(np.sort(seen.begin)).max(initial=0)), int(kept.sum()), seen.longest,
        None if by_others.any() or not kept.any() else int(silences[kept].min()), int(took[seen.begin.argmin()]),
        hole_ns,
    )  # fmt: skip


def _typical(took: np.ndarray) -> int:
    """The mean without the tenth that is longest and the tenth that is shortest, rounded up: one of few."""
    inner = np.sort(took)
    cut = -(-len(inner) // 10) if len(inner) > 2 else 0
    return round(float(inner[cut : len(inner) - cut].mean()))
