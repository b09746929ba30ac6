"""The view ``compare`` as text."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.text import Text

from xlascope.report.text.tables import (
    UNKNOWN,
    Column,
    count,
    duration,
    estimated,
    fixed_column,
    heading,
    note,
    number_column,
    place,
    place_column,
    size,
    table,
    warning,
)
from xlascope.views.compare import Compare, Equation, Program

_STYLES = {"faster": "green", "slower": "red", "same": "dim", "unclear": "dim"}
_MOST_EQUATIONS = 12
_MOST_LINES = 60
_ANYTHING = 100  # an interval that reaches so far tells nothing


def compare(answer: Compare) -> Iterable[RenderableType]:
    """The view `compare` as text."""
    yield heading(f"A {answer.a}")
    yield heading(f"B {answer.b}")
    if answer.programs:
        timed = any(each.a_ns is not None or each.b_ns is not None for each in answer.programs)
        times = [
            fixed_column("verdict"),
            number_column("B/A"),
            number_column("95% interval"),
            number_column("A"),
            number_column("B"),
            number_column("calls", 4),
        ]
        columns = [
            Column("program", least=18),
            *(times if timed else []),
            number_column("fusions", 2),
            number_column("instr.", 3),
            number_column("peak", 5),
        ]
        cells = [_row(each) for each in answer.programs]
        if any(each.max_abs_error is not None for each in answer.programs):  # runs hold no results
            columns.append(number_column("max diff", 1))
        if not timed:
            cells = [[row[0], *row[1 + len(times) :]] for row in cells]
        yield table(columns, [row[: len(columns)] for row in cells])
        yield from (note(text) for text in _legend(answer))
    elif not answer.notes:
        yield note("No program of A is one of B.")
    for which, rows in (("A", answer.only_a), ("B", answer.only_b)):
        if rows:
            names = ", ".join(
                each.program + ("" if each.file is None else f" ({place(each.file, each.line)})") for each in rows
            )
            yield note(f"Only in {which}: {names}")
    yield from (warning(text) for text in answer.notes)
    for each in answer.programs:
        yield from _program(each)
    for change in answer.sources:
        lines = change.unified.splitlines()
        yield heading("source")
        yield Text("\n".join(lines[:_MOST_LINES]))
        if len(lines) > _MOST_LINES:
            yield note(f"{len(lines) - _MOST_LINES} more lines of difference")


def _legend(answer: Compare) -> Iterable[str]:
    """What the times are, by how they were had, and what to do about what is unclear."""
    how = {each.how for each in answer.programs}
    if "runs" in how:
        yield ("A, B: time of a call that a twentieth, a quarter or half of those seen stay below (`share` in JSON), "
               "of which the surest is taken. Calls: those that windows saw whole.")  # fmt: skip
    if how & {"in turn", "rerun"}:
        yield "A, B: medians of calls in turn; B/A: of neighbouring pairs, in which the machine's changes cancel."
    unclear = {each.how for each in answer.programs if each.verdict == "unclear"}
    if "rerun" in unclear:
        yield "unclear: the interval allows for no change and for one; a longer --budget, or a quieter machine, tells."
    elif "runs" in unclear and all(map(_of_runs, answer.programs)):
        yield ("unclear: the interval allows for no change and for one. `xlascope compare A B --rerun` executes both "
               "in turn, which is surer; so are longer runs on a quieter machine.")  # fmt: skip


def _row(each: Program) -> list[str | Text]:
    quiet = each.verdict in ("same", "unclear")
    interval = UNKNOWN
    if each.ratio_ci_low is not None and each.ratio_ci_high is not None:
        interval = f"{each.ratio_ci_low:.3f}–{each.ratio_ci_high:.3f}" if each.ratio_ci_high < _ANYTHING else "anything"
    style = _STYLES.get(each.verdict or "", "")
    name = each.program_b if each.program_a == each.program_b else f"{each.program_a} → {each.program_b}"
    return [
        Text(name, style="dim" if quiet else ""),
        Text(each.verdict or UNKNOWN, style=style),
        Text(UNKNOWN if each.ratio is None else f"{each.ratio:.3f}x", style="dim" if quiet else ""),
        interval,
        duration(each.a_ns),
        duration(each.b_ns),
        _change(count(each.a_calls), count(each.b_calls)),
        _change(count(each.a_form.fusions), count(each.b_form.fusions)),
        _change(count(each.a_form.instructions), count(each.b_form.instructions)),
        _change(size(each.a_form.peak_bytes), size(each.b_form.peak_bytes)),
        UNKNOWN if each.max_abs_error is None else f"{each.max_abs_error:.2g}",
    ]


def _change(before: str, after: str) -> str:
    return before if before == after else f"{before}→{after}"


def _program(each: Program) -> Iterable[RenderableType]:
    if each.note:
        yield note(f"{each.program_b}: {each.note}")
    if each.opcodes:
        changes = ", ".join(f"{opcode} {a}→{b}" for opcode, (a, b) in each.opcodes.items())
        yield note(f"{each.program_b}: instructions: {changes}")
    rows = told_equations(each)
    if not rows:
        return
    library = any(map(_library, rows))
    columns = [fixed_column("A"), fixed_column("B"), Column("equation", least=10), number_column("A time"),
               number_column("B time"), number_column("change"), place_column(),
               *([Column("library", "left", 12, 1, keep_end=True)] if library else [])]  # fmt: skip
    yield heading(f"{each.program_b}: equations that differ")
    noise = within_noise(each)
    yield table(
        columns, [_equation(row, library, noise) for row in rows], _MOST_EQUATIONS,
        "And {} more: `xlascope compare A B | less` lists all, the compare screen and --json have them too.",
    )  # fmt: skip
    if any(row.a_estimated or row.b_estimated for row in rows):
        yield note("~ estimated: a fusion's time is split among its equations by what such operations usually take.")
    if noise and any(_change_ns(row) is not None for row in rows):
        yield note("(…): within the noise, as the time of the program itself did not change for sure.")


def within_noise(program: Program) -> bool:
    """Whether changes of its equations cannot be told from noise, as its own cannot."""
    return program.verdict not in ("slower", "faster")


def told_equations(program: Program) -> list[Equation]:
    """The equations worth telling: what one side alone has, what moved, and of a program that changed what its time
    went to, the largest changes first; so of a run beside a profile, which gets no verdict.
    """
    changed = program.verdict in ("slower", "faster") or not _of_runs(program)
    rows = [
        each
        for each in program.equations
        if each.path_a is None or each.path_b is None or each.moved or (changed and (each.a_ns or each.b_ns))
    ]
    return sorted(rows, key=lambda each: -abs((each.b_ns or 0) - (each.a_ns or 0)))


def _of_runs(program: Program) -> bool:
    """Whether both sides are runs: of a profile no signature is known."""
    return program.signature_a is not None and program.signature_b is not None


def _shortly(paths: str | None) -> str:
    """A path, or the first of several and how many more."""
    first, *more = (paths or "–").split()
    return f"{first} +{len(more)}" if more else first


def _change_ns(row: Equation) -> int | None:
    """What one side alone has is the whole change."""
    if (row.path_a is not None and row.a_ns is None) or (row.path_b is not None and row.b_ns is None):
        return None
    return (row.b_ns or 0) - (row.a_ns or 0)


def _equation(row: Equation, library: bool, noise: bool) -> list[str | Text]:
    style, gone, change = "dim" if noise else "", _change_ns(row), UNKNOWN
    if gone is not None:
        told = f"{'+' if gone >= 0 else '−'}{duration(abs(gone))}"
        change = estimated(told, not (row.a_estimated or row.b_estimated))
        change = f"({change})" if noise else change
    file, line, user_file, user_line = _of_one_side(row)
    times = ((row.path_a, row.a_ns, row.a_estimated), (row.path_b, row.b_ns, row.b_estimated))
    return [
        _shortly(row.path_a),
        _shortly(row.path_b),
        row.primitive,
        *(Text("" if path is None else estimated(duration(ns), not guess), style=style) for path, ns, guess in times),
        Text(change, style=style),
        place(user_file, user_line) if user_file is not None else place(file, line),
        *([_library(row)] if library else []),
    ]


def _of_one_side(row: Equation) -> tuple[str | None, int | None, str | None, int | None]:
    """File and line as XLA has them and the user's own: B's, where it has the equation."""
    if row.path_b is not None:
        return row.file_b, row.line_b, row.user_file_b, row.user_line_b
    return row.file_a, row.line_a, row.user_file_a, row.user_line_a


def _library(row: Equation) -> str:
    """The place that XLA's metadata names, where it is not the user's own line."""
    file, line, *user = _of_one_side(row)
    return place(file, line) if file is not None and user[0] is not None and [file, line] != user else ""
