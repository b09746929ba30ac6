"""What a view needs and a run file lacks, so that somebody with a lab can make it."""

from __future__ import annotations

from xlascope.views.errors import ViewError
from xlascope.views.lookup import is_eager, program_records
from xlascope.views.source import RunSource, Source
from xlascope.views.stages import available, stage_key

# Views whose rows carry equations.
_LINKED = frozenset({"ops", "graph", "collectives", "equations", "links"})


def concerns(view: str, stage: str | None) -> bool:
    """Can a view, of a stage, need anything that is made after a run?"""
    return view in _LINKED or (view == "stage" and stage == "hlo")


def missing(source: Source, view: str, program: str | None, stage: str | None) -> list[tuple[str, str]]:
    """(program, stage) pairs to be collected before the view is asked for. ``program`` is an id, None for all.

    Stages: ``hlo`` (before optimization), ``tagged`` (what links instructions to equations) and ``located`` (the same
    for the lines of StableHLO and of HLO before optimization, which the view ``equations`` and, as ``links`` of a
    ``stage``, the screen need).
    """
    if not isinstance(source, RunSource):
        return []
    records = program_records(source)
    wanted = [program] if program is not None else [name for name, record in records.items() if not is_eager(record)]
    pairs = []
    for name in wanted:
        if name not in records:
            raise ViewError(f"{name}: no such program", f"Programs: {', '.join(records)}")
        if view in _LINKED and _needs(source, name, "tagged"):
            pairs.append((name, "tagged"))
        before = view == "equations" or (view == "links" and stage in ("stablehlo", "hlo"))
        if before and _needs(source, name, "located"):
            pairs.append((name, "located"))
        if stage == "hlo" and "hlo" not in available(source, name) and "stablehlo" in available(source, name):
            pairs.append((name, "hlo"))
    return pairs


def _needs(source: RunSource, program: str, stage: str) -> bool:
    """Is the tagged lowering held, but not yet what is made of it?"""
    if stage_key(source, program, stage) is not None:
        return False
    return any(
        record.json.get("stage") == "tagged" and source.digest(record, "tagged") is not None
        for record in source.records("stage", program)
    )
