"""Variants on several devices ranked by wall time, and what more devices bring. CPU devices are simulated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xlascope.views.variants import Variant

_SPREAD = frozenset({"devices", "mesh", "shard", "shard_plan"})


@dataclass(frozen=True, slots=True)
class Place:
    """A variant in a ranking by the wall time of a call ÷ the baseline's.

    The variants were measured one after the other, and each in turn with the baseline: what the machine did meanwhile
    shows in the medians and cancels in ``ratio``. Where one has no ratio, the medians rank. ``tied``: its interval
    meets that of the first, in medians or in ratios. Nothing is sure of one without an interval (too few samples), so
    it counts as tied; ``samples`` tells.
    """

    rank: int
    id: str
    variant: str
    median_ns: int
    ci_low_ns: int | None
    ci_high_ns: int | None
    ratio: float | None
    peak_bytes: int | None
    tied: bool
    samples: int | None


@dataclass(frozen=True, slots=True)
class Ranking:
    """``verdict`` says in a sentence which won, and whether the intervals tell it from the next."""

    places: tuple[Place, ...]
    verdict: str | None
    simulated: bool


@dataclass(frozen=True, slots=True)
class Scale:
    """A plan on a number of devices. ``ideal_ns``: the time on one device divided by their number.

    ``peak_bytes`` is one device's. On one device it is the baseline that was measured beside the first of the others.
    """

    plan: str
    devices: int
    id: str | None
    median_ns: int
    ci_low_ns: int | None
    ci_high_ns: int | None
    ideal_ns: int | None
    peak_bytes: int | None


def plan_of(switches: dict[str, Any]) -> str:
    """What a variant's switches say of its sharding, without the number of devices."""
    if switches.get("shard"):
        given = ",".join(f"{name}={spec}" for name, spec in sorted(switches["shard"].items()))
        return f"{switches['shard_plan']} {given}" if switches.get("shard_plan") else given
    return str(switches.get("shard_plan") or "batch")


def newest(rows: Sequence[Variant]) -> list[Variant]:
    """The newest measurement of each variant, in the order of the first ones."""
    return list({row.variant: row for row in rows}.values())


def spread(row: Variant) -> bool:
    """Was it measured on several devices, with no other switch?"""
    return bool(row.switches) and set(row.switches) <= _SPREAD and (row.device_count or 1) > 1


def rank(rows: Sequence[Variant]) -> Ranking:
    """By time ÷ baseline, the shortest first; by the median where a ratio is missing."""
    timed = [row for row in newest(rows) if row.median_ns is not None]
    paired = all(row.ratio for row in timed)
    timed.sort(key=lambda row: (paired and row.ratio) or row.median_ns or 0)
    simulated = any(row.simulated for row in timed)
    places = tuple(_place(number, row, timed[0]) for number, row in enumerate(timed, 1))
    if len(places) < 2:
        return Ranking(places, None, simulated)
    first, second = places[:2]
    still = "" if first.ratio is None or first.ratio <= 1 else "; the baseline beside it was faster still"
    tied = [place for place in places[1:] if place.tied]
    if tied:
        least = "is the quickest beside its baseline" if paired else "has the shortest median"
        return Ranking(places, f"{first.variant} {least}; {_untold(first, tied)}{still}", simulated)
    if paired and first.ratio and second.ratio:
        share: float | None = second.ratio / first.ratio
    else:
        share = second.median_ns / first.median_ns if first.median_ns else None
    by = f", {share:.2f} times as fast as {second.variant}" if share is not None else ""
    return Ranking(places, f"{first.variant} won{by}; their intervals are apart{still}", simulated)


def _untold(first: Place, tied: Sequence[Place]) -> str:
    """Why the first is not sure to be that: intervals that meet, or that are missing."""
    few = [place for place in (first, *tied) if place.ci_low_ns is None]
    told = "" if first in few else ", ".join(place.variant for place in tied if place not in few)
    parts = [f"intervals do not tell it from {told}"] if told else []
    if few:
        parts.append("no interval, for want of samples, has "
                     + ", ".join(f"{place.variant} ({place.samples or 0})" for place in few)
                     + ": a longer --budget gives one")
    return "; ".join(parts)


def _place(number: int, row: Variant, first: Variant) -> Place:
    assert row.median_ns is not None
    apart = _above(row.ci_low_ns, first.ci_high_ns) and _above(row.ratio_ci_low, first.ratio_ci_high)
    tied = row is not first and not apart
    return Place(
        number, row.id, row.variant, row.median_ns, row.ci_low_ns, row.ci_high_ns, row.ratio, row.peak_bytes, tied,
        row.samples,
    )  # fmt: skip


def _above(low: float | None, high: float | None) -> bool:
    """Whether an interval lies above another one, by its low end and the other's high one."""
    return low is not None and high is not None and low > high


def scaling(rows: Sequence[Variant], baseline_peaks: dict[str, int | None]) -> tuple[Scale, ...]:
    """Time and memory against the number of devices, of each plan on a mesh of one axis.

    ``baseline_peaks``: the peak memory of the baseline, by the id of the variant it was measured with.
    """
    plans: dict[str, dict[int, Variant]] = {}
    for row in newest(rows):
        mesh = row.switches.get("mesh") or {}
        if spread(row) and row.median_ns is not None and len(mesh) < 2 and row.device_count:
            plans.setdefault(plan_of(row.switches), {})[row.device_count] = row
    found: list[Scale] = []
    for plan, by_count in plans.items():
        counts = sorted(by_count)
        one = by_count[counts[0]]
        base = one.baseline_median_ns
        if base is not None:
            found.append(Scale(plan, 1, None, base, one.baseline_ci_low_ns, one.baseline_ci_high_ns, base,
                               baseline_peaks.get(one.id)))
        for count in counts:
            row = by_count[count]
            assert row.median_ns is not None
            ideal = round(base / count) if base is not None else None
            found.append(Scale(plan, count, row.id, row.median_ns, row.ci_low_ns, row.ci_high_ns, ideal,
                               row.peak_bytes))
    return tuple(found)
