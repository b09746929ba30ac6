"""Where things are on the screen: which panes there are at this size, which has the keys, what each shows."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, cast

from textual import events
from textual.widget import Widget

from xlascope.tui import lines
from xlascope.tui.actions import actions_for, key_label
from xlascope.tui.effects import baseline, effects, why_apart
from xlascope.tui.feeding.live import reads_terminal, waits_for_input
from xlascope.tui.feeding.loader import Wanted
from xlascope.tui.feeding.messages import ProgramMessage
from xlascope.tui.glyphs import UNICODE
from xlascope.tui.model import MACHINE_STAGES, STAGES, CallTimes, StageText, shown_as
from xlascope.tui.text.numbers import percent
from xlascope.tui.widgets.effect_line import EffectLine
from xlascope.tui.widgets.functions import FunctionsList
from xlascope.tui.widgets.ops_table import OpsTable
from xlascope.tui.widgets.output_pane import OutputPane
from xlascope.tui.widgets.part_line import Part, PartLine
from xlascope.tui.widgets.source_pane import SourcePane
from xlascope.tui.widgets.stage_pane import StagePane
from xlascope.tui.widgets.status import StatusHeader, SwitchBar

if TYPE_CHECKING:
    from xlascope.tui.screens.main import MainScreen

_HOLDER = {"functions": "left", "output": "left", "a": "centre", "source": "centre", "b": "", "c": "", "ops": "bottom",
           "d": "bottom"}  # fmt: skip


_FOOTER = {"help": 9, "quit": 9, "pane": 7, "output": 5, "measure": 3, "maximize": 4, "explain": 6, "hottest": 5,
           "views": 7}  # fmt: skip
"""What stays in the footer when there is no room for all: the largest numbers."""


_LEAST = (60, 16)
"""Columns and rows that the lines around one pane and a few rows of it need."""
_LOW = 22
"""Below so many rows the table of ops does not fit under the list of functions."""


def _key(label: str, word: str, click: str | None, tooltip: str) -> list[Part]:
    return [Part(f" {label}", "key", click, tooltip), Part(f" {word} ", "dim", click, tooltip)]


class Places:
    """The part of the main screen that puts panes in their places and draws the lines around them."""

    @property
    def _screen(self) -> MainScreen:
        return cast("MainScreen", self)

    # panes

    def pane_ids(self) -> list[str]:
        """The panes of this size, in the order of the tab key."""
        wide = self._screen.has_class("-wide")
        return ["functions", "a", "source", *(["c"] if wide else []), "b", "ops", *(["d"] if wide else []), "output"]

    def stage_panes(self) -> list[StagePane]:
        """The panes that show a stage, a graph or a chart."""
        screen = self._screen
        expected = 4 if screen.has_class("-wide") else 2
        if len(screen.found_stage_panes) < expected:  # asked many times a key: the screen is searched once
            screen.found_stage_panes = list(screen.query(StagePane))
        return screen.found_stage_panes

    def stage_pane(self, id: str) -> StagePane:
        """The stage pane of an id, `a` or `b`."""
        return self._screen.query_one(f"#{id}", StagePane)

    def pane(self, id: str) -> Widget:
        """The widget of a pane that takes the keys."""
        found = self._screen.query_one(f"#{id}")
        return found.active if isinstance(found, StagePane) else found

    def go_to_pane(self, id: str) -> None:
        """Gives a pane the keys, and the whole screen where only one is seen."""
        screen = self._screen
        screen.desk.current = id
        self.place_panes()
        screen.set_focus(self.pane(id))
        self.draw_strip()

    def place_panes(self) -> None:
        """Marks the current pane and what holds it: the style sheet hides the others where only one is seen."""
        screen = self._screen
        current = screen.desk.current
        screen.set_class(screen.desk.zoomed, "-zoomed")
        screen.set_class(current == "functions" and not screen.desk.zoomed, "-list")
        for id in ("functions", "output", "a", "source", "b", "c", "ops", "d"):
            for widget in screen.query(f"#{id}"):
                widget.set_class(id == current, "-current")
        for holder in ("left", "centre", "bottom"):
            screen.query_one(f"#{holder}").set_class(_HOLDER[current] == holder, "-holds")
        screen.query_one("#body").set_class(current not in ("ops", "d"), "-holds")

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A click or the focus chain chose another pane."""
        for id in _HOLDER:
            found = next(iter(self._screen.query(f"#{id}")), None)
            if found is not None and (event.widget is found or found in event.widget.ancestors):
                if id != self._screen.desk.current:
                    self._screen.desk.current = id
                    self.place_panes()
                return

    def on_resize(self, event: events.Resize) -> None:
        """Places the panes anew for another size."""
        self._screen.call_after_refresh(self._fit)

    def _fit(self) -> None:
        screen = self._screen
        width, height = screen.size
        screen.set_class(width < _LEAST[0] or height < _LEAST[1], "-tiny")
        screen.set_class(height < _LOW, "-low")
        said = f" too small: at least {_LEAST[0]}x{_LEAST[1]}; q quits"
        screen.query_one("#tiny", PartLine).set_parts([Part(said, "warn")])
        wide = screen.has_class("-wide")
        if wide and not screen.query("#c"):
            screen.query_one("#body").mount(StagePane("optimized", id="c", glyphs=screen.glyphs), before="#b")
            screen.query_one("#bottom").mount(StagePane("chart", id="d", glyphs=screen.glyphs))
            screen.call_after_refresh(self.reload)
        if screen.desk.current not in self.pane_ids():
            screen.desk.current = "functions"
        self.place_panes()
        self.draw_all()
        screen.call_after_refresh(self._give_keys)

    def _give_keys(self) -> None:
        """A pane that a smaller size hid lost the keys; without any pane that has them few would do anything."""
        screen = self._screen
        if screen.focused is None and not screen.has_class("-tiny"):
            screen.set_focus(self.pane(screen.desk.current))

    # what the panes show

    def wanted(self) -> Wanted | None:
        """What the loader is to bring."""
        screen = self._screen
        if screen.desk.program is None:
            overview = screen.desk.overview
            # Times without a program: a profile, or a script whose operations JAX dispatched one by one.
            timed = overview.kind == "profile" or (overview.eager > 0 and not overview.programs)
            return Wanted(None, None, {}) if timed else None
        texts = (*STAGES, *MACHINE_STAGES)
        panes = {pane.id or "": pane.showing for pane in self.stage_panes() if pane.showing in texts}
        return Wanted(screen.desk.program, screen.desk.variant, {**panes, "source": "source"}, screen.desk.file)

    def concerns(self, message: ProgramMessage) -> bool:
        """Whether a message is of the program and variant that are shown."""
        return (message.program, message.variant) == (self._screen.desk.program, self._screen.desk.variant)

    def reload(self) -> None:
        """Asks for what the panes show."""
        wanted = self.wanted()
        if wanted is not None:
            self._screen.loader.load_program(wanted)

    def show_stage(self, pane_id: str, content: StageText) -> None:
        """Shows a text in a pane, if it still shows that stage."""
        for pane in self.stage_panes():
            if pane.id == pane_id and pane.showing == content.stage:
                before = pane.content
                same = before is not None and (before.program, before.stage) == (content.program, content.stage)
                if same and before is not None and before.lines is content.lines and before.marks == content.marks:
                    pane.draw_title(self._screen.machine_about(content))
                else:
                    keep = same and before is not None and len(before.lines) > 0
                    pane.show_stage(content, keep)
                    pane.text_pane.rows_of = partial(self._screen.rows_asked_for, content)
                    self._screen.relink(bring=not same)
                    untimed = before is not None and not before.marks and pane.text_pane.cursor == pane.text_pane.landed
                    if not keep or untimed:
                        self._screen.land_on_line(pane.text_pane, content.stage, content.file)

    def show_source(self, content: StageText) -> None:
        """A source file; one that was asked for before the cursor went to another file comes too late."""
        screen = self._screen
        pane, desk = screen.query_one(SourcePane), screen.desk
        if desk.file is not None and content.file != desk.file:
            return
        pane.set_placeholder(content.missing or "")
        fresh = pane.source is not content.lines or pane.shown_program != content.program
        if pane.source is not content.lines:
            pane.set_content(content.lines, "python", first_number=1, marks=content.marks)
        else:
            pane.set_marks(content.marks)
        pane.shown_file, pane.shown_program = content.file, content.program
        if fresh and desk.astray is not None and desk.astray[0] == content.file:
            pane.show_line(desk.astray[1])
        elif fresh:
            info = desk.overview.programs.get(content.program)
            if info is not None and info.line and info.file == content.file:
                pane.show_line(info.line)
            screen.relink()
            screen.land_on_line(pane, "source", content.file)
        pane.set_title(self._source_title(content, pane))

    def _source_title(self, content: StageText, pane: SourcePane) -> list[Part]:
        """Which file, its hottest line, and the keys for it."""
        name, *more = content.about.split(" · ")
        title = [Part("5 source", "title", rank=9), Part(f"  {name}", "dim", rank=8)]
        title += [Part(f" · {piece}", "dim", rank=5 if piece.startswith("~") else 8) for piece in more]
        hottest = pane.hottest_row()
        if hottest is not None:
            mark = pane.mark_of(hottest)
            own = (mark.share if mark.own is None else mark.own) if mark is not None else None
            lead = self._screen.glyphs.estimated if mark is not None and mark.estimated else ""
            where = f"  hottest {hottest + 1} {lead}{percent(own)}"
            title.append(Part(where, "accent", "hottest_line", "to the line that costs most by itself (H)", 7))
        if not content.file:
            return title[:1]
        other = "w your line" if self._screen.desk.library else "w library line"
        title.append(Part(f"  {other}", "dim", "library_line", "the library's line that made it, or yours", 3))
        title.append(Part("  e edit", "dim", "edit", "$EDITOR at the line", 4))
        return title

    def title_ops(self) -> None:
        """The title of the table of ops; while those of what was chosen are read, it says that."""
        desk = self._screen.desk
        reading = None if desk.ops_of in (None, (desk.program, desk.variant)) else shown_as(desk.variant)
        title = lines.ops_title(desk.ops, (desk.ops_of or (desk.program,))[0], self._screen.glyphs, reading)
        self.ops_table().set_title(title)

    def draw_charts(self) -> None:
        """Draws the charts of the program that is shown."""
        desk = self._screen.desk
        for pane in self.stage_panes():
            if pane.showing == "chart" and desk.program is not None:
                pane.show_chart(lines.chart(desk.calls, desk.variants, desk.variant, desk.program))

    # the lines around the panes

    def draw_all(self) -> None:
        """Draws all lines around the panes."""
        self.draw_status()
        self.draw_footer()
        self.draw_strip()

    def draw_status(self) -> None:
        """The lines above the panes; each draws only if its text is another one."""
        screen, desk = self._screen, self._screen.desk
        run, live, overview = screen.run_at_hand, screen.live.now, desk.overview
        state = lines.header(overview, live, run.live, run.script)
        screen.query_one(StatusHeader).show(state)
        info = overview.programs.get(desk.program or "")
        last = (live.last_line or screen.log_lines.last_line) if screen.has_class("-narrow") or not info else ""
        apart = not screen.has_class("-narrow") and bool(why_apart(info, desk.variants, desk.variant))
        screen.query_one("#phases", PartLine).set_parts(
            lines.phases(overview, live, run.live, info, desk.ops, desk.calls or CallTimes(), screen.glyphs, last,
                         apart=apart)
        )
        waits = run.live and waits_for_input(live, reads_terminal, time.monotonic())
        if waits is not desk.waits:
            desk.waits = waits
            self.draw_footer()
        as_run = str(overview.devices) if overview.devices else "as-run"
        # Only a run can be measured: a profile or HLO text has nothing to switch.
        switches = desk.shown_switches.bar(as_run, desk.coming, screen.can_turn_jit()) if overview.kind == "run" else []
        screen.query_one(SwitchBar).show(switches, baseline(desk.variants, desk.variant, screen.glyphs))
        told = effects(desk.variants, live, desk.program, desk.variant, screen.glyphs, screen.turned())
        screen.query_one(EffectLine).show(told)
        if desk.program is None:
            said = lines.starting(live, overview) if run.live or overview.script else "reading the file"
            screen.query_one(FunctionsList).set_placeholder(said)
            for pane in self.stage_panes():
                pane.text_pane.set_placeholder(said)
                if pane.graph_pane is not None:
                    pane.graph_pane.set_placeholder(said)

    def draw_footer(self) -> None:
        """The keys to know, each a button."""
        entries: list[tuple[int, list[Part]]] = []
        for action in actions_for("main"):
            if action.shown:
                label = key_label(action.keys.split(",")[0], self._screen.glyphs is not UNICODE)
                pair = _key(label, action.description, action.method, action.tooltip)
                entries.append((_FOOTER.get(action.description, 6), pair))
        stages = "jaxpr, StableHLO, HLO, optimized, source, graph, ops, chart"
        entries.insert(2, (8, _key("1-9", "stage", None, stages)))
        if self._screen.desk.overview.kind == "run":
            entries.insert(3, (8, _key("J F D S", "switches", None, "the switches")))
        entries.append((4, _key("^p", "palette", "app.command_palette", "every command")))
        if self._screen.desk.waits:
            said = " script may wait for input: press i "
            entries.insert(0, (10, [Part(said, "warn", "input", "type a line to the script")]))
        width = self._screen.size.width
        while sum(len(part.text) for _, pair in entries for part in pair) > width and len(entries) > 1:
            least = min(rank for rank, _ in entries)
            del entries[max(place for place, (rank, _) in enumerate(entries) if rank == least)]
        parts = [part for _, pair in entries for part in pair]
        self._screen.query_one("#footer", PartLine).set_parts(parts)

    def draw_strip(self) -> None:
        """What is linked to the cursor, for the sizes where only one pane is seen."""
        strip = self._screen.query_one("#strip", PartLine)
        for number, parts in enumerate(self._screen.strip_lines()):
            strip.set_parts(parts, number)

    # the widgets this part needs by type

    def functions(self) -> FunctionsList:
        """The list of functions."""
        return self._screen.query_one(FunctionsList)

    def ops_table(self) -> OpsTable:
        """The table of ops."""
        return self._screen.query_one(OpsTable)

    def output_pane(self) -> OutputPane:
        """The script's output."""
        return self._screen.query_one(OutputPane)
