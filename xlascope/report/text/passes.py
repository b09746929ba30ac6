"""The views ``passes``, ``diff`` and ``history`` as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from xlascope.ir.passes import START
from xlascope.report.text.tables import (
    UNKNOWN,
    Column,
    bar,
    duration,
    fixed_column,
    heading,
    note,
    number_column,
    table,
    warning,
)
from xlascope.tui.text.safe import safe
from xlascope.views.diff import Diff, Entry, Side
from xlascope.views.history import History, Occurrence
from xlascope.views.passes import Passes, PassRow

_MOST = 60


def passes(answer: Passes) -> Iterable[RenderableType]:
    """The view `passes` as text."""
    which = f", variant {answer.variant}" if answer.variant else ""
    shown = [each for each in answer.passes if each.changed]
    first = answer.passes[0]
    last = answer.passes[-1]
    number = f"{first.instructions} to {last.instructions} instructions"
    yield heading(f"{answer.program}{which}: {len(shown)} passes changed it, {number}")
    known = [each.duration_ns for each in shown if each.duration_ns is not None]
    longest = max(known, default=0)
    columns = [
        number_column("#"),
        Column("pass", least=14),
        number_column("instr."),
        number_column("change"),
        number_column("time"),
        fixed_column("", 3),
        Column("added and removed, by opcode", least=12, spare=4),
        Column("pipeline", least=8, spare=2),
    ]
    rows: list[Sequence[str | Text]] = []
    group = None
    for each in shown:
        if each.group != group and each.group is not None:
            rows.append(_loop(answer, each.group))
        group = each.group
        rows.append(_row(each, longest))
    yield table(columns, rows)
    hidden = len(answer.passes) - len(shown)
    yield note(f"{hidden} further snapshots, which changed nothing, are left out.")
    if known:
        whole = f", of a compile of {duration(answer.compile_ns)}" if answer.compile_ns is not None else ""
        yield note(f"These passes took {duration(sum(known))} together{whole}.")
    for each_note in answer.notes:
        yield warning(each_note)


def _loop(answer: Passes, group: str) -> list[str | Text]:
    members = [each for each in answer.passes if each.group == group]
    turns = max(each.turn or 1 for each in members)
    start = members[0].instructions - _net(members[0])
    net = members[-1].instructions - start
    spent = [each.duration_ns for each in members if each.duration_ns is not None]
    name = Text(safe(f"{members[0].pipeline} ×{turns}"), style="bold")
    time = duration(sum(spent)) if spent else UNKNOWN
    return ["", name, "", f"{net:+,}" if net else "", time, "", "", "fix-point loop"]


def _row(each: PassRow, longest: int) -> list[str | Text]:
    indent = "  " if each.group is not None else ""
    name = "between pipelines" if each.pass_ == START else each.pass_
    turn = f" ({each.turn})" if each.turn is not None else ""
    net = _net(each)
    share = each.duration_ns / longest if each.duration_ns is not None and longest else None
    return [
        str(each.index),
        f"{indent}{name}{turn}",
        f"{each.instructions:,}",
        f"{net:+,}" if net else "",
        duration(each.duration_ns),
        bar(share, 6),
        opcodes(each.added, each.removed),
        each.pipeline,
    ]


def _net(each: PassRow) -> int:
    return sum(each.added.values()) - sum(each.removed.values())


def opcodes(added: Mapping[str, int], removed: Mapping[str, int]) -> str:
    """``+3 fusion −2 add``, the most first."""
    parts = [(count, f"+{count} {name}") for name, count in added.items()]
    parts += [(count, f"-{count} {name}") for name, count in removed.items()]
    return " ".join(text for _, text in sorted(parts, key=lambda part: -part[0]))


def diff(answer: Diff) -> Iterable[RenderableType]:
    """The view `diff` as text."""
    which = f", variant {answer.variant}" if answer.variant else ""
    yield heading(f"{answer.program}{which}: from {_side(answer.from_)} to {_side(answer.to)}")
    counts = (
        f"{answer.same} the same, {len(answer.changed)} changed, {len(answer.moved)} moved, "
        f"{len(answer.removed)} removed, {len(answer.added)} added; {answer.from_.instructions} to "
        f"{answer.to.instructions} instructions"
    )
    yield note(counts)
    change = opcodes(answer.opcodes_added, answer.opcodes_removed)
    if change:
        yield Text(safe(change))
    if answer.order:
        yield note("No instruction differs: the order of execution or the module's header does.")
    if answer.unified is not None:
        for line in answer.unified.splitlines():
            yield _Line(line, "green" if line.startswith("+") else "red" if line.startswith("-") else "")
        return
    for title, entries in (("moved", answer.moved), ("changed", answer.changed), ("removed", answer.removed),
                           ("added", answer.added)):  # fmt: skip
        if entries:
            yield heading(f"{title} ({len(entries)})")
            if title == "moved":
                yield from _moved(entries[:_MOST])
            else:
                for each in entries[:_MOST]:
                    yield from _entry(title, each)
            if len(entries) > _MOST:
                yield note(f"  and {len(entries) - _MOST} more; --json has all")


def _side(side: Side) -> str:
    where = f"as {side.pipeline} begins" if side.pass_ == START and side.pipeline else f"after {side.pass_}"
    return f"pass:{side.index} ({where})"


def _moved(entries: Sequence[Entry]) -> Iterable[RenderableType]:
    """Each way between two computations once, with what went it."""
    ways: dict[tuple[str, str], list[str]] = {}
    for each in entries:
        if each.before is not None:
            ways.setdefault((each.before.computation, each.computation), []).append(each.before.text)
    for (start, stop), texts in ways.items():
        yield _Line(f"> from %{start} to %{stop}", "dim")
        for text in texts:
            yield _Line(f"  {text}", "cyan")


def _entry(kind: str, each: Entry) -> Iterable[RenderableType]:
    if kind == "changed" and each.before is not None:
        yield _Line(f"~ {' and '.join(each.what)}", "dim")
        yield _Line(f"  - {each.before.text}", "red")
        yield _Line(f"  + {each.text}", "green")
    else:
        yield _Line(f"{'-' if kind == 'removed' else '+'} {each.text}", "red" if kind == "removed" else "green")


class _Line:
    """One line of HLO, of any length: whoever reads or pipes it wants it whole."""

    def __init__(self, text: str, style: str) -> None:
        self._text = Text(safe(text), style=style, no_wrap=True, overflow="ignore")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._text


def history(answer: History) -> Iterable[RenderableType]:
    """The view `history` as text."""
    what = f"instruction {answer.instruction}"
    if answer.equation is not None:
        what = f"equation {answer.equation}" + (f" ({answer.primitive})" if answer.primitive else "")
    yield heading(f"{answer.program}: {what}")
    if not answer.events:
        yield note("No instruction of any form has its tag: JAX's lowering left nothing of it.")
        return
    # What it was merged into is the answer: it is never cut.
    least = max(20, *(len(_into(each)) + 2 for each in answer.events if each.event == "merged"), 0)
    columns = [
        number_column("#"), Column("pass", least=12), fixed_column("event"), Column("what", least=least),
        Column("pipeline", least=8, spare=1),
    ]  # fmt: skip
    yield table(columns, [_event(each) for each in answer.events])
    if not answer.remains:
        yield note("Nothing of it is left in the optimized module.")


def _event(each: Occurrence) -> list[str | Text]:
    name = "before all passes" if each.first else each.pass_
    return [str(each.pass_index), name, each.event, told(each), "" if each.first else each.pipeline]


def told(each: Occurrence) -> str:
    """What happened, in names: ``into fusion.1: exp.3``."""
    names, of = _listed(each.names), _listed(each.of)
    if each.event == "merged":
        return f"{_into(each)} {of}"
    return f"{names} from {of}" if of else names


def _into(each: Occurrence) -> str:
    return f"into {_listed(each.names)}:"


def _listed(names: Sequence[str], most: int = 6) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
