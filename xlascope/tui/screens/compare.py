"""The screen of comparison: programs of both sides above; below equations, histograms or the source's difference."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget

from xlascope.tui.actions import bindings
from xlascope.tui.screens.compare_model import Comparison, Words, account, histogram, read
from xlascope.tui.screens.over import Failed, OverScreen
from xlascope.tui.text.lines import TextLines
from xlascope.tui.widgets.chart import Chart
from xlascope.tui.widgets.compare_tables import EquationsTable, ProgramsTable
from xlascope.tui.widgets.dialogs import PromptLine, TextOverlay
from xlascope.tui.widgets.line_view import LineView
from xlascope.tui.widgets.part_line import Part, PartLine
from xlascope.tui.widgets.row_table import RowTable
from xlascope.tui.widgets.text_pane import TextPane
from xlascope.views.compare import Program

if TYPE_CHECKING:
    from xlascope.tui.screens.main import MainScreen

_BELOW = ("equations", "times", "source")
_ROWS_AROUND = 3  # of a table: its title, its columns, and one below


class _Loaded(Message):
    """Both sides were read and compared."""

    def __init__(self, comparison: Comparison):
        super().__init__()
        self.comparison = comparison


class CompareScreen(OverScreen[None]):
    """Over the main screen; reads both sides by itself."""

    BINDINGS = bindings("compare")
    SUBJECT = "comparison"
    KEYS_OF = (("This screen", "compare"), ("Tables", "table"), ("Moving and searching", "list"))
    FILTER_HINT = "keep rows that contain"
    DEFAULT_CSS = """
    CompareScreen { layout: vertical; background: $background; }
    CompareScreen ProgramsTable { height: 40%; max-height: 40%; }
    CompareScreen #cmp-below { height: 1fr; border-top: solid $panel-lighten-1; }
    .-ascii CompareScreen #cmp-below { border-top: ascii $panel-lighten-1; }
    CompareScreen #cmp-below > * { display: none; height: 1fr; }
    CompareScreen #cmp-below > .-shown { display: block; }
    """

    def __init__(self, main: MainScreen, words: Words, program: str | None = None):
        super().__init__(main.glyphs)
        self._words, self._first = words, program
        self._held: Comparison | None = None
        self._showing = _BELOW[0]
        self._shown: tuple[str, str] | None = None

    def compose(self) -> ComposeResult:
        """Its widgets, from the top down."""
        glyphs = self.glyphs
        yield PartLine(id="cmp-head", glyphs=glyphs, lines=3)
        yield ProgramsTable(id="cmp-programs", glyphs=glyphs)
        with Vertical(id="cmp-below"):
            yield EquationsTable(id="cmp-equations", glyphs=glyphs)
            yield Chart(id="cmp-times", glyphs=glyphs)
            yield TextPane(id="cmp-source", glyphs=glyphs)
        yield PromptLine(id="cmp-prompt")
        yield PartLine(id="cmp-footer", glyphs=glyphs)

    def on_mount(self) -> None:
        """Both sides are read in a worker."""
        self._programs.set_title([Part("programs", "title")])
        self._draw_head("reading both sides")
        self._draw_footer()
        self._turn(_BELOW[0])
        self.set_focus(self._programs)
        self.run_worker(partial(self._read, self._words), thread=True, group="compare", exclusive=True)

    @property
    def _programs(self) -> ProgramsTable:
        return self.query_one(ProgramsTable)

    @property
    def _below(self) -> Widget:
        """What is shown below the programs."""
        return self.query_one(f"#cmp-{self._showing}")

    # reading

    def _read(self, words: Words) -> None:
        try:
            message: Message = _Loaded(read(words))
        except Exception as error:
            # A side that fails must not take the screen down: it is told.
            message = Failed(str(error) or type(error).__name__)
        self.post_from_worker(message)

    def on_failed(self, message: Failed) -> None:
        """Says in the head why a side cannot be read."""
        self._draw_head(message.text.replace("\n", "; "))

    def on__loaded(self, message: _Loaded) -> None:
        """Shows the comparison."""
        self._held = message.comparison
        answer = message.comparison.answer
        self._draw_head("")
        self._programs.set_rows(answer.programs)
        self._programs.styles.height = max(len(answer.programs), 1) + _ROWS_AROUND
        if self._first is not None and not any(each.verdict in ("slower", "faster") for each in answer.programs):
            self._programs.move_to_key(self._first)
        text = "\n".join(change.unified for change in answer.sources)
        said = "no difference: the source is the same, or was not recorded"
        pane = self.query_one(TextPane)
        pane.set_content(TextLines(text or said), "diff" if text else "")
        pane.set_title([Part("difference of the source", "title")])
        self._show()

    # what the cursor is on

    @property
    def _program(self) -> Program | None:
        return self._programs.current

    def on_line_view_cursor_moved(self, message: LineView.CursorMoved) -> None:
        """Shows another program's parts below."""
        if message.view is self._programs:
            self._show()

    def on_row_table_sorted(self, message: RowTable.Sorted) -> None:
        """Another program may be under the cursor."""
        if message.view is self._programs:
            self._show()

    def on_line_view_activated(self, message: LineView.Activated) -> None:
        """Enter on a program: to its parts below."""
        if message.view is self._programs:
            self.set_focus(self._below)

    def _show(self) -> None:
        """The parts below, of the program under the cursor."""
        program, held = self._program, self._held
        if program is None or held is None:
            return
        table = self.query_one(EquationsTable)
        table.within_noise = program.verdict not in ("slower", "faster")
        table.set_rows(program.equations)
        key = (program.program_a, program.program_b)
        if key != self._shown:
            self._shown = key
            table.move_to_largest()
        new, gone = sum(e.path_a is None for e in program.equations), sum(e.path_b is None for e in program.equations)
        parts = [Part(f"equations of {program.program_b}", "title", rank=9),
                 Part(f"  {len(program.equations)}, {new} only in B, {gone} only in A", "dim", rank=6)]  # fmt: skip
        if program.note and program.equations:
            parts.append(Part(f"  {program.note}", "text", rank=7))
        if program.opcodes:
            changes = ", ".join(f"{name} {a}>{b}" for name, (a, b) in program.opcodes.items())
            parts.append(Part(f"  instructions: {changes}", "dim", rank=3))
        table.set_title(parts)
        self.query_one(Chart).set_chart(histogram(held, program, self.glyphs.micro))

    def _turn(self, what: str) -> None:
        self._showing = what
        for each in _BELOW:
            self.query_one(f"#cmp-{each}").set_class(each == what, "-shown")

    # lines around

    def _draw_head(self, about: str) -> None:
        line = self.query_one("#cmp-head", PartLine)
        a, b = self._words
        line.set_parts([Part(" COMPARE ", "title_focus", rank=9), Part(f" A {_short(a)} ", "define", rank=8),
                        Part(f" B {_short(b)} ", "define", rank=8), Part(f" {about}", "warn", rank=9)], 0)  # fmt: skip
        answer = self._held.answer if self._held is not None else None
        told = []
        if answer is not None:
            sure = sum(each.verdict in ("slower", "faster") for each in answer.programs)
            told.append(f"{sure} of {len(answer.programs)} programs changed for sure")
            for name, only in (("A", answer.only_a), ("B", answer.only_b)):
                if only:
                    told.append(f"only in {name}: {', '.join(each.program for each in only)}")
        line.set_parts([Part(f" {'; '.join(told)}", "text")], 1)
        notes = answer.notes if answer is not None else ()
        line.set_parts([Part(f" ! {' '.join(notes)}" if notes else "", "warn")], 2)
        line.styles.height = 1 + bool(told) + bool(notes)

    def _draw_footer(self) -> None:
        self.query_one("#cmp-footer", PartLine).set_parts(list(self.key_parts("compare")))

    # keys

    def action_pane(self) -> None:
        """To the programs, or to what is below."""
        self.set_focus(self._below if self.focused is self._programs else self._programs)

    def action_below(self) -> None:
        """Equations, histograms, source: in turn."""
        held = self.focused is self._below
        self._turn(_BELOW[(_BELOW.index(self._showing) + 1) % len(_BELOW)])
        if held:
            self.set_focus(self._below)

    def action_back(self) -> None:
        """A prompt, a search, a filter, the part below, the screen: one layer at a time."""
        view = self.focused
        if self.back_in_view():
            return
        if isinstance(view, RowTable) and view.end_filter():
            pass
        elif view is not self._programs:
            self.set_focus(self._programs)
        else:
            self.dismiss()

    def action_explain(self) -> None:
        """How the numbers of the program under the cursor were obtained."""
        if self._held is not None:
            lines = account(self._held.answer, self._program)
            self.app.push_screen(TextOverlay("How these numbers were obtained", lines))

    def action_copy(self) -> None:
        """The line under the cursor, and all lines of that part."""
        if isinstance(self.focused, LineView):
            self.copy_view(self.focused, f"compare-{self._showing}")


def _short(word: str) -> str:
    """The file's name, with its variant."""
    return word.rpartition("/")[2]
