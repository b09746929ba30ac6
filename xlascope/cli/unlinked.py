"""What ``record`` says of programs whose exact links are not in the run file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from xlascope.runfile import Reader, RunFileError

_NAMED = 4
_SPARE = 1.2
"""So many times the time that links are reckoned to take: it is an estimate from their first lowering."""


def unlinked(path: Path) -> list[str]:
    """A sentence for each reason; none where all links are there, or a lab can make them."""
    try:
        with Reader(path) as reader:
            return list(_sentences(reader))
    except RunFileError:
        return []  # why it could not be written was told


def _sentences(reader: Reader) -> Iterator[str]:
    found: dict[str, tuple[list[str], float]] = {}
    for record in reader.records("dropped"):
        if record.json.get("what") == "exact links":
            why = str(record.json.get("why"))
            programs, budget = found.get(why, ([], 0.0))
            found[why] = [*programs, *record.json["programs"]], max(budget, record.json.get("budget_ns") or 0)
    for why, (programs, budget) in found.items():
        named = ", ".join(programs[:_NAMED])
        more = f" and {len(programs) - _NAMED} more" if len(programs) > _NAMED else ""
        advice = f"; `record --finish-budget {seconds_for(budget)}` would have them" if budget else ""
        yield f"no exact links for {named}{more}: {why}{advice}; equations are matched by source position, marked ~"


def seconds_for(budget_ns: float) -> int:
    """The ``--finish-budget`` to advise."""
    return math.ceil(budget_ns / 1e9 * _SPARE)
