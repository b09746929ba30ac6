"""The view ``graph`` as text: the picture of the collapsed graph."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from xlascope.graphs.compact import layout_compact
from xlascope.graphs.folds import Folds
from xlascope.graphs.layout import layout
from xlascope.graphs.render import render
from xlascope.graphs.visible import VisibleGraph, visible
from xlascope.report.text.tables import duration, heading, is_whole, note, tell_cut
from xlascope.tui.text.safe import safe
from xlascope.views.graph import GraphAnswer

_STYLES = {"border.hot": "bold", "heat": "cyan", "percent": "cyan", "wire": "dim", "label": "dim", "shape": "dim"}


_UNBOUNDED = 10_000
"""Cells that no row of a compact graph needs."""


class _Picture:
    """The graph laid out for the width of the console; in its compact form where the boxes would not fit."""

    def __init__(self, shown: VisibleGraph) -> None:
        self._shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        placed = layout(self._shown, options.max_width)
        if placed.width > options.max_width:
            placed = layout_compact(self._shown, _UNBOUNDED if is_whole(console) else options.max_width)
            if not is_whole(console):
                tell_cut(console)
        for row in render(placed).rows:
            line = Text(no_wrap=True, overflow="ignore" if is_whole(console) else "ellipsis")
            for text, tag in row:
                line.append(safe(text), style=_STYLES.get(tag, ""))
            line.rstrip()
            yield line


def graph(answer: GraphAnswer) -> Iterable[RenderableType]:
    """The view `graph` as text."""
    which = f", variant {answer.variant}" if answer.variant else ""
    shown = visible(answer.graph, folds=Folds(answer.graph))
    what = "equation" if answer.stage == "jaxpr" else "instruction"
    number = sum(bool(node.equations) for node in answer.graph.nodes) if what == "equation" else len(answer.graph.nodes)
    counted = f"{number} {what}{'' if number == 1 else 's'}"
    yield heading(f"{answer.program}{which}, {answer.stage}: {counted}, {shown.shown} boxes drawn")
    yield _Picture(shown)
    total = answer.graph.total_self_ns
    timed = f" Percentages: of {duration(total)} self time seen." if total else ""
    if answer.stage == "jaxpr" and any(node.estimated for node in answer.graph.nodes):
        timed += " ~: split among the equations of a fusion by a rule."
    yield note(f"Collapsed by fusion, loop, call and name scope; --json has every node, --dot the whole graph.{timed}")
