"""The main screen: functions, stages, graph, ops and output of one run, with one cursor for all."""

from __future__ import annotations

import shlex
import time

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import Key
from textual.screen import Screen

from xlascope.tui.actions import bindings
from xlascope.tui.feeding.feed import Feed
from xlascope.tui.feeding.live import LiveState, RunAtHand, is_silent, long_lasting
from xlascope.tui.feeding.loader import Loader
from xlascope.tui.feeding.messages import (
    GraphLoaded,
    LoadFailed,
    OpsLoaded,
    OutputLoaded,
    OverviewLoaded,
    StageLoaded,
    VariantsLoaded,
)
from xlascope.tui.frame_pauses import calm_collector, prefer_keys
from xlascope.tui.glyphs import Glyphs
from xlascope.tui.main_screen.acting import Acting
from xlascope.tui.main_screen.collecting import Collecting
from xlascope.tui.main_screen.desk import Desk
from xlascope.tui.main_screen.explaining import Explaining
from xlascope.tui.main_screen.graphing import Graphing
from xlascope.tui.main_screen.landing import Landing
from xlascope.tui.main_screen.leaving import Leaving
from xlascope.tui.main_screen.linking import Linking
from xlascope.tui.main_screen.places import Places
from xlascope.tui.main_screen.switching import Switching
from xlascope.tui.model import Overview
from xlascope.tui.widgets.dialogs import PromptLine
from xlascope.tui.widgets.effect_line import EffectLine
from xlascope.tui.widgets.functions import FunctionsList
from xlascope.tui.widgets.note import Note
from xlascope.tui.widgets.ops_table import OpsTable
from xlascope.tui.widgets.output_pane import OutputLog, OutputPane
from xlascope.tui.widgets.part_line import PartLine
from xlascope.tui.widgets.row_table import RowTable
from xlascope.tui.widgets.source_pane import SourcePane
from xlascope.tui.widgets.stage_pane import StagePane
from xlascope.tui.widgets.status import ExplainLine, StatusHeader, SwitchBar

_TICK = 0.25
_ASK_WHERE = 8  # ticks between two questions where a silent script is


class MainScreen(Acting, Leaving, Switching, Linking, Landing, Explaining, Places, Graphing, Collecting, Screen[None]):
    """Shows a `Desk` of records; what the user does goes to the keeper, what the file says comes from the loader."""

    BINDINGS = bindings("main")
    CSS_PATH = "main.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (180, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-high")]  # noqa: RUF012

    def __init__(self, run: RunAtHand, glyphs: Glyphs, feed: Feed):
        super().__init__()
        self.run_at_hand, self.glyphs = run, glyphs
        self.desk = Desk()
        self.live = LiveState()
        name = shlex.quote(run.path.name)
        self.log_lines = OutputLog(earlier=f"(earlier output is left out here: xlascope show {name} output)")
        self.feed = feed
        self.loader = Loader(self, feed)
        self.found_stage_panes: list[StagePane] = []  # none is ever taken away
        self._told = 0
        self._ticks = 0

    def _compositor_refresh(self) -> None:
        """As Textual does; but a screen under a dialog would be marked for the next paint by each paint, endlessly."""
        super()._compositor_refresh()
        if self.app.screen is not self:
            self._repaint_required = False

    def compose(self) -> ComposeResult:
        """Its widgets, from the top down."""
        glyphs = self.glyphs
        yield PartLine(id="tiny", glyphs=glyphs)
        yield StatusHeader(id="header", glyphs=glyphs)
        yield PartLine(id="phases", glyphs=glyphs)
        yield SwitchBar(id="switches", glyphs=glyphs)
        yield EffectLine(id="effects", glyphs=glyphs)
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield FunctionsList(id="functions", glyphs=glyphs)
                yield OutputPane(id="output", glyphs=glyphs)
            with Vertical(id="centre"):
                yield StagePane("jaxpr", id="a", glyphs=glyphs)
                yield SourcePane(id="source", glyphs=glyphs)
            yield StagePane("graph", id="b", glyphs=glyphs)
        with Horizontal(id="bottom"):
            yield OpsTable(id="ops", glyphs=glyphs)
        yield PartLine(id="strip", glyphs=glyphs, lines=3)
        yield ExplainLine(id="explain", glyphs=glyphs)
        yield PromptLine(id="prompt")
        yield PartLine(id="footer", glyphs=glyphs)

    def on_mount(self) -> None:
        """Titles and the lines around; the file is asked after the first picture."""
        self.query_one(FunctionsList).set_title([("FUNCTIONS", "title"), ("  device time", "dim")])
        output = self.query_one(OutputPane)
        output.set_source(self.log_lines)
        output.set_title([("OUTPUT", "title"), ("  o opens", "dim")])
        self.query_one(OpsTable).set_title([("7 time per op", "title")])
        self.query_one(SourcePane).set_title([("5 source", "title")])
        self.draw_all()
        self.call_after_refresh(self._begin)

    def on_unmount(self) -> None:
        """The loader asks nothing more."""
        self.loader.close()

    def _begin(self) -> None:
        """Everything that is not needed for the first picture."""
        keeper = self.run_at_hand.keeper
        if keeper is not None:
            keeper.subscribe(self.live.take)
        calm_collector()
        prefer_keys()
        self.set_focus(self.query_one(FunctionsList))
        if self.run_at_hand.note:
            self.mount(Note("What this demo shows", self.run_at_hand.note.split("\n")))
        self.set_interval(_TICK, self._tick)
        self._tick()
        if self.run_at_hand.against is not None:
            self.action_compare()

    def on_key(self, event: Key) -> None:
        """The first key closes a demo's note."""
        for note in self.query(Note):
            if note.take_key(event.key):
                event.stop()

    def on_mouse_down(self) -> None:
        """So does the first click."""
        self.query(Note).remove()

    def _tick(self) -> None:
        """A few times a second: asks for what is new, draws what changed; under a dialog once a second."""
        self._ticks += 1
        covered = self.app.screen is not self
        if covered and self._ticks % round(1 / _TICK):
            return
        keeper = self.run_at_hand.keeper
        if keeper is not None and self.run_at_hand.live:
            self.live.take_status(keeper.status())
            lasting = long_lasting(self.live.now, time.monotonic())
            if lasting is not None or self.live.now.ended:
                self.query_one(FunctionsList).lead(lasting)
            if is_silent(self.live.now, time.monotonic()) and self._ticks % _ASK_WHERE == 0:
                keeper.send({"do": "collect", "what": "stack"})
        self.give_up_measurement()
        self.hasten_measurement()
        self.close_input()
        if self.run_at_hand.is_there:
            self.loader.tick(self.wanted())
        self.draw_status()
        for problem in self.live.now.problems[self._told :]:
            self.notify(problem, severity="warning", markup=False)
        self._told = len(self.live.now.problems)

    # what the loader brings

    def on_overview_loaded(self, message: OverviewLoaded) -> None:
        """Shows functions and the state of the run."""
        kind, self.desk.overview = self.desk.overview.kind, message.overview
        if kind != message.overview.kind:
            self.draw_footer()
        if message.overview.kind in ("hlo", "dump", "joined") and self.desk.program is None:
            self._begin_with(message.overview)
        if message.overview.kind == "profile" and self.desk.current == "functions":
            # All that a profile holds is its ops: they get the whole screen, `z` shows the rest.
            self.desk.zoomed = True
            self.go_to_pane("ops")
        functions = self.query_one(FunctionsList)
        functions.set_functions(message.overview.functions)
        self.draw_status()
        if self.desk.program is None and message.overview.programs:
            self.take_program(next(iter(message.overview.programs)) if functions.chosen[1] is None else None)
        self._tell_crash()

    def _begin_with(self, overview: Overview) -> None:
        """A file's form is what the panes begin with: the optimized HLO, else what it holds of the first program."""
        held = next((info.captured for info in overview.programs.values() if info.captured), ("optimized",))
        form = next((stage for stage in ("optimized", "hlo", "stablehlo", "jaxpr") if stage in held), "optimized")
        self.stage_pane("a").turn_to(form)
        for pane in self.stage_panes():
            if form == "hlo" and pane.graph_pane is not None:
                pane.graph_pane.stage = form

    def on_screen_resume(self) -> None:
        """What was not told while another screen lay over this one."""
        self._tell_crash()

    def _tell_crash(self) -> None:
        """The traceback, once, when nothing lies over this screen: it would take the keys of what does."""
        text = self.desk.overview.exception
        if text and not self.desk.told_crash and self.app.screen is self:
            self.desk.told_crash = True
            self.show_traceback(text)

    def on_output_loaded(self, message: OutputLoaded) -> None:
        """Appends what the script wrote."""
        if message.piece.is_cut:
            self.log_lines.cut()
        self.log_lines.write(message.piece.text)
        self.query_one(OutputPane).update_tail()

    def on_stage_loaded(self, message: StageLoaded) -> None:
        """Shows a text in its pane."""
        if self.concerns(message) and message.pane == "source":
            self.show_source(message.content)
        elif self.concerns(message):
            self.show_stage(message.pane, message.content)
            self.collect_for(message)

    def on_ops_loaded(self, message: OpsLoaded) -> None:
        """Shows the times per op."""
        if self.concerns(message):
            table = self.query_one(OpsTable)
            changed = message.ops.rows != self.desk.ops.rows or not table.row_count()
            self.desk.ops, self.desk.ops_of = message.ops, (message.program, message.variant)
            self.title_ops()
            if changed:
                table.set_rows(message.ops.rows)
                self.follow_times()

    def on_graph_loaded(self, message: GraphLoaded) -> None:
        """Shows the graph, and what belongs together by it."""
        if not self.concerns(message):
            message.drawn.set()
        else:
            # What came again may have new times; where the panes are scrolled to is the user's.
            again = bool(self.desk.links.node_row) and self.desk.links == message.links
            self.desk.graph, self.desk.equations = message.graph, message.equations
            self.desk.graph_of = message.program, message.variant
            self.show_graph(message.drawn.set)
            if message.links is None:
                return
            new = message.links.stage_rows.keys() - self.desk.links.stage_rows.keys()
            shown = (message.program, message.variant)
            before, self.desk.linked = self.desk.linked, shown
            better = not again and before == shown
            self.desk.links = message.links
            if better and not self.desk.moved:
                self.desk.landed = None  # the hottest op is looked for once more, by the better links
            if self.desk.moved and (better or before != shown):
                self.follow_again()  # another variant's instructions are others
            self.relink(bring=not again and not better)
            self.land()
            if before != shown != self.desk.landed and not self.desk.moved:
                self.follow_again()  # nothing is known to be the hottest
            self.land_on_new(new)

    def on_row_table_sorted(self, message: RowTable.Sorted) -> None:
        """A filter may have taken the row away that the cursor was on."""
        if isinstance(message.view, OpsTable):
            self.mark_ops()
            self.follow_rows(message.view)

    def on_variants_loaded(self, message: VariantsLoaded) -> None:
        """Shows what was measured."""
        if self.concerns(message):
            self.desk.variants = message.rows
            if message.calls is not None:
                self.desk.calls = message.calls
            self.draw_status()
            self.draw_charts()
            self.follow_measurement()

    def on_load_failed(self, message: LoadFailed) -> None:
        """Tells, once, that a view could not be read."""
        if message.text != self.desk.failure:
            self.desk.failure = message.text
            self.notify(message.text, title="a view could not be read", severity="warning", markup=False)
