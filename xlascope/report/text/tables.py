"""Tables and cells: what is unknown is ``?``, what is estimated has ``~``, what is cut has an ellipsis."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from xlascope.tui.text import numbers
from xlascope.tui.text.safe import safe

UNKNOWN = numbers.UNKNOWN
_BAR = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True, slots=True)
class Column:
    """``side``: left for texts, right for numbers. A text is cut with an ellipsis down to ``least`` cells where the
    width asks for it: at its end or, with ``keep_end``, in front. A number is never cut, because half a number is a
    lie: instead columns are left out, those with the highest ``spare`` first (0: never).
    """

    title: str
    side: Literal["left", "right"] = "left"
    least: int | None = 6
    spare: int = 0
    keep_end: bool = False


def place_column(least: int = 12, spare: int = 0) -> Column:
    """A column of `place` cells: the line number stays when the file's name is cut."""
    return Column("where", "left", least, spare, keep_end=True)


def number_column(title: str, spare: int = 0) -> Column:
    """A column that is never cut."""
    return Column(title, "right", None, spare)


def fixed_column(title: str, spare: int = 0) -> Column:
    """A column of short texts that is never cut."""
    return Column(title, "left", None, spare)


_GAP = 2


class Paper(Console):
    """A console of some width for prose; where it is ``whole``, tables and pictures are as wide as they need to be.

    ``cut``: whether one of those that it holds by now would be another one on a whole console.
    """

    def __init__(self, whole: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.whole = whole
        self.cut = False


def is_whole(console: Console) -> bool:
    """Whether nothing is to be cut on it."""
    return isinstance(console, Paper) and console.whole


def tell_cut(console: Console) -> None:
    """Notes that something on it would be another on a whole one."""
    if isinstance(console, Paper):
        console.cut = True


@dataclass(frozen=True, slots=True)
class Several:
    """A cell with the first of several things, and what it says where nothing is cut."""

    short: str
    whole: str


Cell = str | Text | Several


class Fitted:
    """A table without borders that fits the width of the console, unless that wants it whole; see `table`."""

    def __init__(
        self, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], most: int | None = None, rest: str = ""
    ) -> None:
        self._columns = list(columns)
        self._all = [list(row) for row in rows]
        self._rows = self._all
        self._most, self._rest = most, rest

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        whole = is_whole(console)
        self._rows = self._all if whole else self._all[: self._most]
        rows = [[_text(cell, whole) for cell in row] for row in self._rows]
        natural = self._natural(rows)
        kept, widths = list(range(len(natural))), natural
        if not whole:
            kept, widths = fit(self._columns, natural, options.max_width)
            if widths != natural or any(isinstance(cell, Several) for row in self._rows for cell in row):
                tell_cut(console)
        yield self._line([Text(self._columns[index].title, style="bold") for index in kept], kept, widths)
        for row in rows:
            yield self._line([row[index].copy() for index in kept], kept, widths)
        if len(self._rows) < len(self._all):
            tell_cut(console)
            yield note(self._rest.format(len(self._all) - len(self._rows)))

    def _natural(self, rows: Sequence[Sequence[Text]]) -> list[int]:
        titles = [len(column.title) for column in self._columns]
        return [max(title, *(row[i].cell_len for row in rows), 0) for i, title in enumerate(titles)]

    def _line(self, cells: Sequence[Text], kept: Sequence[int], widths: Sequence[int]) -> Text:
        made = Text(no_wrap=True, overflow="ignore")
        for position, (cell, index, width) in enumerate(zip(cells, kept, widths, strict=True)):
            if self._columns[index].keep_end:
                cell = _cut_in_front(cell, width)
            cell.truncate(width, overflow="ellipsis")
            padding = " " * (width - cell.cell_len)
            right = self._columns[index].side == "right"
            made.append(padding if right else "").append_text(cell).append("" if right else padding)
            made.append(" " * _GAP if position < len(kept) - 1 else "")
        made.rstrip()
        return made


def _text(cell: Cell, whole: bool) -> Text:
    if isinstance(cell, Several):
        cell = cell.whole if whole else cell.short
    return cell if isinstance(cell, Text) else Text(safe(cell))


def _cut_in_front(cell: Text, width: int) -> Text:
    """The end of a text that is too long, after an ellipsis."""
    if cell.cell_len <= width:
        return cell
    end = cell
    while len(end) and end.cell_len > width - 1:
        end = end[1:]
    return Text("…").append_text(end)


def fit(columns: Sequence[Column], natural: Sequence[int], width: int) -> tuple[list[int], list[int]]:
    """The columns to show (positions) and their widths: texts are cut evenly, then columns are left out."""
    kept = list(range(len(columns)))
    while True:
        least = [natural[i] if (small := columns[i].least) is None else min(small, natural[i]) for i in kept]
        gaps = _GAP * (len(kept) - 1)
        spare = [i for i in kept if columns[i].spare]
        if sum(least) + gaps <= width or not spare:
            break
        kept.remove(max(spare, key=lambda i: columns[i].spare))
    widths = [natural[i] for i in kept]
    excess = sum(widths) + gaps - width
    while excess > 0:
        widest = max((w for w, small in zip(widths, least, strict=True) if w > small), default=0)
        if not widest:
            break  # narrower than the smallest table: the terminal wraps the lines
        widths[next(i for i, w in enumerate(widths) if w == widest and w > least[i])] -= 1
        excess -= 1
    return kept, widths


def table(
    columns: Sequence[Column], rows: Iterable[Sequence[Cell]], most: int | None = None, rest: str = ""
) -> Fitted:
    """A table of texts and numbers; ``most``: so many rows, and ``rest`` with the number of the others, unless all is
    wanted whole.
    """
    return Fitted(columns, rows, most, rest)


def line(*parts: str | Text | None) -> Text:
    """One line of facts, those that are there, separated by two spaces."""
    return Text("  ").join(part if isinstance(part, Text) else Text(safe(part)) for part in parts if part is not None)


def heading(text: str) -> Text:
    """A line that says what follows."""
    return Text(safe(text), style="bold")


def note(text: str) -> Text:
    """A sentence about how numbers came to be."""
    return Text(safe(text), style="dim")


def warning(text: str) -> Text:
    """A line that must not be missed."""
    return Text("! " + safe(text), style="yellow")


def estimated(text: str, exact: bool) -> str:
    """With ``~`` when it is an estimate."""
    return text if exact or text == UNKNOWN or text.startswith("<") else f"~{text}"


def count(value: int | None, exact: bool = True) -> str:
    """A whole number; `~` before an estimate, `-` where unknown."""
    return estimated(numbers.count(value), exact)


INFERRED = "told by the flow of data, as no tag tells it"
"""What ``~`` before an equation or an instruction means where others beside it are linked by tags."""


def marked(names: Iterable[str], guessed: Collection[str]) -> str:
    """Names in a row, those that are ``guessed`` with ``~``."""
    return " ".join(f"~{name}" if name in guessed else name for name in names)


def more(left_off: int) -> str:
    """Behind a list: how many more there are; nothing where that is all."""
    return f" … {left_off:,} more" if left_off else ""


def duration(ns: float | None) -> str:
    """A time in ns, with its unit; `-` where unknown."""
    return numbers.duration(ns)


def size(value: float | None) -> str:
    """A number of bytes, with its unit; `-` where unknown."""
    return numbers.size(value)


def share(value: float | None) -> str:
    """A part of one as a percentage; `-` where unknown."""
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
