"""View ``passes``: what each pass of XLA did to a program, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from xlascope.views import fields
from xlascope.views.compiler.pass_store import required_passes
from xlascope.views.compiler.records import passes_record
from xlascope.views.names.program_choice import choose
from xlascope.views.names.variant_names import variant_name
from xlascope.views.sources.source import RunSource, Source


@dataclass(frozen=True, slots=True)
class PassRow:
    """The module after a pass (``pass:INDEX`` is its text), against the one before.

    ``instructions``: of all computations; ``added`` and ``removed``: by how many there are more and fewer of each
    opcode. ``changed``: whether instructions are other ones, names, numbering and metadata left aside. ``group`` names
    the fix-point loop it ran in, ``turn`` that loop's turn from 1. ``duration_ns``: null where it was not measured.
    """

    index: int
    pipeline: str
    pass_: str
    changed: bool
    group: str | None
    turn: int | None
    instructions: int
    added: Mapping[str, int]
    removed: Mapping[str, int]
    duration_ns: int | None
    JSON_KEYS: ClassVar = {"pass_": "pass"}


@dataclass(frozen=True, slots=True)
class Passes:
    """All snapshots of a compile. ``compile_ns``: of that compile, the writing of snapshots included."""

    program: str
    variant: str | None
    passes: tuple[PassRow, ...]
    compile_ns: int | None
    linked: bool
    """Whether instructions name their equations, so that the history of an equation can be told."""
    notes: tuple[str, ...]


def query(source: Source, program: str | None = None, variant: str | None = None) -> Passes:
    """The passes of a program (the hottest). Raises ViewError (2) when they were not collected."""
    name = choose(source, program)
    which = variant_name(source, name, variant)
    sequence = required_passes(source, name, which)
    rows = tuple(
        PassRow(
            each.index, each.pipeline, each.name or f"before {each.before}", each.changed, each.group, each.turn,
            each.instructions, each.added, each.removed, each.duration_ns,
        )
        for each in sequence.passes
    )  # fmt: skip
    body: Mapping[str, Any] = {}
    if isinstance(source, RunSource):
        record = passes_record(source, name, which)
        body = record.json if record is not None else {}
    notes = tuple(str(note) for note in body.get("notes") or () if isinstance(note, str))
    return Passes(name, which, rows, fields.integer(body, "compile_ns"), sequence.tagged, notes)
