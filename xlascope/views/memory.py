"""View ``memory``: the values of a program, how large they are, and how long they live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xlascope.views import fields
from xlascope.views.liveness import Life, live_bytes, lives
from xlascope.views.names.program_choice import choose
from xlascope.views.names.variant_names import BASELINE, variant_name, variant_record
from xlascope.views.provenance.instructions import own_files
from xlascope.views.provenance.positions import Own, position
from xlascope.views.sources.source import RunSource, Source
from xlascope.views.sources.stages import hlo_module

_SUM = "arguments + outputs + temporaries - aliased"
_PARTS = ("peak", "argument", "output", "temp", "alias", "generated_code")


@dataclass(frozen=True, slots=True)
class Buffer:
    """One value of the entry computation, alive at the steps ``live_from`` to ``live_to`` of its schedule.

    ``role``: argument, result or temporary.
    """

    instruction: str
    size_bytes: int
    live_from: int
    live_to: int
    file: str | None
    line: int | None
    role: str
    opcode: str


@dataclass(frozen=True, slots=True)
class Memory:
    """The largest buffers first. ``peak_bytes`` is what a call holds on one device, None where XLA gave no figures.

    It is arguments + outputs + temporaries - aliased, or XLA's own peak (``xla_peak_bytes``) where that is more, as
    ``peak_from`` says: on CPU XLA's peak leaves temporaries out. The parts are XLA's figures.

    ``estimated_peak_bytes`` and ``live_bytes`` (by step) come from the text: without what loops need inside, without
    padding, without the reuse of operands in place. ``at_peak``: what is alive at the fullest step.
    """

    peak_bytes: int | None
    buffers: tuple[Buffer, ...]
    program: str
    variant: str | None
    held: bool
    steps: int
    estimated_peak_bytes: int | None
    peak_step: int | None
    at_peak: tuple[str, ...]
    live_bytes: tuple[int, ...]
    argument_bytes: int | None
    output_bytes: int | None
    temp_bytes: int | None
    alias_bytes: int | None
    generated_code_bytes: int | None
    xla_peak_bytes: int | None
    peak_from: str | None


def query(source: Source, program: str | None = None, variant: str | None = None) -> Memory:
    """Of the optimized HLO of a program (the hottest) or of a variant of it."""
    name = choose(source, program)
    which = variant_name(source, name, variant)
    module = hlo_module(source, name, "optimized", which)
    found, steps = lives(module) if module is not None else ([], 0)
    live = live_bytes(found, steps)
    peak = max(range(steps), key=live.__getitem__) if live else None
    own = own_files(source, name) if isinstance(source, RunSource) else Own()
    told = _told(source, name, which)
    most, peak_from = call_peak(told)
    return Memory(
        peak_bytes=most,
        buffers=tuple(sorted((_buffer(life, own) for life in found), key=lambda each: -each.size_bytes)),
        program=name,
        variant=which,
        held=module is not None,
        steps=steps,
        estimated_peak_bytes=live[peak] if peak is not None else None,
        peak_step=peak,
        at_peak=tuple(
            life.instruction.name
            for life in sorted(found, key=lambda life: -life.size)
            if peak is not None and life.start <= peak <= life.stop
        ),
        live_bytes=tuple(live),
        argument_bytes=told.get("argument"),
        output_bytes=told.get("output"),
        temp_bytes=told.get("temp"),
        alias_bytes=told.get("alias"),
        generated_code_bytes=told.get("generated_code"),
        xla_peak_bytes=told.get("peak"),
        peak_from=peak_from,
    )


def call_peak(told: Mapping[str, int | None]) -> tuple[int | None, str | None]:
    """The most bytes that a call holds on one device, by XLA's figures, and what it was taken from."""
    own = told.get("peak")
    argument, output, temp = (told.get(key) for key in ("argument", "output", "temp"))
    if argument is None or output is None or temp is None:
        return own, None if own is None else "XLA's peak"
    held = argument + output + temp - (told.get("alias") or 0)
    return (own, "XLA's peak") if own is not None and own >= held else (held, _SUM)


def _buffer(life: Life, own: Own) -> Buffer:
    file, line = position(life.instruction, own)
    opcode = life.instruction.opcode
    role = "argument" if opcode == "parameter" else "result" if life.result else "temporary"
    return Buffer(life.instruction.name, life.size, life.start, life.stop, file, line, role, opcode)


def _told(source: Source, program: str, variant: str | None) -> dict[str, int | None]:
    """XLA's own figures of the executable; of a variant its peak alone."""
    if not isinstance(source, RunSource):
        return {}
    if variant is not None:
        body = variant_record(source, program, variant).json
        return {} if variant == BASELINE else {"peak": fields.integer(body, "peak_bytes")}
    record = source.last("executable", program)
    memory = fields.mapping(record.json, "memory") if record is not None else None
    return {key: fields.integer(memory, key) for key in _PARTS} if memory else {}
