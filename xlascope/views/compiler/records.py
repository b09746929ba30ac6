"""Which record of a run file holds a program's passes, or its machine code. Knows nothing of what is in them."""

from __future__ import annotations

from typing import Any

from xlascope.runfile import Record
from xlascope.views.names.variant_names import BASELINE, variant_record
from xlascope.views.sources.source import RunSource

MACHINE_STAGES = ("llvm:before", "llvm", "asm")
"""The stages that a record of machine code holds."""


def passes_record(source: RunSource, program: str, variant: str | None) -> Record | None:
    """The newest collection of passes; the baseline is compiled as the script's own program is."""
    wanted = None if variant == BASELINE else variant
    records = [each for each in source.records("passes", program) if each.variant == wanted]
    return records[-1] if records else None


def machine_record(source: RunSource, program: str, variant: str | None = None) -> Record | None:
    """The newest record of a program's (or a variant's) machine code."""
    wanted = None if variant == BASELINE else variant
    found = [record for record in source.records("machine", program) if record.variant == wanted]
    return found[-1] if found else None


def uncompiled(source: RunSource, program: str, variant: str) -> bool:
    """Whether a variant runs the program's equations one by one, so that XLA never sees it."""
    return variant_switches(source, program, variant).get("jit") in ("off", "deep-off")


def variant_switches(source: RunSource, program: str, variant: str | None) -> dict[str, Any]:
    """The switches of a variant; none of the script's own program and of the baseline."""
    if variant in (None, BASELINE):
        return {}
    found = variant_record(source, program, str(variant)).json.get("switches")
    return dict(found) if isinstance(found, dict) else {}
