"""What XLA made of a program on one side: fusions, instructions, collectives, copies, memory, compile time."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from xlascope.ir import HloModule, collectives, fusion_summary
from xlascope.views import fields
from xlascope.views.comparing.script_lines import couples, texts
from xlascope.views.comparing.sides import Side, variant_records
from xlascope.views.memory import call_peak
from xlascope.views.names.program_records import compile_records, program_records
from xlascope.views.names.variant_names import BASELINE, id_of
from xlascope.views.sources.profile_source import ProfileSource
from xlascope.views.sources.source import HloSource, RunSource
from xlascope.views.sources.stages import hlo_module, readable_module

_MOST_LINES = 2000


@dataclass(frozen=True, slots=True)
class Form:
    """One side's optimized module, and what making it and holding it takes. None: not known.

    ``peak_bytes``: what a call holds on one device at the most (view ``memory``), which XLA's own peak is not on CPU.
    ``fusions``: with two or more real members. ``copies``: instructions that copy. ``collectives``: by kind.
    """

    instructions: int | None
    fusions: int | None
    copies: int | None
    collectives: Mapping[str, int] | None
    peak_bytes: int | None
    temp_bytes: int | None
    compile_ns: int | None


def form(side: Side, program: str) -> tuple[Form, Counter[str] | None]:
    """The form, and its instructions by opcode."""
    module = _module(side, program)
    peak, temp = _memory(side, program)
    took = _compile_ns(side, program)
    if module is None:
        return Form(None, None, None, None, peak, temp, took), None
    opcodes = _opcodes(module)
    copies = sum(count for opcode, count in opcodes.items() if opcode in ("copy", "copy-start"))
    kinds = Counter(each.kind for each in collectives(module))
    total = sum(opcodes.values())
    return Form(total, fusion_summary(module).count, copies, dict(sorted(kinds.items())), peak, temp, took), opcodes


def _opcodes(module: HloModule) -> Counter[str]:
    """How many instructions of each opcode: dumps of newer versions write ``%name#1`` where others have an instruction
    that takes an element out of a tuple, which is counted as one in both.
    """
    found = Counter(each.opcode for each in module.instructions())
    elements = {
        (each.computation.name, name, element)
        for each in module.instructions()
        for name, element in each.operand_refs
        if element is not None
    }
    found["get-tuple-element"] += len(elements)
    return +found


def _module(side: Side, program: str) -> HloModule | None:
    if isinstance(side.source, HloSource):
        held = next((each.stages for each in side.source.modules if each.id == program), {})
        stage = "optimized" if "optimized" in held else next(iter(held), "optimized")
        return readable_module(side.source, program, stage)
    return hlo_module(side.source, program, "optimized", variant_of(side, program))


def variant_of(side: Side, program: str) -> str | None:
    """The measurement's id, as other views take it."""
    if side.variant is None or side.variant == BASELINE:
        return side.variant
    record = variant_records(side).get(program)
    return id_of(record) if record is not None else side.variant


def devices(side: Side, program: str) -> str | None:
    """On how many devices it runs, in words: CPU devices are simulated. None: on one, or not known."""
    if isinstance(side.source, ProfileSource):
        return _in_profile(side.source, program)
    if not isinstance(side.source, RunSource):
        return None
    own = program_records(side.source).get(program)
    measured = variant_records(side).get(program) if side.variant != BASELINE else None
    record = measured if measured is not None else own
    count = fields.integer(record.json, "device_count") if record is not None else None
    if count is None or count < 2:
        return None
    if measured is not None:
        simulated = fields.boolean(measured.json, "simulated")
    else:
        simulated = own is not None and fields.text(own.json, "platform") in (None, "cpu")
    return f"{count} {'simulated ' if simulated else ''}devices"


def _in_profile(source: ProfileSource, program: str) -> str | None:
    keys, times = source.executed.keys(program), source.times()
    ran = {each.device for each in times.calls if (each.program_id, each.module) in keys}
    simulated = any(each.simulated for each in times.devices if each.device in ran)
    return f"{len(ran)} {'simulated ' if simulated else ''}devices" if len(ran) > 1 else None


def _memory(side: Side, program: str) -> tuple[int | None, int | None]:
    """What a call holds at the most, as every other view has it, and temporary bytes, as XLA says."""
    if not isinstance(side.source, RunSource):
        return None, None
    record = variant_records(side).get(program)
    if record is not None:
        key = "baseline_peak_bytes" if side.variant == BASELINE else "peak_bytes"
        return fields.integer(record.json, key), None
    executable = side.source.last("executable", program)
    memory = fields.mapping(executable.json, "memory") if executable is not None else None
    if not memory:
        return None, None
    told = {name: fields.integer(memory, name) for name in ("peak", "argument", "output", "temp", "alias")}
    return call_peak(told)[0], told["temp"]


def _compile_ns(side: Side, program: str) -> int | None:
    if not isinstance(side.source, RunSource):
        return None
    record = variant_records(side).get(program)
    if record is not None:
        return fields.whole_ns(record.json, "baseline_compile_ns" if side.variant == BASELINE else "compile_ns")
    return fields.plus([
        fields.integer(each.json, "compile_ns") for each in compile_records(side.source).get(program, [])])


@dataclass(frozen=True, slots=True)
class SourceChange:
    """How a file of the user's differs between two runs, as a unified difference (at most 2,000 lines of it)."""

    file_a: str
    file_b: str
    unified: str


def source_changes(a: Side, b: Side) -> tuple[SourceChange, ...]:
    """Files of the same name, the script first, that are not the same in both runs; also scripts of other names."""
    if not isinstance(a.source, RunSource) or not isinstance(b.source, RunSource) or a.source is b.source:
        return ()
    texts_a, texts_b = texts(a.source), texts(b.source)
    found = []
    for one, two in couples(a.source, b.source, list(texts_a), list(texts_b)):
        if texts_a[one] != texts_b[two]:
            before, after = texts_a[one].splitlines(), texts_b[two].splitlines()
            lines = list(difflib.unified_diff(before, after, one, two, lineterm=""))
            found.append(SourceChange(one, two, "\n".join(lines[:_MOST_LINES])))
    return tuple(found)
