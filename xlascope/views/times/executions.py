"""The executions that a window saw: when, which of them whole, and how long one takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from xlascope.traces import Profile
from xlascope.views.times.op_store import Span

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


def spans(profile: Profile, edges: Edges) -> tuple[Span, ...]:
    """When each program was seen, and how long its executions took that the window did not cut."""
    found, plain = _found(profile)
    whole = _whole(found, edges)
    return (*plain, *(_span(number, each, whole[number]) for number, each in found.items()))


def whole_calls(profile: Profile, edges: Edges) -> dict[int, np.ndarray]:
    """Nanoseconds from the first start to the last end of each execution that the window did not cut, by program."""
    found, _ = _found(profile)
    whole = _whole(found, edges)
    return {
        number: np.maximum((each.stop - each.begin)[whole[number]], 1)
        for number, each in found.items() if whole[number].any()
    }  # fmt: skip


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


def _whole(found: Mapping[int, _Executions], edges: Edges) -> dict[int, np.ndarray]:
    """Which executions began and ended while the window was open. An event is in a profile only if both of its ends
    are, so that of one that was cut ops are missing, and it looks shorter than it was.

    What was under way is told by its neighbours: one began where the program's one before it is seen (those that are
    under way together overlap by a little), or where one of any had ended; it ended where the next one is seen, or any
    began after it; else a silence longer than its ops last tells.
    """
    earliest = min((int(each.stop.min()) for each in found.values()), default=0)
    latest = max((int(each.begin.max()) for each in found.values()), default=0)
    ended_before = _ended_before(found, edges.dispatched_before)
    result = {}
    for number, seen in found.items():
        quiet, place = max(_QUIET * seen.longest, _QUIET_NS), np.arange(len(seen.begin))
        began = (place > 0) | (seen.begin >= earliest) | (seen.begin > quiet) | edges.opens_before
        ended = (place < len(place) - 1) | (seen.stop <= latest) | edges.closes_after
        if edges.length_ns is not None:
            ended |= edges.length_ns - seen.stop > quiet
        if ended_before is not None:
            ended |= seen.begin < ended_before
        result[number] = began & ended
    return result


def _ended_before(found: Mapping[int, _Executions], dispatched: int | None) -> int | None:
    """What began before this had ended: where nothing ran at the time ``dispatched``, what began next waited then."""
    if dispatched is None or any(((e.begin < dispatched) & (e.stop > dispatched)).any() for e in found.values()):
        return dispatched
    later = [int(begin) for each in found.values() for begin in each.begin[each.begin >= dispatched][:1]]
    return min(later, default=dispatched - 1) + 1


def _span(program_id: int, seen: _Executions, whole: np.ndarray) -> Span:
    took = seen.stop - seen.begin
    return Span(
        program_id, int(seen.begin.min()), int(seen.stop.max()), int(seen.numbers[0]), int(seen.numbers[-1]), len(took),
        _typical(took[whole]) if whole.any() else int(took.max()), int(took.sum()),
        int(np.diff(np.sort(seen.begin)).max(initial=0)), int(whole.sum()),
    )  # fmt: skip


def _typical(took: np.ndarray) -> int:
    """The trimmed mean."""
    inner = np.sort(took)
    cut = len(inner) // 10
    return round(float(inner[cut : len(inner) - cut].mean()))
