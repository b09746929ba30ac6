"""The view ``graph`` as text: the picture of the collapsed graph."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from xlascope.graphs import layout, layout_compact, render, visible
from xlascope.report.text.tables import duration, heading, note
from xlascope.tui.text.safe import safe
from xlascope.views.graph import GraphAnswer

_STYLES = {"border.hot": "bold", "heat": "cyan", "percent": "cyan", "wire": "dim", "label": "dim", "shape": "dim"}


class _Picture:
    """The graph laid out for the width of the console; in its compact form where the boxes would not fit."""

    def __init__(self, answer: GraphAnswer) -> None:
        self._graph = answer.graph

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown = visible(self._graph)
        placed = layout(shown, options.max_width)
        if placed.width > options.max_width:
            placed = layout_compact(shown, options.max_width)
        for row in render(placed).rows:
            line = Text(no_wrap=True, overflow="ellipsis")
            for text, tag in row:
                line.append(safe(text), style=_STYLES.get(tag, ""))
            line.rstrip()
            yield line


def graph(answer: GraphAnswer) -> Iterable[RenderableType]:
    which = f", variant {answer.variant}" if answer.variant else ""
    drawn = visible(answer.graph)
    yield heading(f"{answer.program}{which}, {answer.stage}: {len(answer.nodes)} instructions, {drawn.shown} drawn")
    yield _Picture(answer)
    total = answer.graph.total_self_ns
    timed = f" Percentages: of {duration(total)} self time seen." if total else ""
    yield note(f"Collapsed by fusion, loop and call; --json has every node, --dot the whole graph.{timed}")
