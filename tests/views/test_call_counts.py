"""Calls counted by the run ids that a window saw, and what one call takes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.views.recorded_scripts import Recorded
from xlascope.runfile import Chunk
from xlascope.traces import OpTimes
from xlascope.tui.feeding.overview import program_infos, run_overview
from xlascope.tui.text.numbers import percent_at_least
from xlascope.views import open_source, query
from xlascope.views.times.call_count import Compiled, Count, compiled, of_program, seen_again
from xlascope.views.times.call_rate import Lifetime
from xlascope.views.times.call_time import call_time
from xlascope.views.times.executions import (
    SURE,
    Calls,
    Edges,
    _Executions,
    _executions,
    _silences,
    _span,
    _typical,
    is_whole,
    whole,
)
from xlascope.views.times.heat import heat
from xlascope.views.times.op_store import Span
from xlascope.views.times.windows import Window, counting, executables

MS = 1_000_000
BASE = 2**31 - 20  # run ids are 32-bit numbers: they wrap
NOTHING = OpTimes((), (), (), None, 1, "none", ())


def window(number: int, start: int, end: int, calls: dict[int, list[tuple[int, int]]], why: str = "count") -> Window:
    """What a window from ``start`` to ``end`` sees of calls, by executable: (time, run id), each of 1 ms."""
    spans = {}
    for program_id, times in calls.items():
        inside = [(at, run) for at, run in times if start <= at and at + MS <= end]
        if inside:
            first, last = inside[0], inside[-1]
            pause = max((b[0] - a[0] for a, b in pairwise(inside)), default=0)
            spans[program_id] = Span(
                program_id, first[0] - start, last[0] + MS - start, first[1], last[1], len(inside), MS,
                MS * len(inside), pause, len(inside),
            )  # fmt: skip
    chunk = Chunk(number, 0, "profile", None, None, {}, b"")
    return Window(chunk, None, None, why, start, end, False, False, None, str(number), NOTHING, spans)


def numbered(times: list[int], first: int = BASE) -> list[tuple[int, int]]:
    """Run ids as XLA gives them, signed."""
    return [(at, (first + n + 2**31) % 2**32 - 2**31) for n, at in enumerate(times)]


@given(st.integers(2, 40), st.integers(0, 300), st.integers(100, 2000))
def test_one_execution_seen_tells_how_many_there_were(distance: int, unwatched: int, length: int) -> None:
    calls = numbered([1 + at * distance * MS for at in range(unwatched + 200)])
    start = calls[unwatched][0]
    seen = window(1, start, start + length * MS, {7: calls})
    latest = sum(start <= at and at + MS <= start + length * MS for at, _ in calls) + unwatched
    known = {7: Compiled(7, BASE, 0)}
    found = of_program([seen], [7], known, Lifetime(0, start + length * MS), ended=True)
    assert found is not None and (found.calls, found.tail, found.to_end) == (latest, 0, True)
    assert of_program([seen], [7], {7: Compiled(7, None, 0)}, Lifetime(0, start), True) is None


def test_a_count_never_falls_while_the_run_goes_on() -> None:
    rare, burst = numbered([MS + at * 100 * MS for at in range(30)]), numbered([at * MS for at in range(5, 45)], 5)
    windows = [window(n, n * 250 * MS, (n * 250 + 60) * MS, {1: rare, 2: burst}) for n in range(12)]
    known = {1: Compiled(1, BASE, 0), 2: Compiled(2, 5, 0)}
    for number, true in ((1, 30), (2, 40)):
        before = 0
        for upto in range(1, 13):
            life = Lifetime(0, windows[upto - 1].end_ns + 100 * MS)
            found = of_program(windows[:upto], [number], known, life, ended=False)
            calls = before if found is None else found.calls
            assert found is None or found.tail is found.at_most is None
            assert before <= calls <= true
            before = calls
        found = of_program(windows, [number], known, Lifetime(0, 3000 * MS), ended=True)
        assert found.calls == before and found.total == pytest.approx(true, abs=3)


def test_one_execution_in_two_windows_is_one_call() -> None:
    long = [(0, BASE), (300 * MS, BASE)]  # its events of two times
    windows = [window(1, 0, 200 * MS, {7: long}), window(2, 250 * MS, 400 * MS, {7: long})]
    assert [each.spans[7].calls for each in windows] == [1, 1] and seen_again(windows, [7]) == 1
    found = of_program(windows, [7], {7: Compiled(7, BASE, 0)}, Lifetime(0, 500 * MS), ended=False)
    assert found is not None and found.calls == 1


def test_what_is_made_again_each_round_is_not_stretched() -> None:
    """Executables of the same code are numbered together; each was called once, with a pause in between."""
    rounds = {n: numbered([n * 300 * MS], BASE + n) for n in range(30)}
    known = {n: Compiled(n, BASE, n * 300 * MS) for n in rounds}
    windows = [window(n, n * 300 * MS - MS, n * 300 * MS + 20 * MS, rounds) for n in (0, 3, 9, 20, 29)]
    found = of_program(windows, list(rounds), known, Lifetime(0, 9000 * MS), ended=True)
    assert found is not None and found.calls == 30 and found.tail in (0, 1)


def test_few_calls_seen_and_no_watch_after_them_support_no_estimate() -> None:
    calls, known = numbered([5 * MS, 7 * MS, 9 * MS]), {1: Compiled(1, BASE, 0)}
    first = window(1, 0, 11 * MS, {1: calls})
    found = of_program([first], [1], known, Lifetime(0, 5000 * MS), ended=True)
    assert found is not None and (found.calls, found.tail) == (3, None)
    watched = [first, window(2, 20 * MS, 200 * MS, {1: calls})]
    found = of_program(watched, [1], known, Lifetime(0, 5000 * MS), ended=True)
    assert found is not None and (found.calls, found.tail, found.to_end) == (3, 0, False)


def test_what_no_window_saw_is_bounded_by_a_steady_pace() -> None:
    """Every 10 ms, a while unwatched at the end: between none and a call each 8 ms."""
    times = [at * 10 * MS for at in range(120)]
    calls, known = numbered(times), {1: Compiled(1, BASE, 0)}
    windows = [window(n, at * MS, (at + 103) * MS, {1: calls}) for n, at in enumerate((0, 200, 390, 890))]
    found = of_program(windows, [1], known, Lifetime(0, 1203 * MS), ended=True)
    assert found is not None and found.total is not None and found.at_most is not None
    assert found.calls == 100 and found.total in (119, 120, 121) and 121 <= found.at_most <= 130
    # Unwatched for over a third of its life: only what was counted is told, and shares of time rest on a guess.
    early = of_program(windows[:1], [1], known, Lifetime(0, 1203 * MS), ended=True)
    assert early is not None and (early.calls, early.tail, early.at_most) == (11, None, None)
    assert early.guess > 100


def test_one_call_seen_and_a_silent_rest_of_its_window_is_no_count() -> None:
    """After its first call a script compiles other things, so that the window that saw it ends before its loop."""
    calls, known = numbered([0, *(500 * MS + at * MS for at in range(30))]), {1: Compiled(1, BASE, 0)}
    found = of_program([window(1, 0, 300 * MS, {1: calls})], [1], known, Lifetime(0, 600 * MS), ended=True)
    assert found is not None and (found.calls, found.tail, found.at_most) == (1, None, None)


def test_a_first_run_id_that_other_programs_share_is_not_believed() -> None:
    calls = numbered([5000 * MS + at * MS for at in range(20)], BASE + 900)
    both = frozenset({1, 2})
    known = {1: Compiled(1, BASE, 0, both), 2: Compiled(2, BASE, 0, both)}
    late = window(1, 5000 * MS, 5100 * MS, {1: calls})
    assert of_program([late], [1], known, Lifetime(0, 6000 * MS), True) is None
    found = of_program([late], [1], {1: Compiled(1, BASE, 0)}, Lifetime(0, 6000 * MS), True)
    assert found is not None and found.calls == 920


def test_a_call_is_timed_by_the_later_windows_and_without_extremes() -> None:
    runs = np.repeat(np.asarray([2**31 - 2, 2**31 - 1, -(2**31), -(2**31) + 1, -(2**31) + 2]), 2)
    start = np.arange(10) * 10
    end = start + 5
    end[5] = 1000  # the third took long
    seen = _executions(runs, start, end)
    assert seen.numbers.tolist() == runs[::2].tolist() and seen.longest == 950
    assert (seen.stop - seen.begin).tolist() == [15, 15, 960, 15, 15] and seen.begin.tolist() == [0, 20, 40, 60, 80]
    assert _typical(np.asarray([9_000, *[100] * 17, 4_000, 1])) == 100

    slow, quick = Span(1, 0, 1, 0, 9, 10, 1_000_000, 10_000_000, whole=10), Span(1, 0, 1, 500, 599, 100, 2_000, 210_000, whole=100)
    empty = window(1, 0, 1, {})
    first = Window(empty.chunk, None, None, "first", 0, 1, True, False, None, "f", NOTHING, {1: slow})
    later = Window(empty.chunk, None, None, "periodic", 2, 3, False, False, None, "p", NOTHING, {1: quick})
    told = call_time([first, later], [1])
    assert told is not None and (told.ns, told.calls, told.steady) == (2_000, 100, True)
    assert (told.calls_ns, told.seen) == (10_210_000, 110)
    alone = call_time([first], [1])
    assert alone is not None and (alone.ns, alone.steady) == (1_000_000, False)
    assert call_time([first], [2]) is None


def _kept(seen: _Executions, edges: Edges) -> np.ndarray:
    return is_whole(_silences({1: seen}, edges)[1], seen.longest)


@given(
    st.integers(1, 300), st.integers(0, 400), st.integers(1, 12), st.integers(1, 30), st.integers(0, 40),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_calls_that_a_window_cut_are_not_timed(
    op: int, opened: int, ops: int, calls: int, pause: int, before: bool, after: bool
) -> None:
    """Calls of equal ops one right after the other, and what a window of 400 ms sees of them: ops that lie in it whole."""
    length, took = 400, op * ops
    if before:
        opened = 0
    closed = opened + length
    if after:
        closed = max(closed, calls * (took + pause))
    begin = np.repeat(np.arange(calls) * (took + pause), ops) + np.tile(np.arange(ops) * op, calls)
    runs = np.repeat(np.arange(calls), ops)
    inside = (begin >= opened) & (begin + op <= closed)
    if not inside.any():
        return
    seen = _executions(runs[inside], (begin[inside] - opened) * MS, (begin[inside] + op - opened) * MS)
    kept = _kept(seen, Edges((closed - opened) * MS, before, after))
    # What is called whole is; of what is whole, at most the two at the edges are not called so.
    assert set((seen.stop - seen.begin)[kept].tolist()) <= {took * MS}
    assert (np.bincount(runs[inside])[seen.numbers] == ops).sum() - kept.sum() <= (not before) + (not after)


@given(st.integers(1, 60), st.integers(1, 8), st.integers(1, 20), st.integers(0, 40), st.integers(0, 900))
def test_what_was_waited_for_is_whole(op: int, ops: int, calls: int, pause: int, asked: int) -> None:
    """Calls dispatched at once; somebody asks what waits at a time, and closes the window when that, or the next, ends."""
    took = op * ops
    starts = np.arange(calls) * (took + pause)
    waiting = np.flatnonzero(starts + took > asked)
    if not waiting.size:
        return
    closed = int(starts[waiting[0]]) + took + pause // 2
    begin, runs = np.repeat(starts, ops) + np.tile(np.arange(ops) * op, calls), np.repeat(np.arange(calls), ops)
    inside = begin + op <= closed
    seen = _executions(runs[inside], begin[inside], begin[inside] + op)
    kept = _kept(seen, Edges(closed, True, False, asked))
    assert kept.all() and len(kept) == waiting[0] + 1


def test_what_a_profile_misses_as_it_opens_and_closes_is_no_silence() -> None:
    """Ops of 4 us one after the other, in a window of 4.2 ms whose first and last 0.1 ms hold none."""
    start = np.arange(25, 1025) * 4_000
    seen = _executions(np.full(1000, 7), start, start + 4_000)
    assert not _kept(seen, Edges(4_200_000, False, False)).any()
    assert _kept(seen, Edges(4_200_000, True, True)).all()
    later = _executions(np.full(1000, 7), start + 3 * MS, start + 3 * MS + 4_000)
    assert _kept(later, Edges(10 * MS, False, False)).all()


def test_a_time_of_which_only_parts_were_seen_is_a_bound() -> None:
    empty = window(1, 0, 1, {})

    def of(why: str, span: Span) -> Window:
        return Window(empty.chunk, None, None, why, 0, 1, False, False, None, why, NOTHING, {1: span})

    cut = of("periodic", Span(1, 0, 1, 0, 1, 2, 50 * MS, 90 * MS, whole=0))
    told = call_time([cut, of("count", Span(1, 0, 1, 5, 5, 1, 4 * MS, 4 * MS, whole=0))], [1])
    assert told is not None and told.at_least and (told.ns, told.seen) == (50 * MS, 3)
    told = call_time([cut, of("first", Span(1, 0, 1, 0, 2, 3, 120 * MS, 300 * MS, whole=2))], [1])
    assert told is not None and not told.at_least and (told.ns, told.calls) == (120 * MS, 2)


def test_a_silence_that_the_longest_op_can_fill_does_not_tell_that_a_call_was_whole() -> None:
    """A short op, then one of 20 ms that a window of 21 ms cuts; other windows saw how long that one takes."""
    opened, cut = np.asarray([3 * MS]), np.asarray([3 * MS + 40_000])
    edges = Edges(21 * MS, False, False)
    lone = _executions(np.asarray([7]), opened, cut)
    silence = _silences({1: lone}, edges)[1]
    assert silence.tolist() == [3 * MS] and is_whole(silence, lone.longest).all()
    three = Calls(np.asarray([20 * MS] * 3), np.asarray([SURE, SURE, 0]), 20 * MS)
    assert [each.tolist() for each in whole([Calls(lone.stop - lone.begin, silence, lone.longest), three])] == [
        [], [20 * MS, 20 * MS]]
    quick = Calls(lone.stop - lone.begin, silence, lone.longest)
    assert [each.tolist() for each in whole([quick, quick])] == [[40_000], [40_000]]

    empty = window(1, 0, 1, {})

    def of(why: str, span: Span) -> Window:
        return Window(empty.chunk, None, None, why, 0, 1, False, False, None, why, NOTHING, {1: span})

    span = _span(1, lone, silence)
    assert (span.typical_ns, span.whole, span.longest_ns, span.silence_ns) == (40_000, 1, 40_000, 3 * MS)
    told = call_time([of("count", span)], [1])
    assert told is not None and (told.ns, told.calls, told.at_least) == (40_000, 1, False)
    known = of("periodic", Span(1, 0, 1, 0, 1, 3, 20 * MS, 60 * MS, whole=2, longest_ns=20 * MS))
    told = call_time([of("count", span), known], [1])
    assert told is not None and (told.ns, told.calls, told.at_least) == (20 * MS, 2, False)


@pytest.mark.parametrize("fixture", ["one_device", "eight_devices"])
def test_jax_numbers_executions_from_the_fingerprint_on(fixture: str, request: pytest.FixtureRequest) -> None:
    """The run id of an executable's first execution, computed when it is compiled, is the first that events carry."""
    with open_source(request.getfixturevalue(fixture).path) as source:
        first = {n: each.first_run for n, each in compiled(source.records("executable")).items()}
        names = executables(source)
        seen: dict[str, set[tuple[int | None, int | None]]] = {}
        for span in (span for each in counting(source)[:1] for span in each.spans.values()):
            seen.setdefault(names[span.program_id], set()).add((first[span.program_id], span.first_run))
    assert len(seen) > 3 and all(told == found for pairs in seen.values() for told, found in pairs)


def test_shares_are_time_per_call_times_calls(one_device: Recorded) -> None:
    with open_source(one_device.path) as source:
        answer = query("functions", source)
        rows = {row.name: row for row in answer.functions}
        heats = heat(source)
    assert answer.estimated_ns == sum(each.at_least_ns or 0 for each in heats.values())
    for row in rows.values():
        assert row.estimated_ns == sum(heats[name].estimated_ns or 0 for name in row.programs)
        assert row.share == row.estimated_ns / answer.estimated_ns
    loop = heats["loop#1"]
    # Every call was watched: the time is what was seen, no estimate.
    assert loop.per_call is not None and (loop.per_call.seen, loop.estimated_ns) == (11, loop.per_call.calls_ns)
    assert loop.device_ns is not None and loop.device_ns <= loop.per_call.calls_ns
    assert [row.estimated_ns for row in answer.functions] == sorted((r.estimated_ns for r in rows.values()), reverse=True)


def test_what_is_certain_of_a_function_bounds_its_share(one_device: Recorded) -> None:
    with open_source(one_device.path) as source:
        before = next(row for row in query("functions", source).functions if len(row.programs) > 1)
    with open_source(one_device.path) as source:
        hidden, *rest = before.programs
        known = heat(source)
        known[hidden] = replace(known[hidden], calls=None, estimated_ns=None, per_call=None, device_ns=None)
        answer, programs, run = (query(view, source) for view in ("functions", "programs", "run"))
    row = next(row for row in answer.functions if row.name == before.name)
    certain = sum(known[name].estimated_ns or 0 for name in rest)
    assert row.share is None and row.estimated_ns is None and certain
    assert row.share_at_least == certain / answer.estimated_ns
    assert all(row.share_at_least is None for row in answer.functions if row.share is not None)
    shown = run_overview(run, program_infos(programs, ()), programs, answer, None)
    item = next(each for each in shown.functions if each.name == before.name)
    assert item.at_least and item.share == row.share_at_least
    assert any(f"Share at least {percent_at_least(item.share)}: of some of its programs" in said for said in item.told)
    assert not any(each.at_least for each in shown.functions if each is not item)


def test_calls_that_no_window_saw_may_be_as_short_as_the_shortest_seen() -> None:
    """No steady pace, and windows with many calls saw longer ones than came after them: only the short ones bound."""
    known = {1: Compiled(1, BASE, 0)}

    def found(ends: tuple[int, int], short_ns: int) -> Count | None:
        long = Span(1, 0, 60 * MS, BASE, BASE + 5, 6, 10 * MS, 60 * MS, 10 * MS, 6)
        middle = Span(1, 0, 60 * MS, BASE + 60, BASE + 65, 6, 10 * MS, 60 * MS, 10 * MS, 6)
        last = Span(1, 2 * MS, 8 * MS, BASE + 160, BASE + 161, 2, short_ns, 2 * short_ns, 5 * MS, 2)
        empty = window(1, 0, 1, {}).chunk
        windows = [
            Window(empty, None, None, "periodic", start, end, False, False, None, str(start), NOTHING, {1: span})
            for start, end, span in ((0, 60 * MS, long), (1000 * MS, 1060 * MS, middle), (2000 * MS, ends[0], last))
        ]
        return of_program(windows, [1], known, Lifetime(0, ends[1]), ended=True)

    bounded = found((2010 * MS, 2210 * MS), 4 * MS)
    assert bounded is not None and bounded.calls == 162
    assert bounded.at_most is not None and bounded.at_most >= 162 + 200 // 4  # ten calls of 10 ms would be 182 + 7
    # As much time, but of it the window was open without having seen a call end: one can have been under way.
    later = found((2030 * MS, 2210 * MS), 4 * MS)
    assert later is not None and later.at_most == bounded.at_most
    # So short that they would more than double: nothing is known.
    wide = found((2010 * MS, 2210 * MS), MS)
    assert wide is not None and (wide.calls, wide.at_most) == (162, None)
