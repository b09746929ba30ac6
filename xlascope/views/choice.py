"""Which program is meant when one is named, or when none is."""

from __future__ import annotations

from collections.abc import Sequence

from xlascope.views.errors import ViewError
from xlascope.views.heat import ranking
from xlascope.views.lookup import function_name, program_records, resolve
from xlascope.views.source import HloSource, RunSource, Source


def choose(source: Source, wanted: str | None) -> str:
    """The id of the program that is meant; without a wish the hottest. Raises ViewError (exit code 2)."""
    names, ranking = _names(source)
    if wanted is not None:
        return resolve(wanted, names, ranking)
    if not ranking:
        raise ViewError(f"{source.path}: no program was recorded", "`show PATH run` tells what happened instead.")
    return ranking[0]


def _names(source: Source) -> tuple[dict[str, str], Sequence[str]]:
    if isinstance(source, HloSource):
        names = {module.id: module.name for module in source.modules}
        # Of a dump nothing was measured: the module with the longest text is taken as the hottest.
        return names, sorted(names, key=lambda name: -_text_size(source, name))
    assert isinstance(source, RunSource)
    return {name: function_name(record) for name, record in program_records(source).items()}, ranking(source)


def _text_size(source: HloSource, name: str) -> int:
    for module in source.modules:
        if module.id == name:
            return max((file.stat().st_size for file in module.stages.values() if file.is_file()), default=0)
    return 0
