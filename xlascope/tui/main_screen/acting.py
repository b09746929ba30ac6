"""What the user does: keys, clicks and palette entries of the main screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from xlascope.tui import lines
from xlascope.tui.actions import Action, actions_for
from xlascope.tui.copying import copy_out
from xlascope.tui.editing import edit_file
from xlascope.tui.effects import explain_variant, why_apart
from xlascope.tui.feeding.accounts import chart_account, function_account, line_account
from xlascope.tui.glyphs import UNICODE
from xlascope.tui.model import MACHINE_STAGES, SHOWN
from xlascope.tui.text.queries import HINT
from xlascope.tui.text.tracebacks import headline
from xlascope.tui.widgets.chart import Chart
from xlascope.tui.widgets.dialogs import CrashOverlay, HelpOverlay, PromptLine, TextOverlay
from xlascope.tui.widgets.functions import FunctionsList
from xlascope.tui.widgets.graph_pane import GraphPane
from xlascope.tui.widgets.line_view import LineView
from xlascope.tui.widgets.ops_table import OpsTable
from xlascope.tui.widgets.output_pane import OutputPane
from xlascope.tui.widgets.row_table import RowTable
from xlascope.tui.widgets.source_pane import SourcePane
from xlascope.tui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from xlascope.tui.screens.main import MainScreen

_TITLES = {"list": "Moving and searching", "text": "This text", "table": "This table", "graph": "This graph",
           "functions": "This list", "output": "The output"}  # fmt: skip

_UNTIMED = "nothing is timed here yet: no profile window has seen it run"


class Acting:
    """The part of the main screen that acts."""

    @property
    def _me(self) -> MainScreen:
        return cast("MainScreen", self)

    # panes

    def action_pane(self, step: int) -> None:
        """To the next pane, or the one before."""
        ids = self._me.pane_ids()
        at = ids.index(self._me.desk.current) if self._me.desk.current in ids else 0
        self._me.go_to_pane(ids[(at + step) % len(ids)])

    def action_show(self, what: str) -> None:
        """Shows a thing: where it is seen already, else in the stage pane with the keys, else in its own place."""
        screen = self._me
        if what in ("functions", "ops", "output", "source"):
            screen.go_to_pane(what)
            return
        seen = [pane for pane in screen.stage_panes() if pane.showing == what and pane.id in screen.pane_ids()]
        focused = [pane for pane in screen.stage_panes() if pane.id == screen.desk.current]
        own = "b" if what in ("graph", "chart") else "a"
        target = focused[0] if focused and not seen else seen[0] if seen else screen.stage_pane(own)
        self.action_show_in(target.id or own, what)

    def action_machine(self) -> None:
        """Machine code of the program's kernels; again: LLVM IR after, then before LLVM's optimization."""
        screen = self._me
        seen = [pane.showing for pane in screen.stage_panes() if pane.showing in MACHINE_STAGES]
        following = MACHINE_STAGES.index(seen[0]) + 1 if seen else 0
        pane = next((pane for pane in screen.stage_panes() if pane.showing in MACHINE_STAGES), None)
        if pane is not None and pane.id is not None:
            self.action_show_in(pane.id, MACHINE_STAGES[following % len(MACHINE_STAGES)])
        else:
            self.action_show(MACHINE_STAGES[0])

    def action_show_in(self, pane_id: str, what: str) -> None:
        """Shows a thing in a certain pane (a click on its tab)."""
        screen = self._me
        pane = screen.stage_pane(pane_id)
        if what in SHOWN and pane.showing != what:
            pane.content = None
            pane.turn_to(what)
            screen.show_graph()
            screen.draw_charts()
            screen.reload()
        screen.call_after_refresh(screen.go_to_pane, pane_id)

    def action_hottest(self) -> None:
        """To where most of the time goes, in the pane with the keys."""
        focused = self._me.focused
        if isinstance(focused, TextPane) and focused.hottest_row() is None:
            self._me.notify(_UNTIMED, timeout=3)
        if isinstance(focused, TextPane | GraphPane | FunctionsList):
            focused.action_hottest()
        elif isinstance(focused, OpsTable):
            focused.sort_by("share", descending=True)
            focused.go_to(0)
        if isinstance(focused, TextPane | OpsTable):
            # Told even where the cursor stood there already.
            self._me.follow_cursor(focused)

    def action_hottest_line(self) -> None:
        """To the source line that costs most by itself."""
        self._me.go_to_pane("source")
        source = self._me.query_one(SourcePane)
        if source.hottest_row() is None:
            self._me.notify(_UNTIMED, timeout=3)
        source.action_hottest()
        self._me.follow_cursor(source)

    def action_zoom(self) -> None:
        """The pane with the keys over the whole screen, and back."""
        self._me.desk.zoomed = not self._me.desk.zoomed
        self._me.place_panes()

    # searching, filtering, input

    def on_line_view_search_requested(self, message: LineView.SearchRequested) -> None:
        """Opens the prompt for a search or a filter."""
        text = isinstance(message.view, TextPane)
        hints = {
            "search": HINT if text else "search: lower case ignores case",
            "filter": "keep rows that contain; or opcode=dot & self>1ms",
        }
        table = message.view if isinstance(message.view, RowTable) else None
        value = table.filter_text if table is not None and message.purpose == "filter" else ""
        self._asking_view = message.view
        self._me.query_one(PromptLine).ask(message.purpose, hints.get(message.purpose, ""), value)

    def on_line_view_activated(self, message: LineView.Activated) -> None:
        """Enter: from the list of functions to its text, in the output to the script's input."""
        if isinstance(message.view, OutputPane):
            self.action_input()
        elif isinstance(message.view, FunctionsList):
            self._me.go_to_pane("a")

    def on_functions_list_alert_chosen(self, message: FunctionsList.AlertChosen) -> None:
        """Why a function was compiled again and again."""
        name = message.function.name
        self._me.action_view("compiles", None, name if message.function.programs else "eager")

    def close_input(self) -> None:
        """The line for the script's input goes when the script has ended."""
        prompt = self._me.query_one(PromptLine)
        if prompt.is_open and prompt.purpose == "stdin" and self._me.live.now.ended:
            prompt.close()
            self._me.output_pane().focus()

    def action_input(self) -> None:
        """Opens the line that is typed to the script; it stays open until esc."""
        screen = self._me
        if screen.run_at_hand.live and not screen.live.now.ended:
            screen.go_to_pane("output")
            self._asking_view = screen.output_pane()
            screen.query_one(PromptLine).ask("stdin", "a line for the script's standard input; esc closes")
        else:
            screen.notify("the script has ended: it reads no input any more", timeout=3)

    def on_prompt_line_typed(self, message: PromptLine.Typed) -> None:
        """Searches and filters as one types."""
        view = getattr(self, "_asking_view", None)
        if self._me.query_one(PromptLine).passed(message):
            return
        if message.purpose == "search" and isinstance(view, LineView):
            view.start_search(message.text)
        elif message.purpose == "filter" and isinstance(view, RowTable):
            view.set_filter(message.text)

    def on_prompt_line_ended(self, message: PromptLine.Ended) -> None:
        """What was typed: a line for the script, a search, a filter; given up, the search or filter goes."""
        view = getattr(self, "_asking_view", None)
        if message.purpose == "stdin" and message.text is not None and self._me.run_at_hand.keeper is not None:
            self._me.run_at_hand.keeper.write_input(message.text.encode("utf-8", "surrogateescape") + b"\n")
            self._me.live.typed()
            if not self._me.live.now.ended:
                self.action_input()
                return
        self._me.query_one(PromptLine).close()
        if isinstance(view, LineView):
            self._me.set_focus(view)
            if message.purpose == "search" and message.text is not None:
                if view.needle != message.text:
                    view.start_search(message.text)
                self._me.follow_cursor(view)
            elif message.purpose == "filter" and message.text is not None and isinstance(view, RowTable):
                view.set_filter(message.text)
        if message.text is None:
            if message.purpose == "search" and isinstance(view, LineView):
                view.clear_search()
            elif message.purpose == "filter" and isinstance(view, RowTable):
                view.set_filter("")

    def on_line_view_search_done(self, message: LineView.SearchDone) -> None:
        """Says that nothing was found."""
        if message.row is None and message.needle:
            said = f"not found in this pane: {message.needle} (tab: the next one)"
            self._me.notify(said, timeout=4, markup=False)

    # help, explanations, traceback

    def action_help(self) -> None:
        """What the pane with the keys shows, and which keys it takes."""
        screen = self._me
        focused = screen.focused
        groups = []
        about, subject = "", "xlascope"
        if isinstance(focused, Chart):
            about, subject = focused.HELP, "Help: chart"
        if isinstance(focused, LineView):
            about, subject = focused.HELP, f"Help: {self._pane_name()}"
            groups = _own_keys(focused.SCOPES)
        groups.append(("Everywhere", actions_for("main")))
        note = f"This demo\n{screen.run_at_hand.note}" if screen.run_at_hand.note else ""
        screen.app.push_screen(HelpOverlay(subject, about, groups, screen.glyphs is not UNICODE, note))

    def _pane_name(self) -> str:
        current = self._me.desk.current
        return next((pane.showing for pane in self._me.stage_panes() if pane.id == current), current)

    def action_explain(self) -> None:
        """How the number under the cursor was obtained; before that, what failed, while it is told."""
        screen, desk, focused = self._me, self._me.desk, self._me.focused
        if screen.live.now.failures:
            self.action_failures()
            return
        said = None
        if isinstance(focused, Chart):
            if desk.variant is None and desk.calls is not None and desk.calls.ns and desk.program is not None:
                said = chart_account(desk.program, desk.calls)
        elif isinstance(focused, FunctionsList):
            item, program = focused.chosen
            said = function_account(item, program, desk.overview) if item is not None else None
        elif isinstance(focused, TextPane):
            said = self._line_account(focused)
        elif isinstance(focused, GraphPane) and (way := focused.way_account()) is not None:
            screen.app.push_screen(TextOverlay("The way that is marked", way))
            return
        if said is None and not isinstance(focused, Chart):
            row = focused.current if isinstance(focused, OpsTable) else None
            if row is None:
                nodes = desk.focus.nodes
                row = next((each for each in desk.ops.rows if each.op in nodes), None)
            group = desk.graph.group_by_id.get(row.op) if row is not None and desk.graph is not None else None
            said = lines.explain_op(row, desk.ops, group.members if group else None) if row is not None else None
        if said is not None:
            screen.app.push_screen(TextOverlay("How this number was obtained", [*said, *self._apart()]))
        else:
            self.action_explain_variant()

    def _apart(self) -> list[str]:
        """Why calls in the script and the baseline's differ, where they do."""
        desk = self._me.desk
        said = why_apart(desk.overview.programs.get(desk.program or ""), desk.variants, desk.variant)
        return ["", *said] if said else []

    def _line_account(self, view: TextPane) -> list[str] | None:
        """Of the line under the cursor of a text, by its equations; None for an instruction, which has an op."""
        screen, desk = self._me, self._me.desk
        stage = next((pane.showing for pane in screen.stage_panes() if pane.text_pane is view), "source")
        if stage == "optimized":
            return None
        lead = set((screen.focus_of(view, view.cursor) or desk.focus).lead)
        rows = [row for row in desk.equations.rows if row.path in lead]
        if not rows:
            return [f"No equation of {desk.program or 'a program'} belongs to this line: it has no number."]
        file = (view.shown_file or "") if isinstance(view, SourcePane) else ""
        name = f"{file.rpartition('/')[2]}:{view.cursor + 1}" if file else f"line {view.cursor + 1} of the {stage}"
        return line_account(name, rows, screen.known(), screen.glyphs)

    def action_failures(self) -> None:
        """The whole of what failed."""
        said = []
        for name, why in reversed(self._me.live.now.failures):
            said += [f"{name}: {why}", ""]
        self._me.app.push_screen(TextOverlay("What could not be done", [*said, "esc on the main screen forgets it"]))

    def action_explain_variant(self, name: str | None = None) -> None:
        """How a variant was measured; without a name the one that is shown, or the newest."""
        desk = self._me.desk
        if desk.variants:
            chosen = [row for row in desk.variants if row.name == (name or desk.variant)] or list(desk.variants)
            said = [*explain_variant(chosen[-1]), *self._apart()]
            self._me.app.push_screen(TextOverlay("How this was measured", said))
        else:
            self._me.notify("nothing under the cursor was measured")

    def action_run_facts(self) -> None:
        """The run as a whole."""
        screen = self._me
        said = lines.run_facts(screen.desk.overview, str(screen.run_at_hand.path), screen.glyphs)
        screen.app.push_screen(TextOverlay("The run", said))

    def show_traceback(self, text: str) -> None:
        """The exception that ended the user's script and the line it came from, then the whole traceback."""
        said = [*headline(text), "", *text.rstrip().split("\n")]
        self._me.app.push_screen(CrashOverlay("The script ended with an exception", said), self._after_crash)

    def _after_crash(self, wanted: str | None) -> None:
        if wanted == "output":
            self._me.go_to_pane("output")

    # copying, editing

    def action_copy(self) -> None:
        """The line under the cursor to the clipboard, the whole pane to a file."""
        screen = self._me
        view = screen.focused
        if isinstance(view, LineView) and view.cursor >= 0:
            current = screen.desk.current
            of_the_run = current in {"functions", "output"}
            of = screen.run_at_hand.path.stem if of_the_run else screen.desk.program
            name = "-".join(filter(None, (of, current)))
            path = copy_out(view, name)
            screen.app.copy_to_clipboard(view.row_text(view.cursor))
            screen.notify(f"line copied; all of it is in {path}", markup=False)

    def action_edit(self) -> None:
        """The source line of what the cursor is on, in the user's editor."""
        screen = self._me
        place = screen.desk.astray or screen.desk.focus.place
        source = screen.query_one(SourcePane)
        if screen.focused is source and source.shown_file:
            place = source.shown_file, source.cursor + 1
        if place is None:
            info = screen.desk.overview.programs.get(screen.desk.program or "")
            place = (info.file, info.line) if info is not None and info.file and info.line else None
        if place is None:
            screen.notify("nothing under the cursor has a source line")
        else:
            edit_file(screen.app, *place)


def _own_keys(scopes: Sequence[str]) -> list[tuple[str, list[Action]]]:
    """The actions of a pane's scopes, the nearest first; one whose keys are all taken by a nearer scope is left out."""
    taken: set[str] = set()
    groups = []
    for scope in sorted(scopes, key=lambda scope: scope == "list"):
        actions = [action for action in actions_for(scope) if not set(action.keys.split(",")) <= taken]
        taken.update(key for action in actions for key in action.keys.split(","))
        groups.append((_TITLES[scope], actions))
    return groups
