"""The view ``variants`` as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.console import RenderableType
from rich.text import Text

from xlascope.report.text.tables import (
    UNKNOWN,
    Column,
    count,
    duration,
    fixed_column,
    heading,
    note,
    number_column,
    size,
    table,
    warning,
)
from xlascope.stats import opposed
from xlascope.tui.text.agreement import agreement, brief_agreement
from xlascope.views.variants import Variant, Variants

_STYLES = {"faster": "green", "slower": "red"}


def variants(answer: Variants) -> Iterable[RenderableType]:
    """The view `variants` as text."""
    yield heading(answer.program)
    if not answer.rows:
        yield note("No variant was measured yet; `xlascope measure` adds one.")
    else:
        columns = [
            fixed_column("id"),
            Column("variant", least=12),
            fixed_column("verdict"),
            number_column("ratio"),
            number_column("95% interval"),
            number_column("variant"),
            number_column("baseline", 2),
            number_column("n", 3),
            number_column("fusions"),
            number_column("outputs", 1),
            number_column("peak", 5),
            fixed_column("where", 4),
        ]
        yield table(columns, [_row(each) for each in answer.rows])
        yield note("variant, baseline: medians of all calls of either. ratio: variant ÷ baseline pair by pair, each "
                   "pair one right after the other, so that the machine's changes cancel; with its interval it makes "
                   "the verdict, and need not be the ratio of the medians. fusions of two or more members; outputs: "
                   "largest difference from the baseline's, in steps of their own type (ULP) where few, and relative "
                   "to the largest value of that output.")  # fmt: skip
    for each in answer.rows:
        yield from _remarks(each)
    failures = Counter(
        f"{failed.variant or failed.switches}: {'; '.join(p for p in (failed.error or UNKNOWN, failed.advice) if p)}"
        for failed in answer.failed
    )
    for text, times in failures.items():
        yield warning(f"not measured{f' ({times} times)' if times > 1 else ''}: {text}")


def _row(each: Variant) -> list[str | Text]:
    interval = UNKNOWN
    if each.ratio_ci_low is not None and each.ratio_ci_high is not None:
        interval = f"{each.ratio_ci_low:.3f}–{each.ratio_ci_high:.3f}"
    fusions = UNKNOWN
    if each.fusions_before is not None or each.fusions_after is not None:
        fusions = f"{count(each.fusions_before)}→{count(each.fusions_after)}"
    verdict = "predicted" if each.predicted_ns is not None else each.verdict
    return [
        each.id,
        each.variant,
        Text(verdict or UNKNOWN, style=_STYLES.get(verdict or "", "")),
        UNKNOWN if each.ratio is None else f"{each.ratio:.3f}x",
        interval,
        f"~{duration(each.predicted_ns)}" if each.predicted_ns is not None else duration(each.median_ns),
        duration(each.baseline_median_ns),
        count(each.samples),
        fusions,
        _outputs(each),
        size(each.peak_bytes),
        each.place or UNKNOWN,
    ]


def _outputs(each: Variant) -> str:
    """`equal`, `6 ULP, 2e-07`, `2e-03`: how far the outputs are from the baseline's."""
    said = brief_agreement(*_differences(each))
    if not said or each.mismatched:
        return "NaN or inf" if each.mismatched else UNKNOWN
    if not each.max_abs_error:
        return "equal"
    steps = f"{each.max_ulp_error} ULP" if said.endswith("ULP") else ""
    part = f"{each.max_rel_error:.0e}" if each.max_rel_error is not None else ""
    return ", ".join(filter(None, (steps, part))) or f"{each.max_abs_error:.0e} absolute"


def _differences(each: Variant) -> tuple[float | None, float | None, int | None, int | None]:
    return each.max_abs_error, each.max_rel_error, each.max_ulp_error, each.mismatched


def _remarks(each: Variant) -> Iterable[RenderableType]:
    if each.target is not None:
        yield note(f"{each.id}: {foretold(each)}")
    medians = opposed(each.ratio_ci_low, each.ratio_ci_high, each.baseline_median_ns, each.median_ns)
    if medians is not None:
        yield warning(f"{each.id}: the pairs say {each.ratio:.3f}x, the medians {medians:.3f}x: "
                      "the machine's speed changed by more than the variant does.")  # fmt: skip
    if each.simulated:
        yield note(f"{each.id}: simulated devices share the machine's cores.")
    if each.args == "synthetic":
        yield note(f"{each.id}: measured with synthetic arguments, so that it says nothing about the script's own.")
    if each.matches_script is False:
        yield warning(f"{each.id}: its baseline is not the script's own module.")
    if each.sensitive:
        yield note(f"{each.id}: sensitive: correct variants of this program differ by much.")
    yield from (note(f"{each.id}: {text}") for text in changes_of_module(each))
    numbers = _numbers(each)
    if numbers:
        yield note(f"{each.id}: {numbers}")
    if each.equation_ns:
        slowest = sorted(each.equation_ns, key=lambda row: -row.ns)[:5]
        synced = f", {duration(each.total_synced_ns)} in all when synchronised" if each.total_synced_ns else ""
        yield note(f"{each.id}: slowest equations: {', '.join(f'{e.path} {duration(e.ns)}' for e in slowest)}{synced}")
    yield from (note(f"{each.id}: {text}") for text in each.notes)


def changes_of_module(each: Variant) -> Iterable[str]:
    """What the switches made of the module: what it has more or fewer of, fusions left, collectives."""
    changed = _changed(each)
    if changed:
        yield changed
    if each.fusions_left and each.switches.get("fusion") == "off":
        yield f"fusions left: {', '.join(each.fusions_left)}"
    for exchange in each.collectives or ():
        at = f" (equation {exchange.equation})" if exchange.equation else ""
        yield f"{exchange.count} x {exchange.kind} of {size(exchange.bytes)}{at}"


def foretold(each: Variant) -> str:
    """What is said of hardware that is not there: predicted, not measured."""
    told = each.prediction or {}
    by_cycles = told.get("by") == "cycles"
    how = f"the compiler's {told.get('cycles'):,} cycles" if by_cycles else "at least: roofline, no launches"
    parts = [f"compiled for {each.target}, not executed"]
    if each.predicted_ns is not None:
        parts.append(f"predicted {duration(each.predicted_ns)} a call ({how})")
    if each.memory is not None:
        fits = "" if each.memory["fits"] else ": does not fit"
        parts.append(f"needs {size(each.memory['needs_bytes'])} of {size(each.memory['has_bytes'])} a device{fits}")
    return "; ".join(parts)


def _changed(each: Variant) -> str:
    """What the variant's module has more or fewer of."""
    changes = each.changes
    counted = (
        ("instructions", changes.instructions), ("fusions", changes.fusions), ("collectives", changes.collectives),
        ("copies", changes.copies), ("converts", changes.converts),
    )  # fmt: skip
    parts = [f"{name} {count(found.before)}→{count(found.after)}" for name, found in counted if found.differ]
    peak = changes.peak_bytes
    if peak.differ:
        parts.append(f"peak memory {size(peak.before)}→{size(peak.after)}")
    return ", ".join(parts)


def _numbers(each: Variant) -> str:
    """How the outputs differ from the baseline's; empty where they do not."""
    if each.first_different is None:
        return ""
    parts = list(filter(None, [agreement(*_differences(each))]))
    for name, found in (("NaN", each.changes.nan), ("infinite", each.changes.infinite)):
        if found.differ:
            parts.append(f"{name} {count(found.before)}→{count(found.after)}")
    return f"{', '.join(parts)}; first that differs: {each.first_different}"
