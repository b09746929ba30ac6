"""How often a program was called, counted: XLA numbers the executions of an executable one after the other.

The ``run_id`` of an executable's n-th execution is that of its first plus n - 1, as 32-bit numbers, and the first is
known when it is compiled; executables of the same code are numbered together (seen on CPU with JAX 0.10.2 and
0.12.0). So one execution in a window tells how many there
had been by then, although nobody watched them; only what came after the last one seen is estimated.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from xlascope.runfile import Record
from xlascope.views import fields
from xlascope.views.times.call_rate import Lifetime
from xlascope.views.times.windows import Window

_SILENT_NS = 30_000_000
_MANY = 50
# Fewer executions make no rate; as many that should have come and did not mean that there are no more.
_FEW = 5
_STOPPED_NS = 100_000_000
# Shares of the time it can have been called in: after a longer unwatched end no count is shown. The first window alone
# sees calls that wait for the compiler and for cold memory.
_UNWATCHED, _UNWATCHED_AFTER_FIRST = 1 / 3, 1 / 10
_UNBOUNDED = 1 / 10  # of the calls counted: a longer tail that nothing bounds is not shown
# A pace is steady when three stretches between windows show it within this factor; room for what is not steady.
_STEADY, _STRETCHES, _ROOM = 1.5, 3, 1.25
_FASTEST_NS = 1_000  # no executable is executed more often: a first run id that would say so is not believed


@dataclass(frozen=True, slots=True)
class Compiled:
    """One executable: when it was compiled, and the run id of its first execution (None: unknown).

    ``together``: all executables that have that first run id, this one included.
    """

    program_id: int
    first_run: int | None
    t_ns: int
    together: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Count:
    """``calls`` up to the last execution that a window saw; ``tail`` is estimated for the time after it.

    ``tail`` None: what was seen supports no estimate; ``guess`` is one all the same, for shares of time. ``most``: the
    tail at most, None where nothing bounds it well (see `_most`). ``to_end``: the window was still open when there
    could be no more.
    """

    calls: int
    tail: int | None
    to_end: bool
    most: int | None = None
    guess: int = 0

    @property
    def total(self) -> int | None:
        """Calls seen and estimated; None where the rest is unknown."""
        return None if self.tail is None else self.calls + self.tail

    @property
    def at_most(self) -> int | None:
        """What the calls cannot exceed; None where nothing bounds them."""
        return None if self.most is None else self.calls + self.most


@dataclass(frozen=True, slots=True)
class _Tail:
    """Calls after the last one seen: what to show (None: nothing supports it), at most, and for shares of time."""

    likely: int | None
    most: int | None
    guess: int


def compiled(records: Iterable[Record]) -> dict[int, Compiled]:
    """The executables of ``executable`` records, by their ``program_id`` in profiles."""
    found: dict[int, Compiled] = {}
    for record in records:
        number = fields.text(record.json, "program_id")
        if number is not None and number.isascii() and number.isdigit() and len(number) < 20:
            found.setdefault(int(number), Compiled(int(number), fields.integer(record.json, "first_run"), record.t_ns))
    together: dict[int | None, set[int]] = {}
    for each in found.values():
        together.setdefault(each.first_run, set()).add(each.program_id)
    shared = {run: frozenset(numbers) for run, numbers in together.items()}
    return {number: replace(each, together=shared[each.first_run]) for number, each in found.items()}


@dataclass(frozen=True, slots=True)
class _Glance:
    """What one window saw of executables that are numbered together; times are `time.time_ns`."""

    window: Window
    first_ns: int
    last_ns: int
    first_run: int
    last_run: int
    calls: int
    pause_ns: int
    typical_ns: int | None = None


@dataclass(frozen=True, slots=True)
class _Series:
    """Executables of one program whose executions XLA numbers as one series: those with the same code."""

    ids: frozenset[int]
    base: int | None
    start_ns: int
    glances: tuple[_Glance, ...] | None  # None: a window saw executions without run ids


def of_program(
    windows: Sequence[Window], ids: Sequence[int], known: Mapping[int, Compiled], life: Lifetime, ended: bool
) -> Count | None:
    """All executables of one program together; None where run ids are absent or do not tell how many came before.

    While the script runs on (``ended`` false) nothing is estimated for the time after the last execution seen.
    """
    parts: list[Count] = []
    unseen = 0
    every = _series(windows, ids, known, life)
    for place, series in enumerate(every):
        if series.glances is None:
            return None
        if not series.glances:
            unseen += 1
            continue
        span = Lifetime(max(life.start_ns, series.start_ns), life.end_ns)
        following = every[place + 1].start_ns if place + 1 < len(every) else None
        if following is not None and series.glances[-1].last_ns <= following:
            span = replace(span, end_ns=min(life.end_ns, following))  # what was compiled anew is called instead
        part = _count(windows, series, span, ended)
        if part is None:
            return None
        parts.append(part)
    if not parts:
        return None
    calls, totals = sum(part.calls for part in parts), [part.total for part in parts]
    guess, most = sum(part.guess for part in parts), fields.total([part.most for part in parts])
    if unseen:
        # Each was compiled to be called: as often as those of its program that were seen, else nobody knows.
        typical = round(statistics.median(part.calls for part in parts))
        calls += unseen
        totals += [typical if len(parts) >= _FEW else None] * unseen
        guess, most = guess + (typical - 1) * unseen, None
    total = fields.total(totals)
    return Count(
        calls, None if total is None else total - calls, not unseen and all(part.to_end for part in parts), most, guess
    )


def _series(
    windows: Sequence[Window], ids: Sequence[int], known: Mapping[int, Compiled], life: Lifetime
) -> list[_Series]:
    """In the order they were compiled. A first run id that executables of other programs share tells nothing."""
    groups: dict[object, list[int]] = {}
    for number in ids:
        base = known[number].first_run if number in known else None
        shared = number in known and not known[number].together <= set(ids)
        groups.setdefault(("alone", number) if base is None or shared else base, []).append(number)
    found = []
    for key, numbers in groups.items():
        wanted = frozenset(numbers)
        start = min((known[number].t_ns for number in numbers if number in known), default=life.start_ns)
        found.append(_Series(wanted, key if isinstance(key, int) else None, start, _glances(windows, wanted)))
    return sorted(found, key=lambda series: series.start_ns)


def _glances(windows: Sequence[Window], ids: frozenset[int]) -> tuple[_Glance, ...] | None:
    found = []
    for window in windows:
        spans = sorted((span for number, span in window.spans.items() if number in ids), key=lambda s: s.first_ns)
        if not spans or window.start_ns is None:
            continue
        first, last = spans[0], max(spans, key=lambda span: span.last_ns)
        if first.first_run is None or last.last_run is None or any(span.last_run is None for span in spans):
            return None
        begin = window.start_ns
        found.append(
            _Glance(
                window, begin + first.first_ns, begin + last.last_ns, first.first_run, last.last_run,
                sum(span.calls for span in spans), max(span.pause_ns for span in spans),
                min((span.typical_ns for span in spans if span.typical_ns and span.whole), default=None),
            )
        )  # fmt: skip
    return tuple(found)


def _count(windows: Sequence[Window], series: _Series, life: Lifetime, ended: bool) -> Count | None:
    """Executions of one series; None where run ids are not in sequence and the first one is unknown."""
    glances = series.glances or ()
    first, last = glances[0], glances[-1]
    begin = first.first_run
    if series.base is not None and _plausible(series.base, first, series.start_ns):
        begin = series.base
    elif not _seen_from_first(first, life) or any(map(_incomplete, glances)):
        return None
    calls = _steps(begin, last.last_run) + 1
    # One that a window closed on and the next one opened on is seen by both.
    again = sum(before.last_run == after.first_run for before, after in pairwise(glances))
    if calls < sum(each.calls for each in glances) - again:
        return None
    tail = _tail(windows, glances, life, calls) if ended else _Tail(None, None, 0)
    return Count(calls, tail.likely, (last.window.end_ns or 0) >= life.end_ns, tail.most, tail.guess)


def _seen_from_first(first: _Glance, life: Lifetime) -> bool:
    return first.window.covers_from_start or (first.window.start_ns or 0) <= life.start_ns


def _incomplete(glance: _Glance) -> bool:
    """Did the window see another number of executions than its first and last run id say?"""
    return _steps(glance.first_run, glance.last_run) + 1 != glance.calls


def _plausible(base: int, first: _Glance, start_ns: int) -> bool:
    """Can there have been that many executions between the compilation and the first window that saw one?"""
    return _steps(base, first.first_run) <= max((first.first_ns - start_ns) // _FASTEST_NS, 1_000)


def seen_again(windows: Sequence[Window], ids: Iterable[int]) -> int:
    """How many executions two windows saw parts of: one closed, and the next one opened, while they ran."""
    again = 0
    for number in ids:
        spans = [window.spans[number] for window in windows if number in window.spans]
        again += sum(a.last_run is not None and a.last_run == b.first_run for a, b in pairwise(spans))
    return again


def _steps(begin: int, end: int) -> int:
    return (end - begin) & 0xFFFFFFFF


def _tail(windows: Sequence[Window], glances: Sequence[_Glance], life: Lifetime, calls: int) -> _Tail:
    """Calls after the last one seen, at the mean rate before it; none where it was no longer called."""
    last = glances[-1]
    start, end, latest = last.window.start_ns or 0, last.window.end_ns or 0, last.last_ns
    left = life.end_ns - max(end, latest)
    if left <= 0:
        return _Tail(0, 0, 0)
    later = [w for w in windows if (w.start_ns or 0) > end and (w.end_ns or 0) <= life.end_ns]
    watched = max(end - latest, 0) + sum(w.seconds_ns or 0 for w in later)
    runs, time = _rate(glances, life, calls)
    distance = time / runs if runs else 0.0
    unwatched = left - sum(w.seconds_ns or 0 for w in later)
    # A call that was going on when the window closed is in no window.
    most = _most(glances, unwatched + max(end - latest, 0), calls)
    if runs < _FEW or time <= 0:
        # The end of a window says little: after its first call a script compiles other things.
        silent = sum(w.seconds_ns or 0 for w in later)
        return _Tail(0 if silent >= max(_FEW * distance, _STOPPED_NS) else None, None, 0)
    # The last events of a window may be missing from it, so that a short silence at its end means nothing.
    silence = max(_FEW * distance, 2.0 * _longest_pause(windows, glances))
    if runs >= _MANY:
        silence = max(silence, _SILENT_NS, (end - start) / 4)
    if end - latest > silence:
        return _Tail(0, most, 0)
    if later and watched > silence:
        # It stopped in between, nobody knows when.
        left = (min(w.start_ns or 0 for w in later) - max(end, latest)) // 2
    guess = round(left / distance)
    longest = _UNWATCHED if any(map(_steady, glances)) else _UNWATCHED_AFTER_FIRST
    wild = left > longest * (life.end_ns - life.start_ns) or sum(each.calls for each in glances) == 1
    wild = wild or (most is None and guess > calls * _UNBOUNDED)
    return _Tail(None, None, guess) if wild else _Tail(guess, most if most is None else max(most, guess), guess)


def _steady(glance: _Glance) -> bool:
    return glance.window.why != "first"


def _most(glances: Sequence[_Glance], unwatched: int, calls: int) -> int | None:
    """Calls in unwatched time at most: at the fastest of steady paces, else as short as any window saw them, one right
    after the other: a call takes longer while a window is open, and on a busy machine.

    None where there is neither, and where calls could have been more than doubled: that tells nothing.
    """
    stretches = [(_steps(a.last_run, b.last_run), b.last_ns - a.last_ns) for a, b in pairwise(glances)]
    paces = [runs / time for runs, time in stretches if runs >= _FEW and time > 0]
    if len(paces) >= _STRETCHES and max(paces) <= _STEADY * min(paces):
        return math.ceil(unwatched * max(paces) * _ROOM) + 1
    shortest = min((each.typical_ns for each in glances if each.typical_ns and _steady(each)), default=None)
    if shortest is None:
        return None
    most = math.ceil(unwatched / shortest * _ROOM) + 1
    return most if most <= calls else None


def _longest_pause(windows: Sequence[Window], glances: Sequence[_Glance]) -> int:
    """The longest time, as far as windows saw, without a call after which there was one again, ns."""
    first, last = glances[0], glances[-1]
    pauses = [each.pause_ns for each in glances]
    pauses += [(each.window.end_ns or 0) - each.last_ns for each in glances[:-1]]
    pauses += [each.first_ns - (each.window.start_ns or 0) for each in glances[1:]]
    seen = {each.window.chunk.id for each in glances}
    between = (first.window.end_ns or 0, last.window.start_ns or 0)
    pauses += [
        window.seconds_ns or 0
        for window in windows
        if window.chunk.id not in seen and between[0] <= (window.start_ns or 0) < between[1]
    ]
    return max(pauses)


def _rate(glances: Sequence[_Glance], life: Lifetime, calls: int) -> tuple[int, int]:
    """Executions, and the time they took place in, ns: since a window before, else since the first call."""
    last = glances[-1]
    for before in reversed(glances[:-1]):
        runs = _steps(before.last_run, last.last_run)
        if runs >= _MANY:
            return runs, last.last_ns - before.last_ns
    inside = _steps(last.first_run, last.last_run)
    if inside >= _MANY and calls - inside < _MANY:
        return inside, last.last_ns - last.first_ns
    return calls - 1, last.last_ns - life.start_ns
