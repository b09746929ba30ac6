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
    """The view `memory` as text."""
    which = f", variant {answer.variant}" if answer.variant else ""
    yield heading(f"{answer.program}{which}: {size(answer.peak_bytes)} on one device at the most")
    yield from _parts(answer)
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


def _parts(answer: Memory) -> Iterable[RenderableType]:
    """XLA's own figures by name, and which of them the headline is."""
    parts = {
        "arguments": answer.argument_bytes, "outputs": answer.output_bytes, "temporaries": answer.temp_bytes,
        "aliased": answer.alias_bytes, "generated code": answer.generated_code_bytes,
        "XLA's peak": answer.xla_peak_bytes,
    }  # fmt: skip
    told = ", ".join(f"{name} {size(value)}" for name, value in parts.items() if value is not None)
    if told and answer.peak_from is not None:
        lower = answer.xla_peak_bytes is not None and answer.xla_peak_bytes < (answer.peak_bytes or 0)
        why = "; XLA's peak is less than a call holds" if lower else ""
        yield note(f"By XLA: {told}. The headline is {answer.peak_from}{why}.")


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
