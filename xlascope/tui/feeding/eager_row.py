"""What the list of functions tells of eager operations, and of what was compiled again and again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from xlascope.tui.text.numbers import count, counted, duration, percent
from xlascope.tui.widgets.functions import FunctionItem

AGAIN = 5
"""Compiles that are worth a mark."""
_AGAIN_NS, _EAGER_AGAIN = 1_000_000_000, 100  # their time, and how many operations, that are worth one too
_OTHERS = 4  # lines that are told beside the hottest


def is_heavy(storm: Any) -> bool:
    """Whether compiling again is worth a mark: often, or for long."""
    return storm.compiles >= AGAIN or storm.again_ns >= _AGAIN_NS


def storm_told(storm: Any) -> Iterator[str]:
    """How often something was compiled, why, and what to change."""
    causes = [each for each in storm.causes if each.cause != "first" and each.example]
    why = f": {causes[0].count} × {causes[0].example}" if causes and not storm.names else ""
    yield f"Compiled {count(storm.compiles)} times, {duration(storm.ns)} with tracing and lowering{why}."
    if storm.advice is not None:
        yield f"→ {storm.advice}"


def where(file: str | None, line: int | None) -> str:
    """`train.py:40`."""
    if file is None:
        return ""
    return file.rpartition("/")[2] + (f":{line}" if line else "")


def eager_item(eager: Sequence[Any], storms: Sequence[Any], functions: Any) -> FunctionItem | None:
    """The row of all operations that JAX dispatched by themselves, at the line of theirs that took most time."""
    if not eager:
        return None
    lines = functions.eager_lines
    known = [line for line in lines if line.line is not None]
    timed = [line for line in known if line.ns is not None]
    first = timed[0] if timed else max(known, key=lambda line: line.runs_at_least or 0, default=None)
    guessed = functions.eager_share is not None and any(row.share_estimated for row in functions.functions)
    name = f"eager ops ({len(eager)})"
    said = _brief(first, known, bool(timed), functions) if first is not None else ""
    told = [f"{name}: {counted(len(eager), 'operation')} dispatched outside of jitted functions, each compiled alone."]
    if functions.eager_share is not None:
        told.append(f"Share {'~' if guessed else ''}{percent(functions.eager_share)}: their part of the device time of "
                    "all programs.")  # fmt: skip
    if first is not None:
        told += [f"{said}.", *_lines_told(first, lines, functions)]
    if storms:
        worst = storms[0]
        at = (worst.own_file, worst.own_line) if worst.own_line is not None else (worst.file, worst.line)
        told += [f"Most time for compiling, {worst.name} at {where(*at)}:", *storm_told(worst)]
    alert = len(eager) >= _EAGER_AGAIN or any(is_heavy(storm) for storm in storms if not storm.names)
    number = first.runs_at_least if first is not None else None
    return FunctionItem(
        name, where(first.file, first.line) if first is not None else "", (), functions.eager_share, guessed,
        f"×{count(number)}" if number else "", alert, tuple(told), said=said,
        place=(first.file, first.line) if first is not None and first.file is not None else None,
        is_eager=True,
    )  # fmt: skip


def _part(line: Any, functions: Any) -> str:
    """Its part of all device time; empty where that is not known."""
    share = line.ns / functions.estimated_ns if line.ns is not None and functions.estimated_ns else None
    return "" if share is None else f"~{percent(share)} of all device time"


def _brief(first: Any, known: Sequence[Any], timed: bool, functions: Any) -> str:
    """The sentence below, when the cursor is on the row; advice is of that line, else of the most dispatched one."""
    why = "took most of their time" if timed else "dispatched most of them; no window saw their times"
    often = first.runs_at_least
    number = "" if not often else "dispatched once" if often == 1 else f"×{count(often)} dispatches at least"
    said = f"{where(first.file, first.line)} {why}: {', '.join(filter(None, (_part(first, functions), number)))}"
    if first.advice:
        return f"{said}. {_remedy(first.advice)}"
    most = max((line for line in known if line.advice), key=lambda line: line.runs_at_least or 0, default=None)
    if most is None:
        return said
    there = f"{where(most.file, most.line)} dispatched at least {count(most.runs_at_least)} times"
    return f"{said}. {there}. {_remedy(most.advice)}"


def _lines_told(first: Any, lines: Sequence[Any], functions: Any) -> Iterator[str]:
    others = [line for line in lines if line is not first]
    for line in others[:_OTHERS]:
        place = where(line.file, line.line) if line.line is not None else "Other lines, which nothing tells"
        facts = [f"×{count(line.runs_at_least)}" if line.runs_at_least else "", _part(line, functions)]
        yield f"{place}: {', '.join(line.names[:6])}: {', '.join(filter(None, facts)) or 'never seen by a window'}."
    rest = others[_OTHERS:]
    if rest:
        yield f"{counted(len(rest), 'more line')}: the view functions has them (--json, eager_lines)."
    yield ("×N: the dispatches of all operations that a line was the first to dispatch, as far as they are counted. "
           "JAX tells no line of later dispatches; what a line that runs once cannot have dispatched is told "
           "apart.")  # fmt: skip


def _remedy(advice: str) -> str:
    """What to do, without why: that each operation is dispatched alone is what the row is about."""
    said = advice.removeprefix("each operation is compiled and dispatched alone: ").rstrip(".")
    return said[:1].upper() + said[1:]
