"""What the compiles of one cause have in common, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xlascope.views.compiler.rows import Compile, Difference

SHOWN, TOLD = 4, 3
_WORDS = {
    "shape": "argument {} changes shape", "rank": "argument {} changes rank", "dtype": "argument {} changes dtype",
    "weak type": "weak type of {} changes", "static": "static argument {} changes",
    "structure": "structure of {} changes", "sharding": "sharding of {} changes", "device": "device of {} changes",
    "captured": "a new function object with another captured {}", "parameters": "{} changes", "config": "{} changes",
    "option": "{} changes", "constant": "another constant in the equations",
}  # fmt: skip


def subject(row: Compile) -> tuple[object, ...]:
    """What a compile shares with those of its storm that are counted with it: the cause, and what changed."""
    changed = tuple((part.part, part.name) for part in row.difference[:TOLD])
    return row.cause or "unknown", changed, _is_object(row), row.reason if row.cause == "function" else None


def example(rows: Sequence[Compile]) -> str | None:
    """The reason of compiles with one subject; where it differs from one to the next all that was seen, in order."""
    newest = rows[-1]
    if len({row.reason for row in rows}) == 1 or newest.reason is None:
        return newest.reason
    parts = newest.difference[:TOLD]
    if not parts or _is_object(newest) or any(part.part not in _WORDS for part in parts):
        return f"{newest.reason} (the newest)"
    more = f"; and {len(newest.difference) - TOLD} more" if len(newest.difference) > TOLD else ""
    return "; ".join(_told(rows, part) for part in parts) + more


def few(seen: Sequence[str]) -> str:
    """The first of several values, and whether there are more."""
    return ", ".join(seen[:SHOWN]) + (", …" if len(seen) > SHOWN else "")


def values(rows: Iterable[Compile], name: str | None, *parts: str) -> list[str]:
    """All that one argument was, in order."""
    seen: dict[str, None] = {}
    for row in rows:
        for part in row.difference:
            if part.part in parts and part.name == name:
                seen.update({text: None for text in (part.before, part.after) if text is not None})
    return list(seen)


def _told(rows: Iterable[Compile], part: Difference) -> str:
    return f"{_WORDS[part.part].format(part.name or 'the arguments')}: {few(values(rows, part.name, part.part))}"


def _is_object(row: Compile) -> bool:
    """Whether a static argument looks as it did before, and is another object."""
    return row.cause == "static" and "equal" in (row.reason or "")
