"""One cursor for all panes: what the cursor is on in one is shown in the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from xlascope.tui.feeding.links import Focus, Links
from xlascope.tui.forms.switches import Switches
from xlascope.tui.model import BASELINE, MACHINE_STAGES, EquationTable, OpRow, StageText, is_op_by_op
from xlascope.tui.model import OpsTable as OpsTableRecord
from xlascope.tui.widgets.dialogs import PromptLine
from xlascope.tui.widgets.functions import FunctionsList
from xlascope.tui.widgets.graph_pane import GraphPane
from xlascope.tui.widgets.line_view import LineView
from xlascope.tui.widgets.ops_table import OpsTable
from xlascope.tui.widgets.source_pane import SourcePane
from xlascope.tui.widgets.status import ExplainLine
from xlascope.tui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from xlascope.tui.screens.main import MainScreen

class Linking:
    """The part of the main screen that follows the cursor."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self)

    # the cursor moved

    def on_functions_list_chosen(self, message: FunctionsList.Chosen) -> None:
        """Shows the program under the cursor of the list."""
        program = message.program
        desk = self._main.desk
        if program is not None and program.id != desk.program:
            self.take_program(program.id)
        elif program is None and message.function is not None and desk.program is not None:
            # Of these there is no program: all panes but the source go on showing the one before.
            others = f"The other panes show {desk.program}; = tells more"
            said = ". ".join(filter(None, (message.function.said, others)))
            self._main.query_one(ExplainLine).show(said, message.function.name)
            if message.function.place is not None:
                self._show_place(*message.function.place)
        elif program is not None and desk.astray is not None:
            desk.astray = None
            self._main.query_one(ExplainLine).show("")
            self._follow_file(None)
            self.relink()

    def _show_place(self, file: str, line: int) -> None:
        """Shows a line in the source pane that belongs to no program."""
        screen, desk = self._main, self._main.desk
        desk.astray = file, line
        source = screen.query_one(SourcePane)
        if source.shown_file == file:
            source.show_line(line)
            return
        desk.file, desk.library = file, False
        wanted = screen.wanted()
        if wanted is not None:
            screen.loader.load_source(wanted)

    def take_program(self, program: str | None) -> None:
        """Shows another program; None: the one under the cursor of the list."""
        screen, desk = self._main, self._main.desk
        if program is None:
            chosen = screen.functions().chosen[1]
            program = chosen.id if chosen is not None else None
        if program is None or program == desk.program:
            return
        desk.program, desk.variant, desk.focus = program, None, Focus()
        desk.file, desk.library, desk.astray = None, False, None
        desk.variants, desk.moved, desk.landed = (), False, None
        # What stands below the panes is of the program before, until this one's cursor is told of.
        desk.explained, desk.said = "", ("", "")
        screen.query_one(ExplainLine).show("")
        # A switch is one program's: what is still measured goes on and is told as that one's.
        desk.switches, desk.awaited = Switches(), None
        self._blank()
        screen.reload()
        screen.draw_status()

    def _blank(self) -> None:
        """Nothing of the program before stands beside the texts of the new one: it is read after them."""
        screen, desk = self._main, self._main.desk
        desk.links, desk.equations, desk.linked = Links(), EquationTable(), None
        desk.ops, desk.ops_of = OpsTableRecord(note="reading what the profile windows saw"), None
        desk.calls = None
        screen.ops_table().set_rows(())
        screen.title_ops()
        screen.blank_graphs()
        screen.draw_charts()

    def on_line_view_cursor_moved(self, message: LineView.CursorMoved) -> None:
        """All panes follow the one with the keys."""
        if message.view.has_focus:
            self.follow_cursor(message.view)

    def on_text_pane_folded(self, message: TextPane.Folded) -> None:
        """What is told of the cursor's line says whether it is closed."""
        if message.pane.has_focus:
            self.follow_again()

    def follow_cursor(self, view: LineView) -> None:
        """Takes what a pane's cursor is on as what all panes show."""
        focus = self.focus_of(view, view.cursor) if not isinstance(view, FunctionsList) else None
        if focus is not None:
            self.take_focus(focus, view)

    def follow_rows(self, table: OpsTable) -> None:
        """Other rows in a table with the keys, or that is being filtered: its cursor is what all panes show."""
        asked = self._main.query_one(PromptLine)
        links = self._main.desk.links
        if not (table.has_focus or (asked.is_open and asked.purpose == "filter")):
            return
        if not (links.node_row or links.equation_row):
            return
        focus = self.focus_of(table, table.cursor) or Focus()
        if focus.nodes != self._main.desk.focus.nodes:
            self.take_focus(focus, table)

    def follow_again(self) -> None:
        """The same place with other links, or of another variant; nothing moves."""
        desk, view = self._main.desk, self._main.focused
        focus: Focus | None = None
        node = None
        if isinstance(view, GraphPane):
            chosen = view.chosen()
            focus = self._main.graph_focus(view, chosen[1]) if chosen is not None else None
            node = chosen[0] if chosen is not None and view.stage == "optimized" else None
        elif isinstance(view, LineView) and not isinstance(view, FunctionsList):
            focus = self.focus_of(view, view.cursor)
        if focus is None and desk.focus.lead:
            focus = desk.links.of_equations(desk.focus.lead)
        if focus is not None:
            desk.focus = focus
            self._main.draw_strip()
            self._main.explain_cursor(focus, view if isinstance(view, LineView) else None, node)

    def on_graph_pane_node_chosen(self, message: GraphPane.NodeChosen) -> None:
        """All panes follow the graph."""
        focus = self._main.graph_focus(message.view, message.nodes)
        self.take_focus(focus, message.view, message.node if message.view.stage == "optimized" else None)

    def focus_of(self, view: LineView, row: int) -> Focus | None:
        """What a row of a pane stands for; None where nothing can be linked."""
        screen, links = self._main, self._main.desk.links
        if isinstance(view, OpsTable):
            op = view.current
            return self._focus_of_op(op) if op is not None else None
        if isinstance(view, SourcePane):
            return links.of_place(view.shown_file, row + 1) if view.shown_file else None
        for pane in screen.stage_panes():
            if pane.text_pane is view:
                if pane.showing == "source":
                    file = pane.content.file if pane.content is not None else None
                    return links.of_place(file, row + 1) if file else None
                if pane.showing in MACHINE_STAGES:
                    if not self._has_kernels:
                        return None
                    names = pane.content.kernels_at(row) if pane.content is not None else []
                    return links.of_nodes(names) if names else None
                return links.of_row(pane.showing, row)
        return None

    def _focus_of_op(self, op: OpRow) -> Focus:
        """What an op stands for; where each equation is a module of its own, names of ops say nothing by themselves."""
        links = self._main.desk.links
        if is_op_by_op(self._main.desk.variant):
            return links.of_equations(op.equations)
        return links.of_nodes([op.op])

    def take_focus(self, focus: Focus, origin: LineView | None, node: str | None = None) -> None:
        """Shows in all other panes what belongs to the cursor of `origin`; with one, the user chose it."""
        if origin is not None:
            self._main.desk.moved = True
            self._main.functions().hold()
        self._main.desk.focus = focus
        self._follow_file(origin)
        self.relink(origin)
        self._main.draw_strip()
        self._main.explain_cursor(focus, origin, node)

    def _follow_file(self, origin: LineView | None) -> None:
        """The source pane shows the file that the cursor's equations come from."""
        screen, desk = self._main, self._main.desk
        source = screen.query_one(SourcePane)
        place = self._source_place()
        if place is None or origin is source or place[0] == (desk.file or source.shown_file):
            return
        desk.file = place[0]
        wanted = screen.wanted()
        if wanted is not None:
            screen.loader.load_source(wanted)

    def _source_place(self) -> tuple[str, int] | None:
        """The line that the source pane is to show of what the cursor is on."""
        desk = self._main.desk
        return desk.focus.library if desk.library and desk.focus.library is not None else desk.focus.place

    def action_library_line(self) -> None:
        """Shows the library's line that made what the cursor is on, and the user's again."""
        screen, desk, view = self._main, self._main.desk, self._main.focused
        if isinstance(view, TextPane | OpsTable):
            self.follow_cursor(view)  # typed fast, its last move is not told yet
        if not desk.library and desk.focus.library is None:
            screen.notify(self._why_no_library(), timeout=4, markup=False)
            return
        desk.library = not desk.library
        self._follow_file(None)
        self.relink()
        source = screen.query_one(SourcePane)
        place = self._source_place()
        if place is not None and source.shown_file == place[0]:
            source.show_line(place[1])

    def _why_no_library(self) -> str:
        """Why there is no line of a library to go to from where the cursor is."""
        desk, view = self._main.desk, self._main.focused
        if desk.program is None:
            return "no program was compiled yet: no line leads to a library's"
        if not desk.links.equation_place:
            return f"the links of {desk.program} are not there yet" if desk.links == Links() else (
                f"no equation of {desk.program} has a source line: JAX told none")  # fmt: skip
        if not desk.focus.lead:
            name = "what the cursor is on"
            if isinstance(view, SourcePane) and view.shown_file:
                name = f"{view.shown_file.rpartition('/')[2]}:{view.cursor + 1}"
            return f"nothing lights up: no equation of {desk.program} belongs to {name}"
        if desk.focus.place is None:
            return f"equation {desk.focus.lead[0]} has no source line: JAX told none"
        return "a line of your own made it: no library is in between"

    def relink(self, from_pane: LineView | None = None, bring: bool = True) -> None:
        """Marks the linked rows of all panes, and (`bring`) brings them into sight in those without the keys."""
        screen, desk = self._main, self._main.desk
        for pane in screen.stage_panes():
            view = pane.text_pane
            if pane.showing not in ("graph", "chart"):
                file = pane.content.file if pane.content is not None else None
                rows = self.rows_in(pane.showing, file)
                view.set_linked(rows, desk.links.guessed_rows(pane.showing, desk.focus, file))
                if pane.showing in MACHINE_STAGES and pane.content is not None:
                    pane.draw_title(self.machine_about(pane.content))
                if bring and view is not from_pane and rows and not view.has_focus:
                    view.show_row(self._main.best_row(rows, pane.showing, view), centre=True)
            elif bring and pane.graph_pane is not None and not pane.graph_pane.has_focus:
                screen.bring_graph(pane.graph_pane, desk.focus, self.best_node(desk.focus))
        source = screen.query_one(SourcePane)
        rows = self.rows_in("source", source.shown_file)
        source.set_linked(rows, desk.links.guessed_rows("source", desk.focus, source.shown_file))
        if bring and source is not from_pane and rows and not source.has_focus:
            place = self._source_place()
            led = place[1] - 1 if place is not None and place[0] == source.shown_file else rows[0]
            source.show_row(led, centre=True)
        table = screen.ops_table()
        if table is not from_pane:
            places = self.mark_ops()
            if bring and places and not table.has_focus:
                table.show_row(places[0], centre=True)

    def mark_ops(self) -> list[int]:
        """Marks the rows of the ops that the cursor is on; returns their places."""
        table, focus = self._main.ops_table(), self._main.desk.focus
        places = [place for place in range(table.row_count()) if self._is_in(table.row(place), focus)]
        table.set_linked(places)
        return places

    def _is_in(self, op: OpRow, focus: Focus) -> bool:
        if is_op_by_op(self._main.desk.variant):
            return not focus.equations.isdisjoint(op.equations)
        return op.op in focus.nodes

    def rows_in(self, stage: str, file: str | None) -> list[int]:
        """The lines of a stage that belong to what the cursor is on."""
        desk = self._main.desk
        if stage == "source":
            return desk.links.source_rows(file, desk.focus)
        if stage in MACHINE_STAGES:
            held = [pane.content for pane in self._main.stage_panes() if pane.showing == stage]
            return self._kernels(held[0]) if held and held[0] is not None and held[0].stage == stage else []
        return desk.links.rows(stage, desk.focus)

    @property
    def _has_kernels(self) -> bool:
        """Machine code is of the program as it ran: other variants have none, though instructions may share a name."""
        return self._main.desk.variant in (None, BASELINE)

    def _kernels(self, content: StageText) -> list[int]:
        """The lines where the kernels begin of what the cursor is on, those of the instruction with most time first."""
        if not self._has_kernels:
            return []
        focus, links = self._main.desk.focus, self._main.desk.links
        nodes = sorted(focus.nodes, key=lambda node: node != self.best_node(focus))
        around = [fusion for node in nodes for fusion in links.node_fusions.get(node, ())]
        names = (each.rpartition("/")[2] for each in (*nodes, *around))
        return list(dict.fromkeys(row for name in names for row in content.kernels.get(name, ())))

    def machine_about(self, content: StageText) -> str:
        """What the title says of a stage; of machine code too that XLA compiled none for what the cursor is on."""
        best = self.best_node(self._main.desk.focus)
        if not self._has_kernels and content.kernels:
            return f"as run, not of {self._main.desk.variant} · {content.about}"
        if not content.kernels or best is None or self._kernels(content):
            return content.about
        # The fact first: on narrow panes a title is cut.
        return f"no kernel: {best.rpartition('/')[2]}, which runs in a library or in XLA's runtime · {content.about}"

    def rows_asked_for(self, content: StageText, kind: str, value: str) -> list[int]:
        """The lines of a stage that a search for an equation (`eq`) or a line of the source (`line`) means."""
        links = self._main.desk.links
        if kind == "eq":
            return links.rows(content.stage, links.of_equations([value]))
        file, _, number = value.rpartition(":")
        if not number.isdigit():
            return []
        if content.stage == "source":
            return [int(number) - 1]
        places = {place for place in links.equation_place.values() if place[1] == int(number) and file in place[0]}
        return sorted({row for place in places for row in links.rows(content.stage, links.of_place(*place))})

    def best_node(self, focus: Focus) -> str | None:
        """The instruction of a focus with the most time."""
        shares = {row.op: row.share or 0.0 for row in self._main.desk.ops.rows}
        return max(sorted(focus.nodes), key=lambda node: shares.get(node, 0.0), default=None)
