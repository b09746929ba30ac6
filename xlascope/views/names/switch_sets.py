"""Switches that were kept under a name, to be used on another program or run."""

from __future__ import annotations

from typing import Any

from xlascope.views import fields
from xlascope.views.errors import ViewError
from xlascope.views.sources.source import RunSource


def switch_sets(source: RunSource) -> dict[str, dict[str, Any]]:
    """The sets of a run by name; of two with a name the newer one."""
    found = {}
    for record in source.records("switch_set"):
        name, switches = fields.text(record.json, "name"), fields.mapping(record.json, "switches")
        if name and switches:
            found[name] = dict(switches)
    return found


def switch_set(source: RunSource, name: str) -> dict[str, Any]:
    """One set. Raises ViewError (exit code 2) for a name that no set has."""
    known = switch_sets(source)
    if name not in known:
        names = ", ".join(sorted(known))
        raise ViewError(
            f"{name}: no switches are kept under this name",
            f"Kept are: {names}." if names else "`xlascope measure RUN --name NAME` with switches keeps them.",
        )
    return known[name]
