"""Eager primitives: each is one equation, dispatched by itself, and all of its ops are that equation's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from xlascope.views import fields
from xlascope.views.names.program_records import compile_records, function_name, is_eager, program_records
from xlascope.views.sources.source import RunSource
from xlascope.views.times.windows import executables, steady, total

PATH = "0"


def eager_programs(source: RunSource) -> Mapping[str, str]:
    """Names of the primitives, or of JAX's own jitted functions, by program id."""

    def read() -> dict[str, str]:
        return {name: function_name(record) for name, record in program_records(source).items() if is_eager(record)}

    return source.memo("eager programs", read)


def calling_lines(source: RunSource) -> Mapping[str, tuple[str | None, int | None]]:
    """The line that dispatched each eager primitive: all that is known of where its ops come from."""
    mine = eager_programs(source)

    def read() -> dict[str, tuple[str | None, int | None]]:
        return {
            name: (fields.text(records[0].json, "file"), fields.integer(records[0].json, "line"))
            for name, records in compile_records(source).items()
            if name in mine
        }

    return source.memo("lines of eager programs", read)


def eager_times(source: RunSource) -> Mapping[str, Mapping[str, int]]:
    """Self time by op, in ns, of each eager primitive that windows saw; most time first."""
    mine, numbers = eager_programs(source), executables(source)
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in total(source, steady(source)).rows:
        name = numbers.get(row.program_id) if row.program_id is not None else None
        if name is not None and name in mine:
            found[name][row.op] += row.self_ns
    return dict(sorted(found.items(), key=lambda item: -sum(item[1].values())))
