"""What the explanation line says of equations and source lines: pure functions of the screen's records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xlascope.tui.feeding.links import Focus, Links
from xlascope.tui.feeding.margins import share_of
from xlascope.tui.glyphs import Glyphs
from xlascope.tui.model import EquationRow, EquationTable, OpsTable, is_op_by_op
from xlascope.tui.text.numbers import counted, percent

_MOST_NAMES = 4


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a program: its equations, links, ops and graph (`graphs.Graph` or None)."""

    program: str
    table: EquationTable
    links: Links
    ops: OpsTable
    graph: Any


def tell_equations(focus: Focus, known: Known, glyphs: Glyphs) -> tuple[str, str]:
    """Subject and sentence about the equations under the cursor: what they cost and what XLA made of them."""
    by_path = {row.path: row for row in known.table.rows}
    lead = [by_path[path] for path in focus.lead if path in by_path]
    if not lead:
        return "", ""
    if len(lead) == 1:
        subject = f"{lead[0].primitive} {lead[0].path}"
    else:
        subject = f"{counted(len(lead), 'equation')}"
    return subject, _sentence(lead, by_path, focus, known, glyphs)


def tell_lines(
    lines: int, equations: str, share: tuple[float | None, bool], closed: bool | None, known: Known, glyphs: Glyphs
) -> str:
    """About lines that belong together: what `equations` they have, and their time; `closed` of those that fold."""
    said = [counted(lines, "line"), *([equations] if equations else [])]
    part, estimated = share
    if part is not None:
        mark = glyphs.estimated if estimated else ""
        said.append(f"{mark}{percent(part)} of {known.program}'s {_whole(known.table.rows)}")
    key = "" if closed is None else "; closed, + opens them" if closed else "; - closes them"
    return ", ".join(said) + key


def tell_line(focus: Focus, place: tuple[str, int], known: Known, glyphs: Glyphs) -> tuple[str, str]:
    """Subject and sentence about a source line: what it costs, and what its equations became."""
    subject = f"{place[0].rpartition('/')[2]}:{place[1]}"
    by_path = {row.path: row for row in known.table.rows}
    lead = [by_path[path] for path in focus.lead if path in by_path]
    if not lead:
        return subject, f"no equation of {known.program} comes from this line"
    counts: dict[str, int] = {}
    for row in lead:
        counts[row.primitive] = counts.get(row.primitive, 0) + 1
    names = [name + (f" ×{number}" if number > 1 else "") for name, number in counts.items()]
    made = _sentence(lead, by_path, focus, known, glyphs)
    return subject, f"{made}; from {counted(len(lead), 'equation')}: {_some(names, 6)}"


def _sentence(
    lead: Sequence[EquationRow], by_path: Mapping[str, EquationRow], focus: Focus, known: Known, glyphs: Glyphs
) -> str:
    became = _became(lead, focus, known, glyphs)
    if all(row.state == "alone" for row in lead):
        ran = _ran(lead, known)
        said = f"with jit off dispatched by itself{': ' if ran else ''}{_some(ran, _MOST_NAMES)}"
    elif became:
        said = f"became {_some(became, _MOST_NAMES)}"
        folded = sum(1 for row in lead if row.state == "folded")
        said += f", {folded} folded" if folded else ""
    elif all(row.state == "folded" for row in lead):
        said = "no instruction left: folded into others or merged by XLA"
    else:
        said = "its instructions are not known yet"
    cost = _cost(lead, by_path, known.program, glyphs)
    return f"{cost}; {said}" if cost else said


def _whole(rows: Iterable[EquationRow]) -> str:
    """What shares of equations are parts of: with jit off of the time of all, each dispatched by itself."""
    return "equations' time" if any(row.state == "alone" for row in rows) else "op time"


def _ran(lead: Sequence[EquationRow], known: Known) -> list[str]:
    """The ops of equations that were dispatched by themselves, the most time first."""
    if not is_op_by_op(known.ops.variant):
        return []  # the variant was not profiled: these are the script's
    paths = {row.path for row in lead}
    return list(dict.fromkeys(op.op for op in known.ops.rows if not paths.isdisjoint(op.equations)))


def _cost(lead: Sequence[EquationRow], by_path: Mapping[str, EquationRow], program: str, glyphs: Glyphs) -> str:
    share, own, estimated = share_of(lead, {path: row.parent for path, row in by_path.items()})
    if share is None:
        return ""
    mark = glyphs.estimated if estimated else ""
    text = f"{mark}{percent(share)} of {program}'s {_whole(lead)}"
    if own is not None and round(own, 3) < round(share, 3):
        text += f" with what runs inside, {mark}{percent(own)} its own"
    return text


def _became(lead: Sequence[EquationRow], focus: Focus, known: Known, glyphs: Glyphs) -> list[str]:
    """Names of the ops that the equations are part of, the most time first; of what was not seen, the instructions'.

    With `~` before those that no tag links to any of the equations.
    """
    links = known.links
    pairs = [(node, row.path) for row in lead for node in links.equation_nodes.get(row.path, ())]
    linked = {node for node, _ in pairs}
    own = linked or set(focus.nodes)
    sure = {node for node, path in pairs if not links.is_guessed(node, path)}

    def marked(node: str, name: str) -> str:
        return name if node in sure or node not in linked else f"{glyphs.estimated}{name}"

    shares: dict[str, float] = {}
    for row in known.ops.rows:
        if row.op in own:
            shares[row.op] = shares.get(row.op, 0.0) + (row.share or 0.0)
    if shares:
        return [marked(name, name) for name, _ in sorted(shares.items(), key=lambda item: -item[1])]
    # Of members of a fusion the fusion is told, which is what runs.
    outer = {fusion for node in own for fusion in links.node_fusions.get(node, ())[-1:]}
    outer |= {node for node in own if not links.node_fusions.get(node)}
    nodes = known.graph.node_by_id if known.graph is not None else {}
    return sorted(marked(node, nodes[node].name or node) for node in outer if node in nodes)


def _some(names: Iterable[str], most: int) -> str:
    names = list(names)
    more = f" +{len(names) - most}" if len(names) > most else ""
    return ", ".join(names[:most]) + more
