"""Programs of a run by what people call them, and which one is meant when none is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xlascope.runfile import Record
from xlascope.views import fields
from xlascope.views.errors import ViewError
from xlascope.views.sources.source import RunSource


def program_records(source: RunSource) -> dict[str, Record]:
    """The newest record of each program, in the order of their first appearance, eager primitives included."""
    return source.memo("program records", lambda: _program_records(source))


def _program_records(source: RunSource) -> dict[str, Record]:
    found: dict[str, Record] = {}
    for record in source.records("program"):
        name = program_id(record)
        if name is not None:
            found[name] = record
    return found


def compile_records(source: RunSource) -> dict[str, list[Record]]:
    """Compilations by program."""

    def read() -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = {}
        for record in source.records("compile"):
            name = record.program or fields.text(record.json, "program")
            if name is not None:
                found.setdefault(name, []).append(record)
        return found

    return source.memo("compiles by program", read)


def program_id(record: Record) -> str | None:
    """The id of the program that a record is about."""
    return fields.text(record.json, "id") or record.program


def is_eager(record: Record) -> bool:
    """Is it a primitive that JAX dispatched by itself, and no function of the user?"""
    return how(record) == "eager"


def how(record: Record) -> str | None:
    """The way a program was captured: jit, pmap, aot, eager or control flow (called outside of jit)."""
    return fields.text(record.json, "how")


def function_name(record: Record) -> str:
    """The name of the function a program was traced from."""
    name = fields.text(record.json, "function")
    return name if name is not None else (program_id(record) or "?").rpartition("#")[0] or "?"


def resolve(wanted: str, names: Mapping[str, str], ranking: Sequence[str]) -> str:
    """The id that ``wanted`` means: an id, its number, or its function's name; of several programs the hottest.

    ``names`` maps ids to function names; ``ranking`` has the ids, hottest first. Raises ViewError (exit code 2).
    """
    if wanted in names:
        return wanted
    number = wanted.removeprefix("#")
    by_number = {name for name in names if name.rpartition("#")[2] == number}
    of_function = {name for name, function in names.items() if wanted in (function, function.rpartition(".")[2])}
    for name in ranking:
        if name in (by_number or of_function):
            return name
    there = f"The programs are: {_listed(ranking)}." if ranking else "No program was recorded."
    raise ViewError(f"{wanted}: no such program", there)


def _listed(names: Sequence[str], most: int = 30) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
