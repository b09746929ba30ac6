"""Which program is meant when one is named, or when none is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xlascope.views.errors import ViewError
from xlascope.views.names.program_records import function_name, program_records, resolve
from xlascope.views.sources.profile_source import ProfileSource
from xlascope.views.sources.source import HloSource, RunSource, Source


def choose(source: Source, wanted: str | None) -> str:
    """The id of the program that is meant; without a wish the hottest. Raises ViewError (exit code 2)."""
    names, ranking = _names(source)
    if wanted is not None:
        if isinstance(source, HloSource) and f"jit_{wanted}" in names.values() and wanted not in names.values():
            wanted = f"jit_{wanted}"  # a module is named by its function
        return resolve(wanted, names, ranking)
    if not ranking:
        raise ViewError(f"{source.path}: no program was recorded", "`show PATH run` tells what happened instead.")
    return ranking[0]


def _names(source: Source) -> tuple[dict[str, str], Sequence[str]]:
    if isinstance(source, HloSource):
        names = {module.id: module.name for module in source.modules}
        if isinstance(source, ProfileSource):
            return names, list(names)
        # Of a dump nothing was measured: the module with most instructions is taken as the hottest.
        return names, sorted(names, key=lambda name: -_instructions(source, name))
    from xlascope.views.times.heat import ranking  # of runs alone: a profile is opened sooner without it

    assert isinstance(source, RunSource)
    return {name: function_name(record) for name, record in program_records(source).items()}, ranking(source)


def _instructions(source: HloSource, name: str) -> int:
    """Of the form that is executed, else of the nearest one that is held; of a text the lines that define something."""
    held = next((module.stages for module in source.modules if module.id == name), {})
    passes = [stage for stage in held if stage.startswith("pass:")]
    stage = next((each for each in ("optimized", *passes[-1:], "hlo") if each in held), None)
    place = held.get(stage or "")
    if isinstance(place, Path) and place.suffix == ".txt" and place.is_file():
        return place.read_bytes().count(b" = ")
    from xlascope.views.sources.stages import readable_module

    module = readable_module(source, name, stage) if stage is not None else None
    return sum(1 for _ in module.instructions()) if module is not None else 0
