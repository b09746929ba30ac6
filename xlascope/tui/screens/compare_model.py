"""What the screen of comparison shows: the view's answer, histograms of calls, and how a number was obtained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from xlascope.tui.feeding.live import RunAtHand
from xlascope.tui.model import VariantRow
from xlascope.tui.text.numbers import count, duration, size
from xlascope.tui.widgets.chart import ChartSpec, Series
from xlascope.views.compare import Compare, Program, compare
from xlascope.views.comparing.sides import open_sides
from xlascope.views.comparing.times import both_calls

Words = tuple[str, str]
"""A and B as `xlascope compare` takes them."""
_BINS = 40
_FEW = 3


@dataclass(frozen=True, slots=True)
class Comparison:
    """``calls``: times of single calls on both sides, in ns, by the second program's id."""

    answer: Compare
    calls: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)


def words_of(
    run: RunAtHand, program: str | None, variant: str | None, variants: Sequence[VariantRow]
) -> Words | None:
    """What is compared: both runs when two were opened, else the variant on the screen (or the newest of the program)
    with its baseline; None: nothing.
    """
    if run.against is not None:
        return str(run.against), str(run.path)
    names = [row.name for row in variants]
    name = variant if variant in names else names[-1] if names else None
    if program is None or name is None:
        return None
    return f"{run.path}#baseline", f"{run.path}#{name}"


def read(words: Words) -> Comparison:
    """Raises ViewError for what cannot be read."""
    a, b = open_sides(*words)
    with a.source, b.source:
        answer = compare(a, b)
        calls = {each.program_b: both_calls(a, b, each.program_a, each.program_b) for each in answer.programs}
    return Comparison(answer, calls)


def histogram(comparison: Comparison, program: Program, micro: str = "µ") -> ChartSpec:
    """How long calls took on either side, over each other: the share of calls in each of 40 bins of equal width, the
    slowest twentieth in the last."""
    before, after = comparison.calls.get(program.program_b, (np.zeros(0), np.zeros(0)))
    title = f"{program.program_b}: time per call, A and B"
    if len(before) < _FEW and len(after) < _FEW:
        return ChartSpec(title, empty="too few calls were seen")
    every = np.concatenate([before, after])
    low, high = float(every.min()), max(float(np.quantile(each, 0.95)) for each in (before, after) if len(each))
    unit, scale = next(
        (unit, scale)
        for unit, scale, limit in (("ns", 1.0, 1e3), (f"{micro}s", 1e3, 1e6), ("ms", 1e6, 1e9), ("s", 1e9, np.inf))
        if high < limit
    )
    edges = np.linspace(low, max(high, low * 1.01), _BINS + 1)
    series = []
    for label, times, role, sign in (("A", before, "bar", "a"), ("B", after, "bar_hot", "b")):
        if len(times) >= _FEW:
            shares = np.histogram(np.minimum(times, edges[-1]), edges)[0] / len(times) * 100
            x, y = np.repeat(edges, 2)[1:-1] / scale, np.repeat(shares, 2)
            top = int(np.argmax(y))
            # Its label is written at the last point: the series begins and ends at its peak's bin.
            series.append(Series(label, x.tolist(), y.tolist(), role, True, sign))
            series.append(Series(label, [float(x[top])], [float(y[top])], role, False, sign, named=True))
    return ChartSpec(title, tuple(series), x_label=unit, y_label="% of calls")


def account(answer: Compare, program: Program | None) -> list[str]:
    """How the numbers of a program were obtained, and what to bear in mind of both sides."""
    lines = [f"A  {answer.a}", f"B  {answer.b}", ""]
    if program is not None:
        lines += [f"{program.program_a} → {program.program_b}", *_times(program), *_form(program), ""]
    if answer.drift is not None:
        lines.append(f"A fixed kernel took {answer.drift:.3f} times as long in B as in A.")
    for name, others in (("A", answer.others_a), ("B", answer.others_b)):
        if others is not None:
            lines.append(f"Other processes kept {others:.1f} cores busy while {name} was recorded.")
    return [*lines, *answer.notes]


def _times(program: Program) -> list[str]:
    how = {
        "runs": f"Two runs, one after the other: the time that {program.share or 0:.0%} of the calls seen in windows "
        "stay below: of 5 %, 25 % and half of them what these two runs tell surest. The interval holds chance, what "
        "runs differ by, the machine's drift and what other processes can have done.",
        "in turn": "Measured in turn (A B A B …); the interval comes from neighbouring pairs.",
        "rerun": "Executed again in turn.",
        None: "The times are not compared.",
    }[program.how]
    lines = [how]
    for name, quick, middle, calls in (
        ("A", program.a_ns, program.a_median_ns, program.a_calls),
        ("B", program.b_ns, program.b_median_ns, program.b_calls),
    ):
        lines.append(f"{name}: {duration(quick)}, median {duration(middle)}, of {count(calls)} calls")
    if program.ratio is not None and program.ratio_ci_low is not None and program.ratio_ci_high is not None:
        interval = f"[{program.ratio_ci_low:.3f} to {program.ratio_ci_high:.3f}]"
        lines.append(f"B ÷ A: {program.ratio:.3f} {interval}: {program.verdict or 'no verdict'}")
    return [*lines, program.note] if program.note else lines


def _form(program: Program) -> list[str]:
    a, b = program.a_form, program.b_form
    lines = []
    for what, one, two in (
        ("instructions", count(a.instructions), count(b.instructions)),
        ("fusions", count(a.fusions), count(b.fusions)),
        ("copies", count(a.copies), count(b.copies)),
        ("peak memory", size(a.peak_bytes), size(b.peak_bytes)),
        ("compiled in", duration(a.compile_ns), duration(b.compile_ns)),
    ):
        lines.append(f"{what}: {one} → {two}")
    if program.same_code:
        lines.append("XLA made the same instructions of both.")
    kinds = sorted({*(a.collectives or {}), *(b.collectives or {})})
    lines += [f"{kind}: {(a.collectives or {}).get(kind, 0)} → {(b.collectives or {}).get(kind, 0)}" for kind in kinds]
    if program.opcodes:
        lines.append("by opcode: " + ", ".join(f"{name} {one}→{two}" for name, (one, two) in program.opcodes.items()))
    if program.max_abs_error is not None:
        lines.append(f"largest difference of an output, absolute: {program.max_abs_error:.3g}")
    return lines
