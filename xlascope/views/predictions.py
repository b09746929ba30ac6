"""View ``predictions``: what each op of a variant is foretold to take on hardware that is not there. Never measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xlascope.ir import HloModule
from xlascope.ir.cycles import Schedule, Step, bound, cycles_of, schedule
from xlascope.runfile import Record
from xlascope.views import fields
from xlascope.views.compiler.prediction import Prediction, predict
from xlascope.views.errors import ViewError
from xlascope.views.names.program_choice import choose
from xlascope.views.names.variant_names import name_of, variant_record
from xlascope.views.provenance.instructions import Instructions, instructions
from xlascope.views.sources.source import RunSource, Source
from xlascope.views.sources.stages import hlo_module


@dataclass(frozen=True, slots=True)
class Op:
    """One op of a call. ``times``: how often a call executes it, by the turns of its loops; ``cycles``: of one
    execution, the compiler's own; ``predicted_ns``: of all executions of a call, on one device, None where nothing is
    known; ``bound``: of a roofline, `compute` or `memory`. Positions and equations are as in the view ``ops``.
    """

    program: str
    op: str
    opcode: str
    detail: str | None
    times: int
    cycles: int | None
    predicted_ns: int | None
    share: float | None
    bound: str | None
    flops: int | None
    bytes: int | None
    equations: tuple[str, ...]
    equations_exact: bool
    added_by_xla: bool | None
    owner: str | None
    file: str | None
    line: int | None
    user_file: str | None
    user_line: int | None
    exact_ns: float = field(default=0.0, metadata={"json": False})


@dataclass(frozen=True, slots=True)
class Predictions:
    """The ops foretold to take longest first. ``by``, ``counted``, ``without``, ``unknown_loops`` and ``exchanges``: as
    of the variant's ``prediction``; ``total_ns``: of a call, on one device. ``variant``: None where none has a target.
    """

    rows: tuple[Op, ...]
    program: str
    variant: str | None = None
    target: str | None = None
    total_ns: int | None = None
    by: str | None = None
    cycles: int | None = None
    clock_ghz: float | None = None
    counted: int = 0
    without: int = 0
    unknown_loops: tuple[str, ...] = ()
    exchanges: tuple[str, ...] = ()


def query(source: Source, program: str | None = None, variant: str | None = None) -> Predictions:
    """Of a variant compiled for a target; without one the newest. Raises ViewError where that has nothing foretold."""
    assert isinstance(source, RunSource)
    name = choose(source, program)
    record = _newest(source, name) if variant is None else variant_record(source, name, variant)
    if record is None:
        return Predictions((), name)
    label, target = name_of(record), fields.text(record.json, "target")
    if target is None:
        raise ViewError(f"{label} of {name} was executed: nothing of it is foretold",
                        f"`ops --variant {label}` has the times of its ops.")  # fmt: skip
    module = hlo_module(source, name, "optimized", label)
    foretold = predict(record.json, module)
    if module is None or foretold is None:
        raise ViewError(f"nothing is foretold of {label} of {name}: its optimized HLO is not held, or neither cycles "
                        "nor peaks of its device are known", "`variants` has what is known of it.")  # fmt: skip
    found = schedule(module)
    device = fields.mapping(record.json, "device") or {}
    rows = _rows(name, found, module, foretold, device, instructions(source, name, label))
    return Predictions(
        rows=tuple(sorted(rows, key=lambda row: -row.exact_ns)),
        program=name,
        variant=label,
        target=target,
        total_ns=foretold.ns,
        by=foretold.by,
        cycles=foretold.cycles,
        clock_ghz=foretold.clock_ghz,
        counted=foretold.counted,
        without=foretold.without,
        unknown_loops=foretold.unknown_loops,
        exchanges=foretold.exchanges,
    )


def _newest(source: RunSource, program: str) -> Record | None:
    records = source.records("variant", program)
    return next((each for each in reversed(records) if fields.text(each.json, "target") is not None), None)


def _rows(
    program: str, found: Schedule, module: HloModule, foretold: Prediction, device: Mapping[str, Any],
    known: Instructions | None,
) -> Iterable[Op]:  # fmt: skip
    for step in _together(found.steps):
        name, instruction = step.instruction.name, step.instruction
        cycles, bound_by, taken = cycles_of(instruction), None, None
        if foretold.by == "cycles":
            assert foretold.clock_ghz is not None
            taken = None if cycles is None else cycles * step.times / foretold.clock_ghz
        else:
            limit = bound(instruction, module, float(device["flops_per_s"]), float(device["bytes_per_s"]))
            taken, bound_by = (limit.ns * step.times, limit.by) if limit.known else (None, None)
        facts = known.get(name) if known is not None else None
        yield Op(
            program=program,
            op=name,
            opcode=instruction.opcode,
            detail=facts.detail if facts is not None else None,
            times=step.times,
            cycles=cycles,
            predicted_ns=None if taken is None else round(taken),
            share=taken / foretold.ns if taken is not None and foretold.ns else None,
            bound=bound_by,
            flops=facts.flops if facts is not None else None,
            bytes=facts.bytes if facts is not None else None,
            equations=facts.equations if facts is not None else (),
            equations_exact=known is not None and known.provenance.exact and (facts is None or facts.owner is None),
            added_by_xla=facts.added_by_xla if facts is not None and known is not None and known.linked else None,
            owner=facts.owner if facts is not None else None,
            file=facts.file if facts is not None else None,
            line=facts.line if facts is not None else None,
            user_file=facts.user_file if facts is not None else None,
            user_line=facts.user_line if facts is not None else None,
            exact_ns=taken or 0.0,
        )


def _together(steps: Iterable[Step]) -> Iterable[Step]:
    """An instruction of a computation that is called from several places is one row."""
    found: dict[str, Step] = {}
    for step in steps:
        before = found.get(step.instruction.name)
        found[step.instruction.name] = Step(step.instruction, step.times + (before.times if before else 0))
    return found.values()
