"""The sentence about what the cursor is on, and the lines that stand for the other panes on small screens."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from xlascope.tui.feeding.explanations import Known, tell_equations, tell_line, tell_lines
from xlascope.tui.feeding.links import Focus, Links
from xlascope.tui.feeding.messages import Explained, RowExplained
from xlascope.tui.text.folds import fold_name
from xlascope.tui.text.numbers import counted, duration, percent
from xlascope.tui.widgets.graph_pane import GraphPane
from xlascope.tui.widgets.line_view import LineView
from xlascope.tui.widgets.part_line import Part
from xlascope.tui.widgets.source_pane import SourcePane
from xlascope.tui.widgets.status import ExplainLine
from xlascope.tui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from xlascope.graphs import Graph, Node
    from xlascope.tui.screens.main import MainScreen


class Explaining:
    """The part of the main screen that tells of the cursor."""

    @property
    def _explainer(self) -> MainScreen:
        return cast("MainScreen", self)

    def _under_cursor(self, origin: LineView | None) -> str | None:
        """The instruction on the cursor's line of the optimized HLO: of a member of a fusion itself is told."""
        for pane in self._explainer.stage_panes():
            if origin is not None and pane.text_pane is origin and pane.showing == "optimized":
                return self._explainer.desk.links.row_node.get(origin.cursor)
        return None

    def explain_cursor(self, focus: Focus, origin: LineView | None, node: str | None = None) -> None:
        """Says below the panes what the cursor of `origin` is on, and what is known of it."""
        screen, desk = self._explainer, self._explainer.desk
        line = screen.query_one(ExplainLine)
        known = self.known()
        desk.explained, desk.said = "", ("", "")
        if isinstance(origin, TextPane) and self._shows_source(origin) and desk.program is not None:
            place = focus.place if focus.library is None or not desk.library else focus.library
            if place is not None:
                subject, said = tell_line(focus, place, known, screen.glyphs)
                if not focus.lead and len(desk.overview.programs) > 1 and origin.row_text(origin.cursor).strip():
                    said += "; another program's may: 9 goes to the list of them"
                line.show(said, subject)
            return
        if isinstance(origin, GraphPane) and (told := origin.told_of_group(screen.glyphs.micro)) is not None:
            line.show(told[1], told[0])
            return
        best = node or self._under_cursor(origin) or self._explainer.best_node(focus)
        found = desk.graph.node_by_id.get(best) if desk.graph is not None and best is not None else None
        jaxpr = [pane for pane in screen.stage_panes() if pane.text_pane is origin and pane.showing != "optimized"]
        other = isinstance(origin, GraphPane) and origin.stage != "optimized"
        if jaxpr or other or (found is None and focus.lead):
            desk.said = tell_equations(focus, known, screen.glyphs)
            if not desk.said[0] and jaxpr and isinstance(origin, TextPane):
                desk.said = self._folded(origin, jaxpr[0].showing)
            line.show(desk.said[1], desk.said[0])
            if found is not None and len(focus.lead) == 1:
                desk.explained = found.id
            if jaxpr and not other and desk.program is not None and origin is not None:
                screen.loader.explain_row(desk.program, desk.variant, jaxpr[0].showing, origin.cursor)
            elif desk.explained and desk.program is not None:
                screen.loader.explain(desk.program, desk.variant, desk.explained)
        elif found is not None:
            desk.explained = found.id
            line.show(self._placed(found), found.name or found.id)
            if desk.program is not None:
                screen.loader.explain(desk.program, desk.variant, found.id)
        else:
            if isinstance(origin, TextPane):
                desk.said = self._folded(origin, "optimized")
            line.show(desk.said[1], desk.said[0])
            if isinstance(origin, TextPane) and desk.program is not None:
                screen.loader.explain_row(desk.program, desk.variant, "optimized", origin.cursor)

    def _folded(self, view: TextPane, stage: str) -> tuple[str, str]:
        """Of the line that opens a fold or the whole text, or closes it, what lies between; of any other nothing."""
        desk, folds, row = self._explainer.desk, view.folds, view.cursor
        end = len(view.source) - 1
        fold = folds.at_header(row)
        if fold is None:
            around = folds.around(row)
            fold = next((each for each in around if folds.lasts[each] == row or each in folds.tables), None)
        if fold is not None:
            first, last, closed = folds.headers[fold], folds.lasts[fold], folds.is_closed(fold)
            name, share = fold_name(view.source.line(first), fold in folds.tables), view.fold_share(fold)
        elif row in (0, end) and desk.program is not None:
            first, last, closed = 0, end, None
            name, share = desk.program, view.shares(0, end) if view.shares is not None else (None, False)
        else:
            return "", ""
        written = _written(desk.links, stage, first, last)
        said = tell_lines(last - first + 1, written, share, closed, self.known(), self._explainer.glyphs)
        return (f"end of {name}" if row == last > first else name), said

    def on_row_explained(self, message: RowExplained) -> None:
        """What the line under the cursor does, before what is known of its time and of what became of it."""
        screen, desk = self._explainer, self._explainer.desk
        panes = [pane for pane in screen.stage_panes() if pane.showing == message.stage]
        if screen.concerns(message) and any(pane.text_pane.cursor == message.row for pane in panes):
            if message.said is not None:
                subject, said = desk.said
                desk.said = subject or message.said[0], "; ".join(filter(None, (message.said[1], said)))
                screen.query_one(ExplainLine).show(desk.said[1], desk.said[0])
            if desk.explained and message.program is not None:
                screen.loader.explain(message.program, message.variant, desk.explained)

    def known(self) -> Known:
        """What is known of the program that is shown."""
        desk = self._explainer.desk
        return Known(desk.program or "", desk.equations, desk.links, desk.ops, desk.graph)

    def _shows_source(self, view: LineView) -> bool:
        panes = self._explainer.stage_panes()
        return isinstance(view, SourcePane) or any(
            pane.text_pane is view and pane.showing == "source" for pane in panes
        )

    def on_explained(self, message: Explained) -> None:
        """The sentence about what the cursor is on, before what is known of its place in the graph."""
        screen, desk = self._explainer, self._explainer.desk
        if screen.concerns(message) and message.node == desk.explained and message.text and desk.graph is not None:
            found = desk.graph.node_by_id.get(message.node)
            if found is not None and desk.said[0]:
                subject, said = desk.said
                name = found.name or found.id
                told = (f" {name}", f" {self._explainer.glyphs.estimated}{name}")
                joint = ": " if said.endswith(told) else f"; {name}: "
                self._explainer.query_one(ExplainLine).show(said + joint + message.text, subject)
            elif found is not None:
                rest = self._placed(found).partition("; ")[2]
                text = f"{message.text}; {rest}" if rest else message.text
                self._explainer.query_one(ExplainLine).show(text, found.name or found.id)

    def _placed(self, node: Node) -> str:
        desk = self._explainer.desk
        return _sentence(node, desk.graph, desk.links, self._explainer.glyphs.estimated)

    def strip_lines(self) -> list[list[Part]]:
        """The linked line, op and graph neighbourhood, for small screens."""
        desk = self._explainer.desk
        line = [Part(" line ", "dim")]
        if desk.focus.place is not None:
            file, number = desk.focus.place
            source = self._explainer.query_one(SourcePane)
            held = source.shown_file == file and number <= source.row_count()
            text = source.row_text(number - 1).strip() if held else ""
            line += [Part(f"{file.rpartition('/')[2]}:{number} ", "define"), Part(text)]
        op = [Part(" op   ", "dim")]
        best = self._explainer.best_node(desk.focus)
        row = next((row for row in desk.ops.rows if row.op == best), None)
        if row is not None:
            bar = self._explainer.glyphs.bar(row.share, 10)
            foretold = f"predicted {self._explainer.glyphs.estimated}" if row.predicted else ""
            numbers = f"{foretold}{duration(row.per_call_ns)} {percent(row.share)} "
            op += [Part(f"{row.op} ", "op"), Part(numbers), Part(bar, "bar")]
        elif best is not None:
            op += [Part(best, "op")]
        around = [Part(" graph ", "dim")]
        if desk.graph is not None and best in desk.graph.node_by_id:
            arrow = f" {self._explainer.glyphs.arrow} "
            sources = ", ".join(edge.source for edge in desk.graph.inputs.get(best, ())[:3])
            targets = ", ".join(edge.target for edge in desk.graph.outputs.get(best, ())[:3])
            around += [Part(sources + arrow if sources else "", "operand"), Part(best or "", "op")]
            around += [Part(arrow + targets if targets else "", "operand")]
        return [line, op, around]


def _written(links: Links, stage: str, first: int, last: int) -> str:
    """The equations of lines, each once where several calls run what is written once."""
    if stage == "jaxpr":
        rows = {links.equation_row[each] for each in links.equation_row if first <= links.equation_row[each] <= last}
        return counted(len(rows), "equation") if rows else ""
    found = links.stage_equations.get(stage, {}).items()
    paths = {path for row, paths in found if first <= row <= last for path in paths}
    return f"of {counted(len(paths), 'equation')}" if paths else ""


def _sentence(node: Node, graph: Graph, links: Links, doubt: str) -> str:
    """What a node of the optimized graph is; `doubt` marks equations that no tag links to it."""
    group = graph.group_by_id.get(node.id)
    said = f"{node.opcode} giving {node.shape}"
    if group is not None:
        said += f", a {group.kind} of {group.members} instructions"
        if group.trip_count:
            said += f", {group.trip_count} turns"
    if node.equations:
        guessed = {path for path in node.equations if links.is_guessed(node.id, path)}
        shown = " ".join(f"{doubt}{path}" if path in guessed else path for path in node.equations[:8])
        said += f"; equations {shown}" + (" …" if len(node.equations) > 8 else "")
        if guessed:
            said += f" ({doubt} by the flow of data, not by a tag)" if links.exact else f" ({doubt} by position alone)"
    if node.is_marked:
        said += "; added by XLA" + (f" for {node.owner}" if node.owner else "")
    elif node.owner is not None or node.added_by_xla:
        said += "; made by the compiler for its results" + (f", here {node.owner}" if node.owner else "")
    return said
