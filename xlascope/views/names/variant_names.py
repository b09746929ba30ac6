"""Which measurement is meant by the name or the id of a variant."""

from __future__ import annotations

from xlascope.runfile import Record
from xlascope.views import fields
from xlascope.views.errors import ViewError
from xlascope.views.sources.source import RunSource, Source

BASELINE = "baseline"


def name_of(record: Record) -> str:
    """The name of a variant: its switches in fixed order."""
    return record.variant or fields.text(record.json, "variant") or f"variant {record.id}"


def id_of(record: Record) -> str:
    """The id that names one measurement among those of a variant."""
    value = record.json.get("id")
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else str(record.id)


def variant_record(source: RunSource, program: str, wanted: str) -> Record:
    """The newest measurement that ``wanted`` names (an id or a name). Raises ViewError (exit code 2)."""
    records = source.records("variant", program)
    for record in reversed(records):
        if wanted in (name_of(record), id_of(record)) or wanted == BASELINE:
            return record
    names = ", ".join(dict.fromkeys(name_of(record) for record in records))
    there = f"Measured of {program}: {names}." if names else f"No variant of {program} was measured yet."
    raise ViewError(f"{wanted}: no such variant", f"{there} `xlascope measure` adds one.")


def variant_name(source: Source, program: str, wanted: str | None) -> str | None:
    """The variant's name; None for what the script itself ran. Raises ViewError (exit code 2)."""
    if wanted is None or wanted == "observed":
        return None
    if not isinstance(source, RunSource):
        raise ViewError(f"{wanted}: {source.says} has no variants", "Leave --variant out.")
    record = variant_record(source, program, wanted)
    return BASELINE if wanted == BASELINE else name_of(record)
