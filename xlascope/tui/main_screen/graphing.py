"""Which stage a graph pane draws, and how its cursor is linked to the other panes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from xlascope.tui.feeding.links import Focus
from xlascope.tui.feeding.messages import StageGraphLoaded
from xlascope.tui.model import NO_WHOLE, NOT_CAPTURED, is_op_by_op, shown_as
from xlascope.tui.text.numbers import counted
from xlascope.tui.widgets.graph_pane import GraphPane
from xlascope.tui.widgets.status import ExplainLine

if TYPE_CHECKING:
    from xlascope.tui.screens.main import MainScreen

GRAPH_STAGES = ("optimized", "jaxpr", "hlo")
"""In the order of the key."""
_NO_GROUP = "no group: nothing inside. "
_SAID = {"optimized": "optimized HLO", "hlo": "HLO before optimization", "jaxpr": "jaxpr"}


class Graphing:
    """The part of the main screen that shows graphs."""

    @property
    def _graphs(self) -> MainScreen:
        return cast("MainScreen", self)

    def show_graph(self, drawn: Callable[[], None] | None = None) -> None:
        """Gives the graph panes what they draw: the optimized HLO at once, another stage when it is read.

        `drawn` is called when the optimized HLO's is on the screen; at once where no pane has to draw it.
        """
        desk = self._graphs.desk
        for pane in self._graphs.stage_panes():
            view = pane.graph_pane
            if pane.showing != "graph" or view is None:
                continue
            if view.stage != "optimized" and view.of != (desk.program, desk.variant):
                self._load_stage(view, view.stage)
            elif view.stage == "optimized":
                view.of = desk.graph_of or (None, None)
                if view.graph is not desk.graph or desk.graph is None:
                    view.set_graph(desk.graph, self._no_graph())
                    if desk.graph is not None and view.size.width:
                        view.when_laid, drawn = drawn, None
            self._title(view)
        if drawn is not None:
            drawn()

    def _no_graph(self) -> str:
        """Why there may be no graph of the optimized HLO."""
        desk = self._graphs.desk
        if desk.graph_of is None and desk.program is not None:
            return f"reading the graph of {desk.program}"
        why = NOT_CAPTURED if desk.overview.kind == "run" else "is not in this file"
        return NO_WHOLE if is_op_by_op(desk.variant) else f"the optimized HLO {why}"

    def blank_graphs(self) -> None:
        """Of another program the panes show no graph until its own is read."""
        desk = self._graphs.desk
        desk.graph, desk.graph_of = None, None
        for pane in self._graphs.stage_panes():
            view = pane.graph_pane
            if view is not None:
                view.of = (None, None)
                view.set_graph(None, self._no_graph())
                self._title(view)

    def on_graph_pane_stage_wanted(self, message: GraphPane.StageWanted) -> None:
        """Shows the graph of the next stage that has one."""
        at = GRAPH_STAGES.index(message.view.stage)
        self._load_stage(message.view, GRAPH_STAGES[(at + 1) % len(GRAPH_STAGES)])

    def on_graph_pane_nothing_inside(self, message: GraphPane.NothingInside) -> None:
        """Says that Enter opens groups only."""
        line = self._graphs.query_one(ExplainLine)
        subject, _, said = line.said.partition("  ")
        line.show(_NO_GROUP + said.removeprefix(_NO_GROUP), subject)

    def _load_stage(self, view: GraphPane, stage: str) -> None:
        desk = self._graphs.desk
        if stage == "optimized":
            view.stage, view.of = stage, desk.graph_of or (None, None)
            view.set_graph(desk.graph, self._no_graph())
            self._title(view)
            self._follow(view)
        elif desk.program is not None:
            at = GRAPH_STAGES.index(stage)
            self._graphs.loader.stage_graph(desk.program, desk.variant, view.id or "", GRAPH_STAGES[at:])

    def on_stage_graph_loaded(self, message: StageGraphLoaded) -> None:
        """Another stage's graph; where it is not held, the next one's."""
        if not self._graphs.concerns(message):
            return
        for pane in self._graphs.stage_panes():
            view = pane.graph_pane
            if view is None or view.id != message.pane:
                continue
            missing = [stage for stage in GRAPH_STAGES[GRAPH_STAGES.index(message.first) :] if stage != message.stage]
            if message.first != message.stage:
                self._graphs.notify(f"not captured: {', '.join(_SAID[stage] for stage in missing)}", timeout=3)
            if message.stage == "optimized":
                self._load_stage(view, "optimized")
            else:
                view.stage, view.of = message.stage, (message.program, message.variant)
                view.set_graph(message.graph)
                self._title(view)
                self._follow(view)

    def _title(self, view: GraphPane) -> None:
        desk = self._graphs.desk
        for pane in self._graphs.stage_panes():
            if pane.graph_pane is view and pane.showing == "graph":
                number = ""
                if view.graph is not None:
                    what = "equation" if view.stage == "jaxpr" else "instruction"
                    inputs = sum(not node.equations for node in view.graph.nodes) if view.stage == "jaxpr" else 0
                    number = counted(len(view.graph.nodes) - inputs, what)
                program, variant = view.of if view.of != (None, None) else (desk.program, desk.variant)
                of_run = view.stage == "optimized" and desk.overview.kind == "run"
                shown = [_SAID[view.stage]]
                if of_run:
                    # Narrow titles keep their beginning: of a variant its name tells more than the stage.
                    shown.insert(0 if variant is not None else 1, shown_as(variant))
                if of_run and variant != desk.variant:
                    shown.insert(1, f"reading {shown_as(desk.variant)}")
                pane.draw_title(" · ".join(filter(None, (*shown, program, number))))

    # one cursor

    def graph_focus(self, view: GraphPane, nodes: list[str]) -> Focus:
        """What belongs to a box of a graph; of a stage without links of its own, by its equations."""
        links = self._graphs.desk.links
        if view.stage == "optimized" or view.graph is None:
            return links.of_nodes(nodes)
        held = [node for node in (view.graph.node_by_id.get(each) for each in nodes) if node is not None]
        return links.of_equations(path for node in held for path in node.equations)

    def bring_graph(self, view: GraphPane, focus: Focus, best: str | None) -> None:
        """Puts a graph's cursor on what all panes show."""
        if view.stage == "optimized":
            if best is not None:
                view.show_node(best)
        elif view.stage == "jaxpr":
            for path in (*focus.lead, *sorted(focus.equations)):
                if view.show_node(path):
                    break
        elif view.graph is not None and focus.equations:
            wanted = set(focus.lead) or focus.equations
            found = (node.id for node in view.graph.nodes if not wanted.isdisjoint(node.equations))
            node = next(found, None)
            if node is not None:
                view.show_node(node)

    def _follow(self, view: GraphPane) -> None:
        focus = self._graphs.desk.focus
        best = self._graphs.best_node(focus)
        if view.stage == "optimized" and best is not None:
            view.begin_at(best)
        elif view.stage == "jaxpr" and focus.lead:
            view.begin_at(focus.lead[0])
