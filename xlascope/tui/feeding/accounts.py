"""How the numbers of margins, of the list of functions and of the chart were obtained: pure functions of records."""

from __future__ import annotations

from collections.abc import Sequence

from xlascope.tui.feeding.explanations import Known
from xlascope.tui.feeding.margins import share_of
from xlascope.tui.glyphs import Glyphs
from xlascope.tui.model import LINKS_TO_COME, CallTimes, EquationRow, OpsTable, Overview
from xlascope.tui.text.numbers import count, counted, duration, percent
from xlascope.tui.widgets.functions import FunctionItem, ProgramItem

_MOST_OPS = 6


def line_account(subject: str, rows: Sequence[EquationRow], known: Known, glyphs: Glyphs) -> list[str]:
    """Of a line of the source, of a jaxpr, or of a text before optimization, by its equations."""
    parents = {row.path: row.parent for row in known.table.rows}
    share, own, estimated = share_of(rows, parents)
    of = f"{subject}: {counted(len(rows), 'equation')}"
    if share is None:
        folded = sum(row.state == "folded" for row in rows)
        if rows and folded == len(rows):
            left = "no instruction is left of them: XLA folded or merged them, which is not 0 ns."
            return [f"{of}.", "", f"{glyphs.nothing_left} {left}"]
        return [f"{of}.", "", f"{glyphs.unknown} their time is unknown: no window has seen their instructions run."]
    mark = glyphs.estimated if estimated else ""
    if any(row.state == "alone" for row in rows):
        return [
            f"{of}, {percent(share)} of the time of {known.program}'s equations.",
            "",
            "With jit off each equation was dispatched by itself and waited for, in one call: what Python and the wait",
            "took is in it. Those inside of others were not timed. The ops below were profiled by themselves.",
        ]
    told = [
        f"{of}, {mark}{percent(share)} of the op time of {known.program} with what runs inside of them,",
        f"{mark}{percent(own)} without.",
        "",
        f"Op time is the self time of all ops, {_whole(known.ops)}.",
    ]
    ops = _ops_of(rows, known)
    if ops:
        told.append(f"Ops that the equations, or what runs inside of them, are part of: {', '.join(ops)}.")
    if not known.table.exact:
        told.append("Instructions are matched to equations by source position and primitive: approximate.")
        if known.table.doubt == LINKS_TO_COME:
            told.append("Exact links are not made yet; with them these numbers change.")
    elif estimated:
        told.append(
            f"{glyphs.estimated} a fusion's time is split among its equations by what such operations usually take: "
            "estimated."
        )
    else:
        told.append("Each of these ops is of these equations alone: exact.")
    if known.table.exact and known.table.exact_share is not None:
        exact, rest = percent(known.table.exact_share), percent(1 - known.table.exact_share)
        told.append(f"Of all op time of equations {exact} is exactly one equation's, {rest} estimated.")
    return [*told, "Nothing is scaled to the whole run."]


def _ops_of(rows: Sequence[EquationRow], known: Known) -> list[str]:
    paths = {path for row in rows for path in (row.path, *known.links.inside.get(row.path, ()))}
    nodes = {node for path in paths for node in known.links.equation_nodes.get(path, ())}
    shares: dict[str, float] = {}
    for op in known.ops.rows:
        if op.op in nodes:
            shares[op.op] = shares.get(op.op, 0.0) + (op.share or 0.0)
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    named = [f"{name} {percent(share)}" for name, share in ordered[:_MOST_OPS]]
    return named + ([f"{len(ordered) - _MOST_OPS} more"] if len(ordered) > _MOST_OPS else [])


def _whole(ops: OpsTable) -> str:
    total = duration(sum(row.self_ns or 0 for row in ops.rows))
    windows = counted(ops.windows, "profile window") if ops.windows else "the profile windows"
    calls = f" with {counted(ops.calls_seen, 'call')}" if ops.calls_seen is not None else ""
    return f"{total} in {windows}{calls}" + (f" of the variant {ops.variant}" if ops.variant else "")


def function_account(item: FunctionItem, program: ProgramItem | None, overview: Overview) -> list[str]:
    """Of a function's share and calls, its programs together, then of each program's calls."""
    told = list(item.told) or [f"{item.name}: {percent(item.share)} of the device time seen."]
    chosen = [program] if program is not None else list(item.programs)
    for each in chosen:
        info = overview.programs.get(each.id)
        if info is None or info.calls is None:
            least = f"at least {counted(info.calls_at_least, 'call')}; " if info and info.calls_at_least else ""
            told.append(f"{each.id}: {least}how often it was called is unknown.")
        elif info.calls_exact:
            told.append(f"{each.id}: {counted(info.calls, 'call')}, counted: every call was seen.")
        else:
            least = f", {count(info.calls_at_least)} of them counted" if info.calls_at_least is not None else ""
            most = f", {count(info.calls_at_most)} at most by the pace seen" if info.calls_at_most is not None else ""
            told.append(f"{each.id}: ~{count(info.calls)} calls, an estimate{least}{most}.")
    if item.alert:
        what = counted(len(item.programs), "program") if item.programs else "many operations"
        told.append(f"! {what}: compiled again and again. Enter on the row with the mark tells why.")
    return told


def chart_account(program: str, calls: CallTimes) -> list[str]:
    """Of the chart of calls over the run."""
    return [
        f"{program}: for each of {counted(len(calls.ns), 'profile window')} that saw it, what a call took",
        "from its first op to the end of its last, at the window's start: the mean without the tenth of the longest",
        "and of the shortest. Vertical lines are its compiles. What Python does before is not in it.",
    ]
