"""The views ``functions`` and ``programs`` as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import RenderableType
from rich.text import Text

from xlascope.report.text.tables import (
    UNKNOWN,
    Column,
    bar,
    count,
    duration,
    estimated,
    fixed_column,
    note,
    number_column,
    place,
    place_column,
    share,
    table,
    warning,
)
from xlascope.tui.text import numbers
from xlascope.views.functions import Function, Functions
from xlascope.views.programs import Program, Programs, made_of

FIRST = "*"
"""Before a time of calls that are the only ones seen of their programs."""


def functions(answer: Functions) -> Iterable[RenderableType]:
    """The view `functions` as text."""
    if not answer.functions:
        yield note(
            "No function was compiled. `show PATH run` tells what happened, `compiles` lists eager primitives, `ops` "
            "has the time of those that profile windows saw."
        )
        return
    columns = [
        Column("function", least=16),
        place_column(12),
        number_column("calls"),
        number_column("per call"),
        number_column("share"),
        fixed_column("", 3),
        number_column("seen", 2),
        number_column("compile", 1),
        Column("programs", least=6, spare=2),
    ]
    yield table(columns, [_function(each) for each in answer.functions])
    if answer.observed_ns is None:
        yield note("Nothing was profiled: device times are unknown.")
        return
    guessed = any(each.share_estimated for each in answer.functions)
    if answer.estimated_ns:
        total = f"Share: of {estimated(duration(answer.estimated_ns), not guessed)}, the time of all calls"
        rest = f"; {estimated(share(answer.eager_share), not guessed)} of it is no function's (eager primitives)"
        how = "All calls: their sum where windows saw each of them, else per call × calls"
        trimmed = "Per call: the mean without the tenth of the longest and of the shortest"
        yield note(f"{total}{rest if answer.eager_estimated_ns else ''}. {how}. {trimmed}.")
        yield from _first_calls(answer)
    unknown = [each for each in answer.functions if each.share is None]
    bounded = [each for each in unknown if each.share_at_least is not None]
    if bounded and answer.estimated_ns:
        yield note(
            f"Share ≥ ({_some([each.name for each in bounded])}): of some of its programs there were calls that no "
            "window saw, or how many there were is not known. Only what is certain is in it; the other shares leave "
            "out the rest."
        )
    unseen = [each for each in unknown if each.share_at_least is None]
    if unseen and answer.estimated_ns:
        yield note(
            f"{_some([each.name for each in unseen])}: no window saw a call of it, so that its share is unknown and "
            "those of the others leave it out."
        )
    compiled = sum(each.compile_ns or 0 for each in answer.functions)
    if not unknown and answer.estimated_ns and compiled > answer.estimated_ns:
        yield note(f"Compiling took {duration(compiled)}, more than all calls: `show PATH compiles` tells why.")
    if answer.observed_ns:
        yield note(f"Seen: device time in the profile windows, {duration(answer.observed_ns)} in all.")
    if guessed:
        yield note(
            "~ estimated: the windows did not cover every call. Calls a–b: a were counted, b at most if the pace did "
            "not change. ≥ at least: how many more is not known."
        )
    if any(each.first_calls_only for each in answer.functions):
        yield note(
            f"{FIRST} per call: one call of each program was seen. A first call pays for cold memory and sleeping "
            "threads; `xlascope measure RUN --program P` tells what later ones take."
        )
    if answer.simulated_devices is not None:
        yield note(
            f"{answer.simulated_devices} simulated devices share the machine's cores: per call is from the first start "
            "to the last end on any; seen is a sum over devices, which is no wall time."
        )


def _first_calls(answer: Functions) -> Iterable[RenderableType]:
    """Why per call × calls is less than the whole."""
    told = [
        f"{each.name} {duration(each.first_call_ns)} of {duration(each.estimated_ns)}"
        for each in answer.functions
        if each.first_call_ns is not None
    ]
    if told:
        yield note(
            f"First calls (cold memory, sleeping threads) are in it: {_some(told)}. Per call says what others take."
        )


def _function(row: Function) -> list[str | Text]:
    name = Text(row.name)
    if row.library:
        name.append(" (JAX's own)", style="dim")
    return [
        name,
        place(row.file, row.line),
        calls(row.calls, row.calls_exact, row.calls_at_least, row.calls_at_most),
        ("≥" if row.per_call_at_least else "") + (FIRST if row.first_calls_only else "") + duration(row.per_call_ns),
        _share(row),
        bar(row.share if row.share is not None else row.share_at_least),
        duration(row.device_ns),
        duration(row.compile_ns),
        _names(row.programs),
    ]


def _share(row: Function) -> str:
    if row.share is not None:
        return estimated(share(row.share), not row.share_estimated)
    least = numbers.percent_at_least(row.share_at_least)
    return least if least == UNKNOWN else f"≥{least}"


def calls(value: int | None, exact: bool, at_least: int | None, at_most: int | None = None) -> str:
    """How often something was called: counted, from what is certain to what it is at most (``271–330``), how many are
    certain (``≥271``), estimated where none are (``~``)."""
    if exact or not at_least:
        return count(value, exact)
    return f"{count(at_least)}–{count(at_most)}" if at_most is not None and value is not None else f"≥{count(at_least)}"


def _some(names: list[str], most: int = 4) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _names(programs: tuple[str, ...], most: int = 4) -> str:
    numbers = ["#" + name.rpartition("#")[2] for name in programs]
    rest = len(numbers) - most
    return " ".join(numbers[:most]) + (f" +{rest} more" if rest > 0 else "")


def programs(answer: Programs) -> Iterable[RenderableType]:
    """The view `programs` as text."""
    own = [each for each in answer.programs if each.kind != "eager"]
    if not own:
        yield note("No program was traced.")
    columns = [
        Column("program", least=12),
        Column("signature", least=34),
        number_column("calls"),
        number_column("device time"),
        number_column("eqns", 1),
        fixed_column("args", 2),
        number_column("devices", 4),
        Column("captured", least=14, spare=3),
        Column("variants", least=8),
    ]
    if own:
        yield table(columns, [_program(each) for each in own])
    if len(own) < len(answer.programs):
        yield note(f"And {len(answer.programs) - len(own)} eager primitives: see `compiles`.")
    for each in own:
        if each.callbacks or each.ordered:
            ordered = "has ordered effects: it is not executed again without consent"
            yield warning(f"{each.id} {ordered if each.ordered else 'calls back into Python'}")


def stages(held: Sequence[str]) -> str:
    """``hlo pass:0–61 optimized``: the forms after passes as one, in front of what they end in."""
    passes = sorted((each for each in held if each.startswith("pass:")), key=lambda each: int(each[5:]))
    found = [each for each in held if not each.startswith("pass:")]
    if passes:
        told = passes[0] if len(passes) == 1 else f"{passes[0]}–{passes[-1].removeprefix('pass:')}"
        found.insert(found.index("optimized") if "optimized" in found else len(found), told)
    return " ".join(found)


def _program(row: Program) -> list[str | Text]:
    return [
        row.id,
        f"{made_of(row)}: {row.signature or UNKNOWN}" if row.transformations else row.signature or UNKNOWN,
        calls(row.calls, row.calls_exact, row.calls_at_least, row.calls_at_most),
        duration(row.device_ns),
        count(row.equations),
        row.args,
        count(row.device_count),
        stages(row.stages) or "∅",
        ", ".join(row.variants) or "∅",
    ]
