"""Tables and cells: what is unknown is ``?``, what is estimated has ``~``, what is cut has an ellipsis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.table import Table
from rich.text import Text

from xlascope.tui.text import numbers
from xlascope.tui.text.safe import safe

UNKNOWN = numbers.UNKNOWN
_BAR = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True, slots=True)
class Column:
    """``side``: left for texts, right for numbers; ``keep``: never narrower than its content; ``style`` of Rich."""

    title: str
    side: Literal["left", "right"] = "left"
    keep: bool = False
    style: str = ""
    least: int = 6


def number_column(title: str, style: str = "") -> Column:
    """A column of numbers: never cut, because half a number is a lie."""
    return Column(title, "right", True, style)


def table(columns: Sequence[Column], rows: Iterable[Sequence[str | Text]]) -> Table:
    """A table without borders that fits the width: texts are cut with an ellipsis, numbers are not."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
    for column in columns:
        made.add_column(
            Text(column.title),
            justify=column.side,
            no_wrap=True,
            overflow="ellipsis",
            style=column.style,
            min_width=None if column.keep else min(column.least, 40),
        )
    cells = [[cell if isinstance(cell, Text) else Text(safe(cell)) for cell in row] for row in rows]
    for position, column in enumerate(columns):
        if column.keep and cells:
            widest = max(len(column.title), *(row[position].cell_len for row in cells))
            made.columns[position].min_width = widest
    for row in cells:
        made.add_row(*row)
    return made


def line(*parts: str | Text | None) -> Text:
    """One line of facts, those that are there, separated by two spaces."""
    return Text("  ").join(part if isinstance(part, Text) else Text(safe(part)) for part in parts if part is not None)


def heading(text: str) -> Text:
    return Text(safe(text), style="bold")


def note(text: str) -> Text:
    """A sentence about how numbers came to be."""
    return Text(safe(text), style="dim")


def warning(text: str) -> Text:
    return Text("! " + safe(text), style="yellow")


def estimated(text: str, exact: bool) -> str:
    """With ``~`` when it is an estimate."""
    return text if exact or text == UNKNOWN else f"~{text}"


def count(value: int | None, exact: bool = True) -> str:
    return estimated(numbers.count(value), exact)


def duration(ns: float | None) -> str:
    return numbers.duration(ns)


def size(value: float | None) -> str:
    return numbers.size(value)


def share(value: float | None) -> str:
    return numbers.percent(value)


def bar(value: float | None, width: int = 10) -> Text:
    """A bar of ``width`` cells for a share of 1."""
    eighths = round(min(max(value or 0.0, 0.0), 1.0) * width * 8)
    text = "█" * (eighths // 8) + (_BAR[eighths % 8] if eighths % 8 else "")
    return Text(text, style="cyan")


def place(file: str | None, line_number: int | None) -> str:
    """``train.py:14``; the folder is left out, JSON has it."""
    if file is None:
        return UNKNOWN
    name = file.replace("\\", "/").rpartition("/")[2] or file
    return name if line_number is None else f"{name}:{line_number}"
