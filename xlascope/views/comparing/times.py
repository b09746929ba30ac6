"""Times of both sides of a pair of programs, their ratio, and how far the machine was the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp, hypot, log

import numpy as np

from xlascope.ir.passes.lines import bare
from xlascope.runfile import Record
from xlascope.stats import Ratio
from xlascope.stats.runs import (
    BUSY,
    Between,
    Surroundings,
    independent_ratio,
    noise,
    scatter,
    side,
)
from xlascope.stats.runs import Side as Times
from xlascope.traces import ProfileError, read_profile
from xlascope.views import fields
from xlascope.views.cache import checkpoint
from xlascope.views.comparing.sides import Side, same_compiler, variant_records
from xlascope.views.names.variant_names import BASELINE
from xlascope.views.sources.profile_source import ProfileSource
from xlascope.views.sources.source import RunSource
from xlascope.views.sources.stages import stage_text
from xlascope.views.times.executions import Calls, calls, whole
from xlascope.views.times.windows import Window, counting, edges, executables

SAME_RUNS = 0.05
"""What two runs may differ by and be called the same: less cannot be told from run to run."""

ENOUGH_CALLS = 20


@dataclass(frozen=True, slots=True)
class Machine:
    """What a run says of its machine: ``kernel_ns`` the reference kernel's median reading, ``others`` how many cores
    other processes kept busy on average. None: not known.
    """

    kernel_ns: int | None
    others: float | None
    cores: int | None


@dataclass(frozen=True, slots=True)
class Compared:
    """Of one pair. ``how``: ``in turn``, ``runs``, or None: nothing to compare; ``note``: why. ``share``: of runs, that
    of the calls which ``a_ns`` and ``b_ns`` are longer than.
    """

    a_ns: int | None
    b_ns: int | None
    a_median_ns: int | None
    b_median_ns: int | None
    a_calls: int
    b_calls: int
    ratio: Ratio | None
    how: str | None
    note: str | None = None
    share: float | None = None
    same_code: bool | None = None


def machine(side: Side) -> Machine:
    """Of a run that used the processor; of other sides nothing is known."""
    if not isinstance(side.source, RunSource) or not _on_cpu(side):
        return Machine(None, None, None)
    records = side.source.records("reference")
    kernels = [ns for each in records if (ns := fields.integer(each.json, "kernel_ns")) is not None and ns > 0]
    cores = [count for each in records if (count := fields.integer(each.json, "cores")) is not None]
    return Machine(int(np.median(kernels)) if kernels else None, _others(records), cores[-1] if cores else None)


def _others(records: list[Record]) -> float | None:
    """Mean number of cores that others kept busy between the first and the last reading."""
    told = [
        tuple(fields.integer(each.json, key) for key in ("t_ns", "machine_ns", "own_ns")) for each in records
    ]  # fmt: skip
    known = [each for each in told if None not in each]
    if len(known) < 2:
        return None
    (t0, busy0, own0), (t1, busy1, own1) = known[0], known[-1]
    assert t0 is not None and t1 is not None and busy0 is not None and busy1 is not None
    assert own0 is not None and own1 is not None
    return max(((busy1 - busy0) - (own1 - own0)) / (t1 - t0), 0.0) if t1 > t0 else None


def is_told(side: Side) -> bool:
    """Whether it is known how fast and how busy the processor was; it does not matter to a program that ran elsewhere.
    """
    return not _on_cpu(side) or machine(side).kernel_ns is not None


def _on_cpu(side: Side) -> bool:
    record = side.source.last("env") if isinstance(side.source, RunSource) else None
    platform = fields.text(record.json, "platform") if record is not None else None
    return platform in (None, "cpu")


def drift(a: Machine, b: Machine) -> float | None:
    """Time of the reference kernel in b ÷ in a."""
    return b.kernel_ns / a.kernel_ns if a.kernel_ns and b.kernel_ns else None


@dataclass(frozen=True, slots=True)
class Watched:
    """Times of one program's calls in one window; ``others``: cores that others kept busy then, None: not known.

    ``short``: a window too short to tell that.
    """

    times: np.ndarray
    others: float | None
    short: bool


def observed_calls(side: Side) -> Mapping[str, list[Watched]]:
    """Times of calls by program, window by window; of a profile by module."""
    source = side.source
    if isinstance(source, RunSource):
        return source.memo("calls by window", lambda: _of_run(source))
    if isinstance(source, ProfileSource):
        return source.memo("calls by window", lambda: _of_profile(source))
    return {}


def _of_run(source: RunSource) -> dict[str, list[Watched]]:
    seen: dict[int, list[tuple[Window, Calls]]] = {}
    owners = executables(source)
    for window in counting(source):
        checkpoint()
        data = source.chunk_data(window.chunk.id)
        try:
            in_it = calls(read_profile(data), edges(window.chunk)) if data else {}
        except ProfileError:
            continue  # a damaged window is told by the views of its ops
        for number, told in in_it.items():
            if number in owners:
                seen.setdefault(number, []).append((window, told))
    found: dict[str, list[Watched]] = {}
    for number, parts in seen.items():
        times = whole([told for _, told in parts])
        for (window, _), each in zip(parts, times, strict=True):
            if len(each):
                watched = Watched(each, fields.number(window.chunk.json, "others"), window.why == "count")
                found.setdefault(owners[number], []).append(watched)
    return found


def _quiet(windows: list[Watched]) -> tuple[list[np.ndarray], float | None]:
    """The windows in which the program had the machine to itself, where they hold calls enough; else all of them. And
    how many cores others kept busy meanwhile, None: not known.
    """
    known = [each for each in windows if each.others is not None and not each.short]
    quiet = [each for each in known if each.others is not None and each.others <= BUSY[0]]
    if len(quiet) == len(known):
        chosen = windows
    else:
        chosen = quiet if sum(len(each.times) for each in quiet) >= ENOUGH_CALLS else windows
    told = [each for each in chosen if each.others is not None and not each.short]
    calls = sum(len(each.times) for each in told)
    busy = sum(each.others * len(each.times) for each in told if each.others is not None)
    return [each.times for each in chosen], busy / calls if calls else None


def _of_profile(source: ProfileSource) -> dict[str, list[Watched]]:
    modules = {number: name for (number, _), name in source.executed.of.items() if number is not None}
    found: dict[str, list[Watched]] = {}
    for number, hosts in source.calls().items():
        if number in modules:
            found.setdefault(modules[number], []).extend(Watched(times, None, False) for times in hosts)
    return found


def between_runs(a: Side, b: Side, pairs: list[tuple[str, str]]) -> list[Compared]:
    """Each pair of programs, both as observed: calls seen in windows of either run."""
    calls_a, calls_b = observed_calls(a), observed_calls(b)
    machines = machine(a), machine(b)
    parts = [(_quiet(calls_a.get(one, [])), _quiet(calls_b.get(two, []))) for one, two in pairs]
    times = [(side(first[0]), side(second[0])) for first, second in parts]
    known = {pair: (one, two) for pair, (one, two) in zip(pairs, times, strict=True) if one and two}
    unchanged = {pair for pair in known if _same_code(a, b, *pair)} if same_compiler(a, b) else set()
    shaken = noise([known[pair] for pair in pairs if pair in unchanged])
    spread = tuple(map(max, scatter(list(known.values())), shaken))
    moved = drift(*machines)
    found = []
    for pair, (first, second) in zip(pairs, parts, strict=True):
        between = None
        if pair in known:
            around = Surroundings(first[1], machines[0].cores), Surroundings(second[1], machines[1].cores)
            between = independent_ratio(*known[pair], spread, moved, around, pair in unchanged)
        told = [each for each in (_unnumbered(a, pair[0]), _unnumbered(b, pair[1])) if each is not None]
        note = None if between else "; ".join(told) or "too few calls were seen"
        made = _of_calls(first[0], second[0], known.get(pair), between, note)
        found.append(replace(made, same_code=pair in unchanged if pair in known and same_compiler(a, b) else None))
    return found


def _same_code(a: Side, b: Side, one: str, two: str) -> bool:
    """Whether XLA made the same of both programs, instruction for instruction; lines of the script may have moved."""
    if not (isinstance(a.source, RunSource) and isinstance(b.source, RunSource)):
        return False
    texts = stage_text(a.source, one, "optimized"), stage_text(b.source, two, "optimized")
    if texts[0] is None or texts[1] is None:
        return False
    first, second = (
        [bare(line) for line in each.text.splitlines() if line.startswith("  ")] for each in texts if each is not None
    )
    return first == second


def _unnumbered(side: Side, program: str) -> str | None:
    """Of a module whose kernels do not say to which execution they belong: so, and what they took together."""
    if not isinstance(side.source, ProfileSource):
        return None
    numbers = {number for (number, _), name in side.source.executed.of.items() if name == program}
    times = side.source.times()
    rows = [each for each in times.calls if each.program_id in numbers]
    if not rows or any(each.calls is not None for each in rows):
        return None
    spent = sum(each.self_ns for each in times.rows if each.program_id in numbers)
    likely = max((each.likely_calls or 0 for each in rows), default=0)
    calls = f" in likely {likely} calls" if likely else ""
    return f"the kernels of {program} name no execution, so no call is timed; they took {spent / 1e6:.3g} ms{calls}"


def _of_calls(
    a: list[np.ndarray], b: list[np.ndarray], times: tuple[Times, Times] | None, between: Between | None,
    note: str | None,
) -> Compared:  # fmt: skip
    (a_ns, a_median, a_calls), (b_ns, b_median, b_calls) = (
        _middle(windows, times[k] if times else None, between) for k, windows in enumerate((a, b))
    )
    ratio, share = (between.ratio, between.share) if between else (None, None)
    how = "runs" if between else None
    return Compared(a_ns, b_ns, a_median, b_median, a_calls, b_calls, ratio, how, note, share)


def _middle(
    windows: list[np.ndarray], times: Times | None = None, between: Between | None = None
) -> tuple[int | None, int | None, int]:
    if times is not None and between is not None:
        return round(times.ns(between.share)), round(times.median_ns), times.calls
    every = np.concatenate(windows) if windows else np.zeros(0)
    middle = round(float(np.median(every))) if every.size else None
    return middle, middle, int(every.size)


def with_variant(a: Side, b: Side, one: str, two: str) -> Compared:
    """At least one side is a variant. Of one run each variant was measured in turn with its baseline; measurements of
    two runs are as two runs are.
    """
    first, second = variant_records(a).get(one), variant_records(b).get(two)
    if a.source is b.source:
        first, second = (second if a.variant == BASELINE else first), (first if b.variant == BASELINE else second)
    a_ns, a_calls = _measured(a, first, one)
    b_ns, b_calls = _measured(b, second, two)
    plain = Compared(a_ns, b_ns, a_ns, b_ns, a_calls, b_calls, None, None)
    if first is None or second is None:
        return replace(plain, note="one was measured apart, the other watched in the script: no times to compare")
    if a.source is not b.source:
        samples = [_samples(a, first)], [_samples(b, second)]
        times = side(samples[0]), side(samples[1])
        if times[0] is None or times[1] is None:
            return replace(plain, note="too few samples are held")
        known = times[0], times[1]
        return _of_calls(*samples, known, independent_ratio(*known, drift=drift(machine(a), machine(b))), None)
    exact = Ratio(1.0, 1.0, 1.0)
    ratios = exact if a.variant == BASELINE else _own(first), exact if b.variant == BASELINE else _own(second)
    if ratios[0] is None or ratios[1] is None:
        return replace(plain, note="no interval was measured")
    if ratios == (exact, exact) or (first.id == second.id and a.variant == b.variant):
        return replace(plain, note="both are the same measurement")
    return replace(plain, ratio=_quotient(ratios[0], ratios[1]), how="in turn")


def single_calls(side: Side, program: str, other: Record | None = None) -> np.ndarray:
    """Times of a program's calls, in ns: those seen in windows, or the samples of a variant.

    ``other``: the measurement whose baseline is meant.
    """
    if side.variant is None:
        windows = [each.times for each in observed_calls(side).get(program, [])]
        return np.concatenate(windows) if windows else np.zeros(0, np.int64)
    record = other if side.variant == BASELINE and other is not None else variant_records(side).get(program)
    return _samples(side, record) if record is not None else np.zeros(0, np.int64)


def both_calls(a: Side, b: Side, one: str, two: str) -> tuple[np.ndarray, np.ndarray]:
    """`single_calls` of both sides of a pair of programs."""
    same = a.source is b.source
    first, second = variant_records(a).get(one), variant_records(b).get(two)
    return single_calls(a, one, second if same else None), single_calls(b, two, first if same else None)


def _samples(side: Side, record: Record) -> np.ndarray:
    """Times of one call, in ns, of a measurement; empty where they are not held."""
    wanted = BASELINE if side.variant == BASELINE else "variant"
    assert isinstance(side.source, RunSource)
    for chunk in side.source.chunks("samples", data=False):
        if chunk.json.get("variant_record") == record.id and chunk.json.get("what") == wanted:
            data = side.source.chunk_data(chunk.id)
            if data is not None and len(data) % 8 == 0:
                return np.maximum(np.frombuffer(data, "<i8"), 1)
    return np.zeros(0, np.int64)


def _measured(side: Side, record: Record | None, program: str) -> tuple[int | None, int]:
    if record is None:
        _, middle, calls = _middle([each.times for each in observed_calls(side).get(program, [])])
        return middle, calls
    key = "baseline_median_ns" if side.variant == BASELINE else "median_ns"
    return fields.whole_ns(record.json, key), fields.integer(record.json, "samples") or 0


def _own(record: Record) -> Ratio | None:
    values = [fields.number(record.json, key) for key in ("ratio", "ratio_ci_low", "ratio_ci_high")]
    middle, low, high = values
    if middle is None or low is None or high is None or min(middle, low, high) <= 0:
        return None
    return Ratio(middle, low, high)


def _quotient(a: Ratio, b: Ratio) -> Ratio:
    """b ÷ a, two measurements with the same baseline: their errors are independent."""
    middle = log(b.ratio / a.ratio)
    low = hypot(log(b.ratio / b.low), log(a.high / a.ratio))
    high = hypot(log(b.high / b.ratio), log(a.ratio / a.low))
    return Ratio(exp(middle), exp(middle - low), exp(middle + high))

