"""The functions that JAX compiled and their programs, with the share of the device time of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

from rich.segment import Segment
from textual.message import Message

from xlascope.tui.actions import bindings
from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.text.numbers import percent, percent_at_least
from xlascope.tui.text.safe import safe
from xlascope.tui.widgets.line_view import LineView
from xlascope.tui.widgets.row_table import fit

_MOST = 6
"""Programs of a function that are shown before all are asked for: the other functions stay in sight."""
_ALERT_CELLS = 12
"""The end of a row where a click means its mark."""


@dataclass(frozen=True, slots=True)
class ProgramItem:
    """One program of a function: `label` is its signature in short, `calls` a text with its mark.

    `time_ns`: device time of the whole run, at the least; None where none is known.
    """

    id: str
    label: str
    calls: str = ""
    alert: bool = False
    time_ns: int | None = None


@dataclass(frozen=True, slots=True)
class FunctionItem:
    """One function: `where` is `file:line`, `share` its part of the device time (None: unknown).

    `at_least`: that is a bound from below. `told`: how the numbers were obtained. Where there are no programs, `said`
    is the sentence below while the cursor is on it, and `place` the file and line that the source pane shows then.
    `led`: of a package's function the user's line that leads there, shown in the place of `where`.
    `twin` numbers those of equal name and place. `is_eager`: it stands for all that JAX dispatches alone, under a name
    and a place that change.
    """

    name: str
    where: str
    programs: tuple[ProgramItem, ...] = ()
    share: float | None = None
    estimated: bool = False
    calls: str = ""
    alert: bool = False
    told: tuple[str, ...] = ()
    at_least: bool = False
    said: str = ""
    place: tuple[str, int] | None = None
    led: str = ""
    twin: int = 0
    is_eager: bool = False


_Key = tuple[str, str, int]
"""What a function of the list keeps while its programs and numbers change."""


@dataclass(frozen=True, slots=True)
class _Row:
    function: int
    kind: str
    program: int = -1


class FunctionsList(LineView):
    """Functions by time, each with its programs; the cursor chooses what the other panes show."""

    HELP = (
        "Functions given to jit, pmap and so on, the most device time first; among them, by their time together, the "
        "operations that JAX dispatches alone (eager ops: the line of theirs with most time, ×N its dispatches). The "
        "bar is the share of the time of the run; `~` is an estimate, `≥` what is certain. Enter on a function shows "
        "its programs, and hides them. `!` compiled again and again: enter on the grey line under the name, or a click "
        "on the mark, shows why."
    )
    SCOPES = ("list", "functions")
    BINDINGS = bindings("functions")

    class Chosen(LineView.CursorMoved):
        """The cursor is on another function or program; both may be None when the list is empty."""

        def __init__(self, view: FunctionsList, row: int, function: FunctionItem | None, program: ProgramItem | None):
            super().__init__(view, row)
            self.function, self.program = function, program

    class AlertChosen(Message):
        """Enter or a click on the mark of a function that was compiled again and again."""

        def __init__(self, function: FunctionItem):
            super().__init__()
            self.function = function

    def __init__(self, *, id: str | None = None, classes: str | None = None, glyphs: Glyphs = UNICODE):
        super().__init__(id=id, classes=classes, glyphs=glyphs)
        self._functions: Sequence[FunctionItem] = ()
        self._rows: list[_Row] = []
        self._opened: set[_Key] = set()
        self._whole: set[_Key] = set()
        self._seen: set[_Key] = set()
        self._placeholder = "no function compiled yet"
        self._held = False
        self._leading: str | None = None
        self._kept: tuple[_Key, str] | None = None

    def set_functions(self, functions: Sequence[FunctionItem]) -> None:
        """Other functions, in the order to show; the cursor stays on its function or program.

        Until the list is held (by a move of the cursor, or `hold`) the cursor is on the first, the hottest so far, or
        on the one that `lead` named.
        """
        functions = _numbered(functions)
        if functions == self._functions:
            return
        first = self._first(functions)
        before = self._identity(self.cursor) if self._held else (_key(first), "function") if first is not None else None
        if not self._seen and first is not None:
            self._opened.add(_key(first))
        self._seen.update(map(_key, functions))
        self._functions = functions
        self._relist(before)
        self._tell()

    def lead(self, name: str | None) -> None:
        """What runs or is compiled for long now: until a time of it is known it goes before the hottest so far."""
        if name != self._leading:
            self._leading = name
            first = self._first(self._functions)
            if not self._held and first is not None:
                self._relist((_key(first), "function"))
                self._tell()

    def _first(self, functions: Sequence[FunctionItem]) -> FunctionItem | None:
        leading = [
            item for item in functions
            if item.name == self._leading and item.share is None and item.programs
            and all(program.time_ns is None for program in item.programs)
        ]  # fmt: skip
        # What has no program has nothing to show in the panes.
        whole = [item for item in functions if item.programs]
        return next(iter([*leading, *whole, *functions]), None)

    def hold(self) -> None:
        """From now on the cursor stays on its function and program, also when another one becomes hotter."""
        self._held = True
        self._keep()

    def set_placeholder(self, text: str) -> None:
        """What an empty list says."""
        if text != self._placeholder:
            self._placeholder = text
            if not self._functions:
                self.rows_changed()

    @property
    def chosen(self) -> tuple[FunctionItem | None, ProgramItem | None]:
        """The function under the cursor and its program: the hottest where the cursor is on the function itself.

        Once the list is held, that is the one which was the hottest when the cursor came to the function.
        """
        if not self._functions or not 0 <= self.cursor < len(self._rows):
            return None, None
        row = self._rows[self.cursor]
        function = self._functions[row.function]
        if row.program >= 0:
            return function, function.programs[row.program]
        return function, self._standing(function)

    def _standing(self, function: FunctionItem) -> ProgramItem | None:
        """The program that the rows of a function itself stand for."""
        kept = self._kept[1] if self._kept is not None and self._kept[0] == _key(function) else None
        same = (each for each in function.programs if each.id == kept)
        return next(same, None) or max(function.programs, key=_time, default=None)

    def _keep(self) -> None:
        """What the user looks at does not change under the cursor when times come in."""
        function, program = self.chosen
        on_program = 0 <= self.cursor < len(self._rows) and self._rows[self.cursor].program >= 0
        self._kept = (_key(function), program.id) if function and program and not on_program else None

    def choose(self, program: str) -> bool:
        """Puts the cursor on a program by its id, opening its function."""
        for function in self._functions:
            for item in function.programs:
                if item.id == program:
                    self._opened.add(_key(function))
                    self._relist((_key(function), item.id if item is not self._standing(function) else ""))
                    self.show_row(self.cursor)
                    self._tell()
                    return True
        return False

    def _identity(self, row: int) -> tuple[_Key, str] | None:
        if not self._functions or not 0 <= row < len(self._rows):
            return None
        entry = self._rows[row]
        function = self._functions[entry.function]
        return _key(function), function.programs[entry.program].id if entry.program >= 0 else entry.kind

    def _relist(self, wanted: tuple[_Key, str] | None) -> None:
        rows: list[_Row] = []
        for number, function in enumerate(self._functions):
            rows.append(_Row(number, "function"))
            if function.where or function.calls or len(function.programs) > 1:
                rows.append(_Row(number, "where"))
            if _key(function) in self._opened:
                rows += self._program_rows(number, function, wanted)
        self._rows = rows
        if wanted is not None:
            same = [row for row in range(len(rows)) if self._identity(row) == wanted]
            kin = [row for row in range(len(rows)) if _key(self._functions[rows[row].function]) == wanted[0]]
            target = (same or kin or [0])[0]
            self.set_reactive(LineView.cursor, target)
        self.rows_changed()

    def _program_rows(
        self, number: int, function: FunctionItem, wanted: tuple[_Key, str] | None
    ) -> list[_Row]:
        """The programs of a function; of many the hottest and the one under the cursor, then how many are left."""
        every = range(len(function.programs))
        if len(every) <= _MOST + 1 or _key(function) in self._whole:
            return [_Row(number, "program", index) for index in every]
        shown = set(sorted(every, key=lambda index: -_time(function.programs[index]))[:_MOST])
        shown |= {index for index in every if wanted == (_key(function), function.programs[index].id)}
        return [*(_Row(number, "program", index) for index in sorted(shown)), _Row(number, "more")]

    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._rows) or len(self.sentence_rows(self._placeholder))

    def row_text(self, row: int) -> str:
        """A row as text."""
        if not self._rows:
            return self.sentence_row(self._placeholder, row)
        entry = self._rows[row]
        function = self._functions[entry.function]
        if entry.kind == "function":
            return function.name
        if entry.kind == "where":
            return f"{function.led or function.where}  {function.calls}"
        if entry.kind == "more":
            return self._more(entry.function)
        program = function.programs[entry.program]
        return f"{program.id} {program.label} {program.calls}"

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A row as it is drawn."""
        if not self._rows:
            return [Segment(" " + self.sentence_row(self._placeholder, row), self.palette["dim"])]
        entry = self._rows[row]
        function = self._functions[entry.function]
        width -= 1
        if entry.kind == "function":
            return self.marked(self._function(row, function, width))
        if entry.kind == "where":
            return self.marked(self._where(row, function, width))
        if entry.kind == "more":
            pointer = self.glyphs.cursor if row == self.cursor else " "
            return self.marked([(pointer, "accent"), (f"  {self._more(entry.function)}", "dim")])
        return self.marked(self._program(row, function.programs[entry.program], width))

    def _function(self, row: int, function: FunctionItem, width: int) -> list[tuple[str, str]]:
        glyphs = self.glyphs
        sign = " "
        if function.programs:
            sign = glyphs.opened if _key(function) in self._opened else glyphs.closed
        pointer = glyphs.cursor if row == self.cursor else " "
        mark = glyphs.estimated if function.estimated and function.share is not None else " "
        text = percent(function.share)
        if function.at_least:
            mark, text = glyphs.at_least, percent_at_least(function.share)
        bar = 4 if width >= 22 else 0
        name_width = width - 2 - 5 - (bar + 1 if bar else 0)
        hot = function.share is not None and function.share >= 0.25
        tokens = [(pointer, "accent"), (sign, "dim")]
        tokens.append((fit(self._safe(function.name), name_width, False, glyphs), "define"))
        tokens += [(mark, "estimated"), (f"{text:>4}", "bar_hot" if hot else "text")]
        if bar:
            tokens += [(" ", "text"), (glyphs.bar(function.share, bar), "bar_hot" if hot else "bar")]
        return tokens

    def _where(self, row: int, function: FunctionItem, width: int) -> list[tuple[str, str]]:
        count = len(function.programs)
        about = function.calls or (f"{count} programs" if count > 1 else "")
        if function.alert:
            about += self.glyphs.warning
        about = self._safe(about)
        left = max(width - 4 - len(about), 0)
        pointer = [(self.glyphs.cursor, "accent")] if row == self.cursor else []
        begin, shown = "  " if pointer else "   ", function.led or function.where
        return [
            *pointer,
            (begin + fit(self._safe(shown), left, False, self.glyphs, keep_end=True) + " ", "dim"),
            (about, "warn" if function.alert else "dim"),
        ]

    def _program(self, row: int, program: ProgramItem, width: int) -> list[tuple[str, str]]:
        pointer = self.glyphs.cursor if row == self.cursor else " "
        number = "#" + program.id.rpartition("#")[2]
        calls = self._safe(program.calls) + (self.glyphs.warning if program.alert else "")
        left = max(width - 3 - len(number) - 1 - len(calls) - 1, 0)
        return [
            (pointer, "accent"),
            ("  ", "text"),
            (number + " ", "attribute"),
            (fit(self._safe(program.label), left, False, self.glyphs) + " ", "shape"),
            (calls, "warn" if program.alert else "dim"),
        ]

    def _more(self, function: int) -> str:
        shown = sum(row.kind == "program" and row.function == function for row in self._rows)
        left = len(self._functions[function].programs) - shown
        return f"{self.glyphs.ellipsis} {left} more, enter opens"

    def _safe(self, text: str) -> str:
        return safe(text, ascii_only=self.ascii_only)

    def watch_cursor(self, old: int, new: int) -> None:
        """Tells which program is chosen; the list keeps its order from then on."""
        super().watch_cursor(old, new)
        self.hold()
        self._tell()

    def _tell(self) -> None:
        self.post_message(self.Chosen(self, self.cursor, *self.chosen))

    def click_row(self, x: int, row: int, again: bool) -> None:
        """At its beginning a row opens or closes; its mark asks why it was compiled again and again."""
        if not self._rows:
            return
        entry = self._rows[row]
        if self._alerts(entry) and x >= self.view_width - _ALERT_CELLS:
            self._tell_alert(entry)
        elif entry.kind == "more":
            self._open_whole(row)
        elif entry.kind == "function" and (x <= 2 or again):
            self._toggle(row)

    def action_activate(self) -> None:
        """Opens or closes a function, goes to the text of a program, asks about a mark."""
        if not self._rows:
            return
        entry = self._rows[self.cursor]
        alone = not self._functions[entry.function].programs and entry.kind != "program"
        if entry.kind == "more":
            self._open_whole(self.cursor)
        elif alone or (entry.kind != "function" and self._alerts(entry)):
            self._tell_alert(entry)
        elif entry.kind != "program":
            self._toggle(self.cursor)
        else:
            super().action_activate()

    def _alerts(self, entry: _Row) -> bool:
        function = self._functions[entry.function]
        return function.programs[entry.program].alert if entry.kind == "program" else (
            entry.kind == "where" and function.alert
        )

    def _tell_alert(self, entry: _Row) -> None:
        self.post_message(self.AlertChosen(self._functions[entry.function]))

    def action_expand(self, opened: bool) -> None:
        """Shows the programs of the function under the cursor, or hides them."""
        if self._rows:
            key = _key(self._functions[self._rows[self.cursor].function])
            if opened and self._rows[self.cursor].kind == "more":
                self._open_whole(self.cursor)
            elif (key in self._opened) is not opened:
                self._toggle(self.cursor)

    def action_hottest(self) -> None:
        """To the function with most time; where its programs are shown, to the one of them with most."""
        if not self._functions:
            return
        hottest = max(range(len(self._functions)), key=lambda number: self._functions[number].share or 0.0)
        function = self._functions[hottest]
        best = max(function.programs, key=_time, default=None)
        wanted = best.id if best is not None and _time(best) >= 0 else "function"
        rows = [row for row in range(len(self._rows)) if self._rows[row].function == hottest]
        self.go_to(next((row for row in rows if self._identity(row) == (_key(function), wanted)), rows[0]))

    def _open_whole(self, row: int) -> None:
        """Shows all programs of a function; the cursor goes to the first that was not shown."""
        self.hold()
        number = self._rows[row].function
        function = self._functions[number]
        shown = {each.program for each in self._rows if each.function == number}
        first = next(index for index in range(len(function.programs)) if index not in shown)
        self._whole.add(_key(function))
        self._relist((_key(function), function.programs[first].id))
        self._tell()

    def _toggle(self, row: int) -> None:
        self.hold()
        function = self._functions[self._rows[row].function]
        identity = self._identity(row)
        shown, program = self.chosen
        if shown is not None and program is not None:
            # The row of a program may go: that of its function stands for it then.
            self._kept = (_key(shown), program.id)
        self._opened ^= {_key(function)}
        self._whole.discard(_key(function))
        self._relist(identity)


def _time(program: ProgramItem) -> int:
    return -1 if program.time_ns is None else program.time_ns


def _key(function: FunctionItem) -> _Key:
    return ("", "", 0) if function.is_eager else (function.name, function.where, function.twin)


def _numbered(functions: Sequence[FunctionItem]) -> Sequence[FunctionItem]:
    """The same functions, those of equal name and place numbered in the order in which they were compiled."""
    alike: dict[tuple[str, str], list[int]] = {}
    for place, function in enumerate(functions):
        alike.setdefault((function.name, function.where), []).append(place)
    made = list(functions)
    for places in alike.values():
        for twin, place in enumerate(sorted(places, key=lambda place: _compiled(functions[place]))):
            made[place] = replace(functions[place], twin=twin)
    return tuple(made)


def _compiled(function: FunctionItem) -> float:
    """The number of a function's first program; those without one come last."""
    numbers = [program.id.rpartition("#")[2] for program in function.programs]
    return min((int(number) for number in numbers if number.isdecimal()), default=inf)
