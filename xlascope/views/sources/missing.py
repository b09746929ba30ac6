"""What a view needs and a run file lacks, so that somebody with a lab can make it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from xlascope.views import fields
from xlascope.views.compiler.records import (
    MACHINE_STAGES,
    machine_record,
    passes_record,
    uncompiled,
    variant_switches,
)
from xlascope.views.errors import ViewError
from xlascope.views.names.program_records import is_eager, program_records
from xlascope.views.names.variant_names import BASELINE, variant_name, variant_record
from xlascope.views.sources.source import RunSource, Source
from xlascope.views.sources.stages import available, stage_key

# Views whose rows carry equations.
_LINKED = frozenset({"ops", "graph", "collectives", "equations", "links", "sharding", "predictions"})
# Of `compiles`: of one program that is asked for.
_OF_PASSES = frozenset({"passes", "diff", "history", "sharding", "compiles"})
_OF_KERNELS = frozenset({"machine"})


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a lab is to make (``hlo``, ``tagged``, ``located``, ``passes``, ``machine``); a variant's ``switches``."""

    program: str
    what: str
    switches: dict[str, Any] = field(default_factory=dict)


def concerns(view: str, stage: str | None) -> bool:
    """Can a view, of a stage, need anything that is made after a run?"""
    of_stage = view == "stage" and stage is not None and (
        stage == "hlo" or stage.startswith("pass:") or stage in MACHINE_STAGES
    )
    return view in _LINKED or view in _OF_PASSES or view in _OF_KERNELS or of_stage


def missing(
    source: Source, view: str, program: str | None, stage: str | None, variant: str | None = None
) -> list[Lacking]:
    """What is to be collected before the view is asked for. ``program`` is an id, None for all.

    Stages: ``hlo`` (before optimization), ``tagged`` (what links instructions to equations) and ``located`` (the same
    for the lines of StableHLO and of HLO before optimization, which the view ``equations`` and, as ``links`` of a
    ``stage``, the screen need); ``passes``; and ``machine`` (LLVM IR and object files).
    """
    if not isinstance(source, RunSource):
        return []
    records = program_records(source)
    wanted = [program] if program is not None else [name for name, record in records.items() if not is_eager(record)]
    found = []
    for name in wanted:
        if name not in records:
            raise ViewError(f"{name}: no such program", f"Programs: {', '.join(records)}")
        if view in _LINKED and _needs(source, name, "tagged"):
            found.append(Lacking(name, "tagged"))
        before = view == "equations" or (view == "links" and stage in ("stablehlo", "hlo"))
        if before and _needs(source, name, "located"):
            found.append(Lacking(name, "located"))
        if stage == "hlo" and "hlo" not in available(source, name) and "stablehlo" in available(source, name):
            found.append(Lacking(name, "hlo"))
        if view in _OF_PASSES or (view == "stage" and stage is not None and stage.startswith("pass:")):
            which = variant_name(source, name, variant)
            if view == "sharding" and not _on_several(source, name, which):
                continue
            if view == "compiles" and (program is None or is_eager(records[name])):
                continue
            if passes_record(source, name, which) is None and not (which and uncompiled(source, name, which)):
                found.append(Lacking(name, "passes", variant_switches(source, name, which)))
        if view in _OF_KERNELS or (view == "stage" and stage in MACHINE_STAGES):
            which = variant_name(source, name, variant)
            if machine_record(source, name, which) is None and not (which and uncompiled(source, name, which)):
                found.append(Lacking(name, "machine", variant_switches(source, name, which)))
    return found


def _on_several(source: RunSource, program: str, variant: str | None) -> bool:
    """Does a program, or a variant of it, run on several devices?"""
    if variant is not None and variant != BASELINE:
        return (fields.integer(variant_record(source, program, variant).json, "device_count") or 1) > 1
    return (fields.integer(program_records(source)[program].json, "device_count") or 1) > 1


def _needs(source: RunSource, program: str, stage: str) -> bool:
    """Is the tagged lowering held, but not yet what is made of it?"""
    if stage_key(source, program, stage) is not None:
        return False
    return any(
        record.json.get("stage") == "tagged" and source.digest(record, "tagged") is not None
        for record in source.records("stage", program)
    )
