"""The tables of the screen of comparison: programs, and equations side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.text.numbers import count, duration, size
from xlascope.tui.widgets.row_table import Column, RowTable
from xlascope.views.compare import Equation, Program

_ROLES = {"slower": "bad", "faster": "good"}


class ProgramsTable(RowTable):
    """Programs that both sides have, what changed for sure first; what lies within the noise is dim."""

    HELP = (
        "Programs of A and of B, matched by function and signature. B/A is the ratio of their times with its 95 % "
        "interval; what cannot be told from noise is dim. `=` tells how a row was obtained."
    )

    def __init__(self, *, id: str | None = None, glyphs: Glyphs = UNICODE):
        super().__init__(_program_columns(glyphs), row_key=lambda row: row.program_b, id=id, glyphs=glyphs)


class EquationsTable(RowTable):
    """Equations of both programs, in the order of B."""

    HELP = (
        "Equations matched by primitive, types and flow of data, with their self times of one call in A and in B, on "
        "several devices the mean of one. In front `+` is only in B, `-` only in A, `~` stands elsewhere; a time with "
        "`~` is an estimated share of a fusion. `<` and `>` sort, for example by the change. Times are dim where the "
        "program's own change cannot be told from noise."
    )

    def __init__(self, *, id: str | None = None, glyphs: Glyphs = UNICODE):
        self.within_noise = False
        super().__init__(
            _equation_columns(glyphs, lambda row: "dim" if self.within_noise else "text"),
            row_key=lambda row: (row.path_a, row.path_b), id=id, glyphs=glyphs,
        )  # fmt: skip
        self._every = self.columns

    def set_rows(self, rows: Sequence[Equation]) -> None:
        """Shows them; without a column for libraries where no line is one's."""
        led = any(map(_library, rows))
        self.columns = tuple(each for each in self._every if led or each.key != "library")
        super().set_rows(rows)

    def move_to_largest(self) -> None:
        """The cursor to the row whose time changed most, if any is known."""
        rows = [row for row in map(self.row, range(self.row_count())) if _order(row) is not None]
        if rows:
            largest = max(rows, key=lambda row: abs(_order(row) or 0))
            self.move_to_key((largest.path_a, largest.path_b))


def _role(row: Program) -> str:
    return "text" if row.verdict in ("slower", "faster") else "dim"


def _program_columns(glyphs: Glyphs) -> list[Column]:
    micro = glyphs.micro
    return [
        Column("program", "program", 14, _name, lambda row: row.program_b, grow=True,
               role=lambda row: "define" if row.verdict in _ROLES else "dim"),
        Column("verdict", "verdict", 8, lambda row: row.verdict or "?", lambda row: row.verdict,
               role=lambda row: _ROLES.get(row.verdict or "", "dim")),
        Column("ratio", "B/A", 6, lambda row: "?" if row.ratio is None else f"{row.ratio:.3f}", lambda row: row.ratio,
               right=True, role=_role),
        Column("interval", "95% interval", 13, _interval, None, right=True, role=_role, least=64),
        Column("a", "A", 8, lambda row: duration(row.a_ns, micro), lambda row: row.a_ns, right=True, role=_role),
        Column("b", "B", 8, lambda row: duration(row.b_ns, micro), lambda row: row.b_ns, right=True, role=_role),
        Column("calls", "calls", 12, lambda row: f"{count(row.a_calls)} {count(row.b_calls)}",
               lambda row: row.b_calls, right=True, role="dim", least=100),
        Column("instr", "instr.", 11, lambda row: _change(count(row.a_form.instructions),
               count(row.b_form.instructions), glyphs), None, right=True, role="dim", least=76),
        Column("fusions", "fusions", 8, lambda row: _change(count(row.a_form.fusions), count(row.b_form.fusions),
               glyphs), None, right=True, role="dim", least=90),
        Column("peak", "peak", 18, lambda row: _change(size(row.a_form.peak_bytes), size(row.b_form.peak_bytes),
               glyphs), None, right=True, role="dim", least=124),
        Column("error", "max diff", 8, lambda row: "?" if row.max_abs_error is None else f"{row.max_abs_error:.2g}",
               lambda row: row.max_abs_error, right=True, role="dim", least=112),
    ]  # fmt: skip


def _equation_columns(glyphs: Glyphs, role: Callable[[Equation], str]) -> list[Column]:
    return [
        Column("sign", "", 1, lambda row: _sign(row, glyphs), None, role=_sign_role),
        Column("a_path", "A", 9, lambda row: row.path_a or "", None, role="dim", keep_end=True),
        Column("b_path", "B", 9, lambda row: row.path_b or "", None, role="dim", keep_end=True),
        Column("primitive", "equation", 16, lambda row: row.primitive, lambda row: row.primitive, grow=True, role="op"),
        Column("a", "A time", 9, lambda row: _time(row.path_a, row.a_ns, row.a_estimated, glyphs),
               lambda row: row.a_ns, right=True, role=role),
        Column("b", "B time", 9, lambda row: _time(row.path_b, row.b_ns, row.b_estimated, glyphs),
               lambda row: row.b_ns, right=True, role=role),
        Column("change", "change", 10, lambda row: _delta(row, glyphs), _order, right=True, role=role),
        Column("line", "line", 16, _line, None, role="dim", least=76, keep_end=True),
        Column("library", "library", 16, _library, None, role="dim", least=110, keep_end=True),
    ]  # fmt: skip


def _name(row: Program) -> str:
    return row.program_b if row.program_a == row.program_b else f"{row.program_a} > {row.program_b}"


def _interval(row: Program) -> str:
    if row.ratio_ci_low is None or row.ratio_ci_high is None:
        return "?"
    return f"{row.ratio_ci_low:.3f}-{row.ratio_ci_high:.3f}"


def _change(before: str, after: str, glyphs: Glyphs) -> str:
    return before if before == after else f"{before}{'→' if glyphs is UNICODE else '>'}{after}"


def _sign(row: Equation, glyphs: Glyphs) -> str:
    return "+" if row.path_a is None else "-" if row.path_b is None else glyphs.estimated if row.moved else ""


def _sign_role(row: Equation) -> str:
    return "good" if row.path_a is None else "bad" if row.path_b is None else "warn"


def _time(path: str | None, ns: int | None, guessed: bool, glyphs: Glyphs) -> str:
    mark = glyphs.estimated if guessed and ns is not None else ""
    return "" if path is None else mark + duration(ns, glyphs.micro)


def _order(row: Equation) -> int | None:
    """A time that one side alone has is the whole change."""
    if row.a_ns is None and row.b_ns is None:
        return None
    if (row.path_a is not None and row.a_ns is None) or (row.path_b is not None and row.b_ns is None):
        return None
    return abs((row.b_ns or 0) - (row.a_ns or 0))


def _delta(row: Equation, glyphs: Glyphs) -> str:
    if _order(row) is None:
        return ""
    change = (row.b_ns or 0) - (row.a_ns or 0)
    mark = glyphs.estimated if row.a_estimated or row.b_estimated else ""
    return f"{mark}{'+' if change >= 0 else '-'}{duration(abs(change), glyphs.micro)}"


def _line(row: Equation) -> str:
    """The user's own line, else XLA's."""
    if row.path_b is not None:
        file, line = (row.user_file_b, row.user_line_b) if row.user_file_b else (row.file_b, row.line_b)
    else:
        file, line = (row.user_file_a, row.user_line_a) if row.user_file_a else (row.file_a, row.line_a)
    return _short(file, line)


def _library(row: Equation) -> str:
    """XLA's line where that is not the user's own."""
    other = _short(row.file_b, row.line_b) if row.path_b is not None else _short(row.file_a, row.line_a)
    return "" if other == _line(row) else other


def _short(file: str | None, line: int | None) -> str:
    return "" if file is None else f"{file.rpartition('/')[2]}:{line or '?'}"
