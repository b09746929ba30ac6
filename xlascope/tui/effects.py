"""The texts about variants, made from records: their effects, the baseline, how a verdict was obtained."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from xlascope.tui.feeding.live import LiveNow, Measuring
from xlascope.tui.forms.switches import variant_name
from xlascope.tui.glyphs import Glyphs
from xlascope.tui.model import ProgramInfo, VariantRow, shown_as
from xlascope.tui.text.agreement import ULP, agreement, brief_agreement
from xlascope.tui.text.numbers import count, counted, duration
from xlascope.tui.widgets.effect_line import Effect


@dataclass(frozen=True, slots=True)
class Turned:
    """What switches were turned to and the panes do not show yet.

    `name` of the variant; `ticket` of its measurement, None before that is asked for; `cancelled`: the ticket that
    backing out gives up.
    """

    name: str = ""
    ticket: int | None = None
    cancelled: int | None = None


def effects(
    rows: Sequence[VariantRow], live: LiveNow, program: str | None, variant: str | None, glyphs: Glyphs,
    turned: Turned | None = None,
) -> list[Effect]:
    """Measurements under way, those that failed, then the results: that of the variant shown, then the newest first.

    Of measurements that comes first which the panes are going to show.
    """
    turned = Turned() if turned is None else turned
    made, until = [], shown_as(variant)
    under_way = {entry.ticket for entry in live.measuring}
    if turned.name and turned.ticket is None:
        made.append(Effect(turned.name, "turned: is measured in a moment", None, True, until=until))
    elif turned.name and turned.ticket not in under_way | live.undone:
        made.append(Effect(turned.name, "measured: its result is read", None, True, cancels=False, until=until))
    waiting = {entry.ticket for entry in live.measuring[1:] if not entry.activity}
    for entry in sorted(live.measuring, key=lambda entry: entry.ticket != turned.ticket):
        each = _measuring(entry, glyphs, program, entry.ticket in waiting)
        own, cancels = entry.ticket == turned.ticket, turned.cancelled in (None, entry.ticket)
        made.append(replace(each, cancels=cancels, until=until if own else ""))
    made += [Effect(name, why, "failed", explain="failures") for name, why in reversed(live.failures)]
    newest: dict[str, VariantRow] = {}
    for row in reversed(rows):
        newest.setdefault(row.name or variant_name(row.switches), row)
    for name, row in sorted(newest.items(), key=lambda item: item[0] != variant):
        explain = f"explain_variant({name!r})"
        made.append(
            Effect(name, verdict_text(row, glyphs), row.verdict, explain=explain, brief=_brief(row, glyphs))
        )
    return made


def _measuring(entry: Measuring, glyphs: Glyphs, program: str | None, waits: bool) -> Effect:
    seconds = max(time.monotonic() - entry.started, 0)
    if waits:
        text = f"waits for what is measured before it, {seconds:.0f} s"
    elif entry.detail.startswith("pass "):
        text = f"{entry.activity}: {entry.detail.partition(':')[0]}"
    elif entry.total and entry.done is not None:
        left = f", {entry.detail}" if entry.detail.endswith("left") else ""
        text = f"{entry.activity}: {count(entry.done)} of about {count(entry.total)} pairs{left}"
    else:
        text = ": ".join(filter(None, (entry.activity, entry.detail)))
        text += f", {seconds:.0f} s" if seconds >= 1 else ""
    other = entry.program != program and entry.program not in entry.name
    name = f"{entry.name} of {entry.program}" if other else entry.name
    return Effect(name, text, None, True, entry.share)


def _opposed(low: float | None, high: float | None, baseline_ns: float | None, median_ns: float | None) -> bool:
    """Whether the medians say the contrary of the pairs."""
    from xlascope.stats import opposed  # numpy, which the first picture does without

    return opposed(low, high, baseline_ns, median_ns) is not None


def verdict_text(row: VariantRow, glyphs: Glyphs) -> str:
    """`1.32x slower [1.29–1.35]  fusions 4→0  outputs equal to 3 ULP`."""
    text = _timed(row, glyphs)
    if row.predicted_ns is not None:
        fusions = f"  fusions {row.fusions_after}" if row.fusions_after is not None else ""
        text += f"  {row.needs}{fusions}"
        return text + (f"  {counted(row.collectives, 'collective')}" if row.collectives else "")
    if row.ratio is None:
        return text
    low, high = row.ratio_ci_low, row.ratio_ci_high
    ends = sorted(end ** _turn(row.ratio) for end in (low, high) if end)
    text += f" [{ends[0]:.2f}-{ends[1]:.2f}]" if len(ends) == 2 else ""
    if row.verdict is None:
        text += " no verdict"
    if _opposed(low, high, row.baseline_median_ns, row.median_ns):
        text += "  medians say the other"
    if row.fusions_before is not None and row.fusions_after is not None:
        text += f"  fusions {row.fusions_before}{glyphs.arrow}{row.fusions_after}"
    if row.collectives:
        text += f"  {counted(row.collectives, 'collective')}"
    outputs = brief_agreement(*_differences(row))
    text += f"  {outputs}" if outputs else ""
    if row.whole_equation is not None:
        text += f"  one equation, {row.whole_equation}, dispatched whole"
    if row.args == "synthetic":
        text += "  args: synthetic"
    return text + ("  simulated" if row.simulated else "")


def _brief(row: VariantRow, glyphs: Glyphs) -> str:
    """The time, and what makes it worth nothing: `1.32x slower NaN or inf`."""
    text = _timed(row, glyphs)
    if row.ratio is not None and row.verdict is None:
        text += " no verdict"
    if row.mismatched:
        text += " NaN or inf"
    return text if row.fits is not False else f"{text} does not fit"


def _timed(row: VariantRow, glyphs: Glyphs) -> str:
    """The time alone: `1.32x slower`."""
    if row.predicted_ns is not None:
        return f"predicted {duration(row.predicted_ns, glyphs.micro)}"
    if row.ratio is None:
        return "compiled, not executed" if row.median_ns is None else duration(row.median_ns, glyphs.micro)
    told = row.verdict or ("slower" if row.ratio >= 1 else "faster")
    return f"{row.ratio ** _turn(row.ratio):.2f}x {told}"


def _turn(ratio: float) -> float:
    """The exponent that makes a ratio, and the ends of its interval, one of 1 or more."""
    return 1.0 if ratio >= 1 else -1.0


def _differences(row: VariantRow) -> tuple[float | None, float | None, int | None, int | None]:
    return row.max_abs_error, row.max_rel_error, row.max_ulp_error, row.mismatched


_BUSY = 0.1
"""A baseline whose interval reaches further than this to both sides was measured on a busy machine."""


def baseline(rows: Sequence[VariantRow], variant: str | None, glyphs: Glyphs) -> str:
    """`baseline 124.1 µs ±0.4% n=212` of the variant that is shown, else of the newest one."""
    for row in _by_use(rows, variant):
        if row.baseline_median_ns is not None:
            text = f"baseline {duration(row.baseline_median_ns, glyphs.micro)}"
            low, high = row.baseline_ci_low_ns, row.baseline_ci_high_ns
            if low is not None and high is not None and row.baseline_median_ns:
                half = (high - low) / 2 / row.baseline_median_ns * 100
                text += f" {glyphs.plus_minus}{half:.1f}%" + (" machine is busy" if half > _BUSY * 100 else "")
            return text + (f" n={row.samples}" if row.samples else "")
    return ""


_APART = 1.25
"""A call in the script and one of the baseline whose times differ by more are told why they do."""


def why_apart(program: ProgramInfo | None, rows: Sequence[VariantRow], variant: str | None) -> list[str]:
    """Why a call in the script took another time than the baseline's; nothing where it did not, or none is known."""
    own = program.per_call_ns if program is not None else None
    base = next((row.baseline_median_ns for row in _by_use(rows, variant) if row.baseline_median_ns is not None), None)
    if program is None or not own or not base or 1 / _APART <= own / base <= _APART:
        return []
    bound = "at least " if program.per_call_at_least else ""
    return [
        f"{program.id}: {bound}{duration(own)} a call in the script, {duration(base)} as the baseline.",
        "The first was observed: from a call's first op to the end of its last, while the script did beside it what it "
        "does, with what its caches held then. The second was measured by us: the program alone, warmed up, with "
        "arguments that lie ready, each call waited for until its results are there.",
        "So the two are not compared; a variant is compared with the baseline.",
    ]


def _by_use(rows: Sequence[VariantRow], variant: str | None) -> list[VariantRow]:
    """The variant that is shown, then the newest first."""
    return sorted(reversed(rows), key=lambda row: row.name != variant)


def explain_variant(row: VariantRow) -> list[str]:
    """How a verdict was obtained."""
    if row.ratio is None:
        return [f"{row.name}: compiled, not executed; there is no time to compare.", *filter(None, [row.foretold])]
    low, high, base = row.baseline_ci_low_ns, row.baseline_ci_high_ns, row.baseline_median_ns
    medians = f" ({row.median_ns / base:.2f})" if row.median_ns is not None and base else ""
    against = []
    if _opposed(row.ratio_ci_low, row.ratio_ci_high, base, row.median_ns):
        against = ["Here the medians say the contrary: the machine's speed changed by more than the variant does, so "
                   "it is unclear."]  # fmt: skip
    busy = []
    if low is not None and high is not None and base and (high - low) / 2 > _BUSY * base:
        busy = [f"The baseline's own interval is ±{(high - low) / 2 / base * 100:.0f} %: the machine is busy. "
                "Measure again (m) when it is quieter."]  # fmt: skip
    outputs = agreement(*_differences(row)) or "outputs not compared"
    unit = [ULP] if "ULP" in outputs else []
    return [
        f"{row.name}: median {duration(row.median_ns)} of {count(row.samples)} samples, "
        f"95 % interval {duration(row.ci_low_ns)} to {duration(row.ci_high_ns)}.",
        f"Baseline, no switch touched, run in turn with it: median {duration(row.baseline_median_ns)}.",
        f"Variant / baseline of neighbouring pairs {row.ratio:.2f}, 95 % interval {_two(row.ratio_ci_low)} to "
        f"{_two(row.ratio_ci_high)}.",
        f"It may differ from the ratio of the two medians{medians}: a pair is run within moments, so what slows the "
        "machine for longer slows both and cancels out.",
        *against,
        *busy,
        "faster or slower: the interval excludes 1 and the change is at least 1 %; same: it lies within 3 %; "
        "else unclear.",
        f"Measured in the {row.place or 'recorder'}, arguments: {row.args or 'unknown'}."
        + (" Several devices share the machine's cores: simulated." if row.simulated else ""),
        *_fusions_counted(row),
        f"Beside the baseline: {outputs}."
        + (" Correct variants of this program may differ by much: sensitive." if row.sensitive else ""),
        *unit,
        *(f"Its devices exchange: {text}." for text in row.exchanges),
        *row.notes,
    ]


def _fusions_counted(row: VariantRow) -> list[str]:
    if row.fusions_before is None or row.fusions_after is None:
        return []
    return [f"Fusions {row.fusions_before}→{row.fusions_after}: those of two or more operations. A kernel of a single "
            "one, which XLA calls wrapped_…, stays in the table of ops and is not counted."]  # fmt: skip


def _two(number: float | None) -> str:
    return "?" if number is None else f"{number:.2f}"
