"""A place of the screen that shows one thing of a program at a time: a stage as text, the graph, or a chart."""

from __future__ import annotations

from textual.containers import Container
from textual.widget import Widget

from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.model import MACHINE_STAGES, SHOWN, StageText
from xlascope.tui.widgets.chart import Chart, ChartSpec
from xlascope.tui.widgets.graph_pane import GraphPane
from xlascope.tui.widgets.line_view import LineView
from xlascope.tui.widgets.part_line import Part
from xlascope.tui.widgets.text_pane import TextPane

_TABS = SHOWN[:6]
_SHORT = {
    "stablehlo": "StableHLO",
    "hlo": "HLO",
    "optimized": "optimized HLO",
    "asm": "machine code",
    "llvm": "LLVM IR",
    "llvm:before": "LLVM IR before optimization",
}


class StagePane(Container):
    """Holds a text pane, and a graph and a chart once they are asked for; `showing` is one of `model.SHOWN`."""

    DEFAULT_CSS = """
    StagePane { width: 1fr; height: 1fr; }
    StagePane > .-away { display: none; }
    """

    def __init__(self, showing: str, *, id: str, glyphs: Glyphs = UNICODE):
        super().__init__(id=id)
        self.glyphs = glyphs
        self.showing = showing
        self.text_pane = TextPane(id=f"{id}-text", glyphs=glyphs)
        self.graph_pane: GraphPane | None = None
        self.chart: Chart | None = None
        self.content: StageText | None = None
        self._about = ""

    def compose(self):  # type: ignore[no-untyped-def]
        """Its widgets, from the top down."""
        yield self.text_pane

    def on_mount(self) -> None:
        """Shows what it begins with."""
        self.turn_to(self.showing)

    @property
    def active(self) -> Widget:
        """The widget that is shown and takes the keys."""
        if self.showing == "graph" and self.graph_pane is not None:
            return self.graph_pane
        if self.showing == "chart" and self.chart is not None:
            return self.chart
        return self.text_pane

    def turn_to(self, showing: str) -> None:
        """Shows another thing; its content is set by the screen."""
        self.showing = showing
        if showing == "graph" and self.graph_pane is None:
            self.graph_pane = GraphPane(id=f"{self.id}-graph", glyphs=self.glyphs)
            self.mount(self.graph_pane)
        if showing == "chart" and self.chart is None:
            self.chart = Chart(id=f"{self.id}-chart", glyphs=self.glyphs)
            self.mount(self.chart)
        active = self.active
        for widget in (self.text_pane, self.graph_pane, self.chart):
            if widget is not None:
                widget.set_class(widget is not active, "-away")
        self.draw_title(self._about)

    def show_stage(self, content: StageText, keep_position: bool) -> None:
        """Shows a stage's text."""
        self.content = content
        pane = self.text_pane
        pane.set_placeholder(content.missing or "")
        pane.set_content(
            content.lines,
            content.language,
            first_number=content.first_number,
            marks=content.marks,
            folds=content.folds,
            shares=content.shares,
            keep_position=keep_position,
        )
        if content.start and not keep_position:
            with pane.prevent(pane.CursorMoved):
                pane.go_to(content.start)
                pane.scroll_rows(pane.place_of(content.start))
        self.draw_title(content.about)

    def on_text_pane_hiding_changed(self) -> None:
        """The title says what is hidden in lines."""
        self.draw_title(self._about)

    def show_chart(self, spec: ChartSpec | None) -> None:
        """Shows a chart, if that is what is asked for."""
        if self.chart is not None:
            self.chart.set_chart(spec)

    def draw_title(self, about: str) -> None:
        """What is shown, of what, and the keys of the other things."""
        self._about = about
        number = "x" if self.showing in MACHINE_STAGES else str(SHOWN.index(self.showing) + 1)
        name = _SHORT.get(self.showing, self.showing)
        title = [Part(f"{number} {name}", "title", rank=9)]
        for place, piece in enumerate(about.split(" · ") if about else ()):
            lead = " · " if place else "  "
            title.append(Part(lead + piece, "dim", rank=8 - place))
        if self.active is self.text_pane and self.text_pane.hides_parts:
            title.append(Part("  metadata hidden", "dim", "focused.metadata", "M shows it", rank=3))
        tabs = [
            Part(f" {index}", "key", f"show_in('{self.id}', '{stage}')", stage)
            for index, stage in enumerate(_TABS, 1)
            if stage != self.showing
        ]
        active = self.active
        if isinstance(active, LineView):
            active.set_title(title, tabs)
        elif isinstance(active, Chart):
            active.set_title([title[0]])
