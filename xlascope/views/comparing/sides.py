"""The two sides of a comparison: a run as the script ran it, a variant that was measured, a profile, an XLA dump."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xlascope.runfile import Record
from xlascope.views import fields
from xlascope.views.errors import ViewError
from xlascope.views.names.program_records import is_eager, program_records
from xlascope.views.names.variant_names import BASELINE, id_of, name_of
from xlascope.views.sources.opening import open_source, split
from xlascope.views.sources.profile_source import ProfileSource
from xlascope.views.sources.source import HloSource, RunSource, Source

OBSERVED = "observed"


@dataclass(frozen=True, slots=True)
class Side:
    """``variant``: an id or a name, ``baseline``, or None: as the script ran it, or of a file without variants."""

    source: Source
    variant: str | None = None

    @property
    def label(self) -> str:
        """The file, and the variant where it is one."""
        return f"{self.source.path}#{self.variant}" if self.variant else str(self.source.path)


def parse(word: str) -> tuple[Path, str | None]:
    """``RUN`` or ``RUN#variant``. A path that is there as it stands is no variant of another."""
    path, mark, variant = word.rpartition("#")
    if Path(word).exists() or not mark or not variant or len(split(word)) > 1:
        return Path(word), None
    return Path(path), variant


def open_sides(first: str, second: str) -> tuple[Side, Side]:
    """Both sides; one run against a variant of itself means the variant's baseline, ``RUN#observed`` what the script
    did. Raises ViewError: 3 for what cannot be read, 2 for a variant that is not there.
    """
    (path_a, a), (path_b, b) = parse(first), parse(second)
    source_a = open_source(path_a)
    try:
        same = path_a.exists() and path_b.exists() and path_a.resolve() == path_b.resolve()
        source_b = source_a if same else open_source(path_b)
    except ViewError:
        source_a.close()
        raise
    if same and a is None and b not in (None, OBSERVED):
        a = BASELINE
    if same and b is None and a not in (None, OBSERVED):
        b = BASELINE
    try:
        if a == BASELINE:  # what is there is that of the other: of the two words that one is worth telling
            side(source_b, b)
        return side(source_a, a), side(source_b, b)
    except ViewError:
        source_a.close()
        source_b.close()
        raise


def side(source: Source, variant: str | None) -> Side:
    """Raises ViewError (2) when no program has the variant."""
    which = None if variant in (None, OBSERVED) else variant
    if which is None:
        return Side(source)
    if not isinstance(source, RunSource):
        raise ViewError(f"{which}: {source.says} has no variants", "Leave the # and what follows out.")
    found = Side(source, which)
    if not variant_records(found):
        names = sorted({f"{name_of(each)} ({id_of(each)})" for each in source.records("variant")})
        there = f"There: {', '.join(names)}." if names else "`xlascope measure` adds one."
        raise ViewError(f"{source.path}: {which}: no such variant was measured", there)
    return found


def variant_records(side: Side) -> dict[str, Record]:
    """The newest measurement that a side means, by program; of ``baseline`` the newest of all."""
    found: dict[str, Record] = {}
    if side.variant is not None and isinstance(side.source, RunSource):
        for record in side.source.records("variant"):
            if record.program is not None and side.variant in (name_of(record), id_of(record), BASELINE):
                found[record.program] = record
    return found


def programs(side: Side) -> list[str]:
    """The programs of a side: those of the user's functions, those of a variant, the modules of a profile or dump."""
    source = side.source
    if isinstance(source, RunSource):
        names = [name for name, record in program_records(source).items() if not is_eager(record)]
        measured = variant_records(side)
        return [name for name in names if name in measured] if side.variant is not None else names
    assert isinstance(source, HloSource)
    executed = set(source.executed.of.values()) if isinstance(source, ProfileSource) else None
    return [module.id for module in source.modules if executed is None or module.id in executed]


def same_compiler(a: Side, b: Side) -> bool:
    """Whether both runs had the same XLA with the same flags for the same kind of processor: only then are the same
    instructions the same code.
    """
    told = [_compiler(each) for each in (a, b)]
    return told[0] is not None and told[0] == told[1]


def _compiler(side: Side) -> tuple[object, ...] | None:
    if not isinstance(side.source, RunSource):
        return None
    env, run = side.source.last("env"), side.source.last("run")
    jaxlib = fields.text(env.json, "jaxlib") if env is not None else None
    if env is None or run is None or jaxlib is None:
        return None
    variables = fields.mapping(env.json, "variables") or {}
    machine = fields.mapping(run.json, "machine") or {}
    return (jaxlib, fields.text(env.json, "platform"), machine.get("cpu"), machine.get("cores"),
            variables.get("XLA_FLAGS"), variables.get("LIBTPU_INIT_ARGS"))
