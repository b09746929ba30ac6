"""The view ``memory`` as text."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.text import Text

from xlascope.report.text.tables import (
    UNKNOWN,
    Column,
    bar,
    fixed_column,
    heading,
    note,
    number_column,
    place,
    place_column,
    size,
    table,
)
from xlascope.views.memory import Buffer, Memory

_MOST = 40


def memory(answer: Memory) -> Iterable[RenderableType]:
    which = f", variant {answer.variant}" if answer.variant else ""
    yield heading(f"{answer.program}{which}: peak {size(answer.peak_bytes)} on one device")
    if not answer.held:
        yield note("Its optimized HLO is not held: nothing is known of its buffers.")
        return
    columns = [
        Column("instruction", least=16),
        Column("opcode", least=8, spare=2),
        number_column("size"),
        fixed_column("role", 1),
        number_column("from"),
        number_column("to"),
        fixed_column("", 3),
        place_column(),
    ]
    largest = answer.buffers[0].size_bytes if answer.buffers else 0
    at_peak = set(answer.at_peak)
    yield table(columns, [_row(each, largest, each.instruction in at_peak) for each in answer.buffers[:_MOST]])
    rest = answer.buffers[_MOST:]
    if rest:
        yield note(f"And {len(rest)} smaller buffers, {size(sum(each.size_bytes for each in rest))} together.")
    step = UNKNOWN if answer.peak_step is None else f"{answer.peak_step} of {answer.steps}"
    yield note(
        f"► alive at the fullest step, {step}: ~{size(answer.estimated_peak_bytes)} by the text, without what loops "
        "need inside, padding, and reuse of operands in place."
    )


def _row(each: Buffer, largest: int, fullest: bool) -> list[str | Text]:
    return [
        f"{'►' if fullest else ' '}{each.instruction}",
        each.opcode,
        size(each.size_bytes),
        each.role,
        str(each.live_from),
        str(each.live_to),
        bar(each.size_bytes / largest if largest else None),
        place(each.file, each.line),
    ]
