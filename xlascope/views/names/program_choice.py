"""Which program is meant when one is named, or when none is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xlascope.traces.wire import ProfileError
from xlascope.views.errors import ViewError
from xlascope.views.names.program_records import function_name, program_records, resolve
from xlascope.views.sources.profile_source import ProfileSource
from xlascope.views.sources.source import HloSource, RunSource, Source
from xlascope.views.sources.texts import read_bytes


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
    """Of the form that is executed, else of the nearest one that is held; of a text the lines that define something.

    0 where that cannot be read: who asks for that module is told, who asks for another one is not kept from it.
    """
    held = next((module.stages for module in source.modules if module.id == name), {})
    passes = [stage for stage in held if stage.startswith("pass:")]
    stage = next((each for each in ("optimized", *passes[-1:], "hlo") if each in held), None)
    place = held.get(stage or "")
    from xlascope.views.sources.stages import readable_module

    try:
        if isinstance(place, Path) and place.suffix == ".txt" and place.is_file():
            return read_bytes(place).count(b" = ")
        module = readable_module(source, name, stage) if stage is not None else None
    except (ViewError, ProfileError):
        return 0
    return sum(1 for _ in module.instructions()) if module is not None else 0
