"""The view ``sharding`` as text: arrays, pictures of how they lie on the devices, the ranking, more devices."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from rich.console import Console, RenderableType
from rich.text import Text

from xlascope.ir.sharding import Layout, is_manual
from xlascope.ir.sharding_picture import picture
from xlascope.protocol.specs import mesh_text
from xlascope.report.text.scaling import chart
from xlascope.report.text.tables import (
    UNKNOWN,
    Column,
    duration,
    fixed_column,
    heading,
    note,
    number_column,
    size,
    table,
)
from xlascope.views.partitioning.arrays import Array
from xlascope.views.partitioning.ranking import Ranking, Scale, rank
from xlascope.views.sharding import Device, Sharding
from xlascope.views.variants import Variant

_MOST = 40
_MOST_PICTURES = 8
_MOST_NAMED = 6


def sharding(answer: Sharding) -> Iterable[RenderableType]:
    """The view `sharding` as text."""
    yield heading(_title(answer))
    for text in answer.notes:
        yield note(text)
    if answer.ranking.verdict:
        yield note(f"Of the variants on several devices: {answer.ranking.verdict}.")
    if answer.arrays:
        columns = [
            Column("array", least=10),
            fixed_column("role", 2),
            Column("shape", least=8),
            Column("spec", least=5),
            number_column("a device"),
            number_column("whole", 3),
            fixed_column("", 5),
            Column("eqn", least=3, spare=4),
        ]
        yield table(columns, [_row(each) for each in answer.arrays[:_MOST]])
        rest = answer.arrays[_MOST:]
        if rest:
            yield note(f"And {len(rest)} smaller intermediates; --json has all.")
        if any(is_manual(each.spec) for each in answer.arrays[:_MOST]):
            yield note("In a shard_map shapes are those of one device's part.")
        yield from _reasons(answer.arrays)
        yield from _pictures(answer.arrays)
    if answer.devices:
        yield from _devices(answer.devices)
    if len(answer.ranking.places) > 1:
        yield from ranking(answer.ranking, answer.program, answer.variant)
    if len(answer.scaling) > 1:
        yield from _scaling(answer.scaling)


def _title(answer: Sharding) -> str:
    who = f"{answer.program}, variant {answer.variant}" if answer.variant else answer.program
    count = "?" if answer.device_count is None else str(answer.device_count)
    kind = " simulated" if answer.simulated else ""
    mesh = f", mesh {mesh_text(answer.mesh)}" if answer.mesh else ""
    return f"{who}: {count}{kind} {'device' if count == '1' else 'devices'}{mesh}"


def _row(each: Array) -> list[str | Text]:
    return [
        each.name,
        each.role,
        f"{each.dtype}[{','.join(map(str, each.shape))}]",
        "in shard_map" if is_manual(each.spec) else each.spec or ("whole" if each.replicated else UNKNOWN),
        size(each.bytes_per_device),
        size(each.bytes),
        "whole" if each.replicated else "gathered" if each.gathered_for else "",
        each.equation or "",
    ]


def _reasons(arrays: Sequence[Array]) -> Iterable[RenderableType]:
    """Why arrays are whole on every device, those of one reason together; and who needs all of one that is split."""
    alike: dict[str, list[str]] = {}
    for each in arrays:
        if each.replicated and each.why and each.shape:
            alike.setdefault(each.why, []).append(each.name)
    if alike:
        yield heading("whole on every device")
    for why, names in alike.items():
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        yield Text(f"  {', '.join(names[:_MOST_NAMED])}{more}: {why}")
    gathered = [each for each in arrays if each.gathered_for]
    if gathered:
        yield heading("split, and brought together for")
    for each in gathered[:_MOST]:
        yield Text(f"  {each.name}: {', '.join(each.gathered_for)}")


def _pictures(arrays: Sequence[Array]) -> Iterable[RenderableType]:
    """One for each way that arguments and results lie; arrays that lie alike share it."""
    alike: dict[tuple[object, ...], list[Array]] = {}
    for each in arrays:
        if each.tiles is not None and each.blocks is not None and each.shape and each.role != "intermediate":
            alike.setdefault((each.shape, each.tiles, each.blocks), []).append(each)
    for number, group in enumerate(alike.values()):
        if number == _MOST_PICTURES:
            yield note(f"And {len(alike) - number} more pictures; --json has all blocks.")
            return
        first = group[0]
        yield Text(", ".join(f"{each.name}" for each in group[:6]) + (" …" if len(group) > 6 else ""), style="bold")
        for line in picture(Layout(first.tiles or (), tuple(each.devices for each in first.blocks or ())), first.shape):
            yield Text("  " + line)


def _devices(rows: Sequence[Device]) -> Iterable[RenderableType]:
    columns = [fixed_column("device"), number_column("busy a call"), number_column("collectives a call"),
               number_column("calls"), number_column("peak memory")]  # fmt: skip

    def mean(total: int, calls: int | None) -> str:
        return duration(total / calls) if calls else UNKNOWN

    yield table(columns, [
        [row.device + (" simulated" if row.simulated else ""), mean(row.busy_ns, row.calls),
         mean(row.collective_ns, row.calls), UNKNOWN if row.calls is None else str(row.calls), size(row.peak_bytes)]
        for row in rows
    ])  # fmt: skip
    if any(row.simulated for row in rows):
        yield note("Simulated devices share the machine's cores: compare wall times, never sums. Peak memory: what a "
                   "call holds on one device, by XLA.")  # fmt: skip


def ranking(answer: Ranking, program: str | None = None, shown: str | None = None) -> Iterable[RenderableType]:
    """The plans that were measured, the fastest first; `shown`: the variant that all above is about."""
    who = f"all variants of {program} on several devices, " if program else ""
    kind = " (simulated devices)" if answer.simulated else ""
    yield heading(f"{who}ranked by the wall time of a call ÷ its baseline's{kind}")
    columns = [number_column("#"), Column("variant", least=16), number_column("median"), number_column("95% interval"),
               number_column("÷ baseline"), number_column("peak", 1), fixed_column("id", 2)]  # fmt: skip
    yield table(columns, [
        [f"{place.rank}{'=' if place.tied else ''}", place.variant + (" ◄ above" if place.variant == shown else ""),
         duration(place.median_ns),
         f"{duration(place.ci_low_ns)} – {duration(place.ci_high_ns)}",
         UNKNOWN if place.ratio is None else f"{place.ratio:.3g}", size(place.peak_bytes), place.id]
        for place in answer.places
    ])  # fmt: skip
    if answer.verdict:
        tied = any(place.tied for place in answer.places)
        yield note(answer.verdict + (". =: the intervals do not tell it from the first." if tied else "."))


def _scaling(rows: Sequence[Scale]) -> Iterable[RenderableType]:
    yield heading("each plan's time against the number of devices (simulated devices share the machine's cores)")
    columns = [Column("plan", least=8), number_column("devices"), number_column("median"),
               number_column("95% interval", 1), number_column("ideal"), number_column("peak a device", 2)]  # fmt: skip
    yield table(columns, [
        [row.plan, str(row.devices), duration(row.median_ns),
         f"{duration(row.ci_low_ns)} – {duration(row.ci_high_ns)}", duration(row.ideal_ns), size(row.peak_bytes)]
        for row in rows
    ])  # fmt: skip
    yield from (Text(line) for line in chart(rows))


def ranked(program: str, rows: Sequence[Variant]) -> str:
    """Several variants that were just measured, ranked, as plain text."""
    console = Console(file=io.StringIO(), width=110, no_color=True, markup=False, highlight=False, emoji=False)
    console.print(heading(program))
    for part in ranking(rank(rows)):
        console.print(part)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines())
