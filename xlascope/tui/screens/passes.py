"""The screen of passes: the list on the left, on the right what the pass under the cursor changed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from textwrap import wrap
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message

from xlascope.tui.actions import bindings
from xlascope.tui.feeding.live import Measuring
from xlascope.tui.screens.over import Failed, OverScreen
from xlascope.tui.screens.passes_model import (
    FORMS,
    PassItem,
    PassTable,
    Subject,
    Told,
    pass_table,
    pass_text,
    rows_of,
    shortened,
    told_history,
)
from xlascope.tui.text.lines import TextLines
from xlascope.tui.text.numbers import counted, duration
from xlascope.tui.widgets.dialogs import PromptLine, TextOverlay
from xlascope.tui.widgets.line_view import LineView
from xlascope.tui.widgets.part_line import Part, PartLine
from xlascope.tui.widgets.passes_list import PassesList
from xlascope.tui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from xlascope.tui.screens.main import MainScreen

_TICK = 0.25


class _Loaded(Message):
    """The passes that the file holds (None: none), and what became of the subject."""

    def __init__(self, table: PassTable | None, told: Told | None):
        super().__init__()
        self.table, self.told = table, told


class _TextLoaded(Message):
    """The right side for a pass."""

    def __init__(self, index: int, start: int | None, form: str, text: TextLines, rows: list[int]):
        super().__init__()
        self.index, self.start, self.form, self.text, self.rows = index, start, form, text, rows


class PassesScreen(OverScreen[None]):
    """Over the main screen, whose file it reads and whose keeper it asks; esc leads back."""

    BINDINGS = bindings("passes")
    SUBJECT = "passes"
    KEYS_OF = (("The passes", "passlist"), ("This screen", "passes"), ("Moving and searching", "list"))
    FILTER_HINT = "keep passes that contain"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (180, "-wide")]  # noqa: RUF012
    DEFAULT_CSS = """
    PassesScreen { layout: vertical; background: $background; }
    PassesScreen #pass-body { height: 1fr; }
    PassesScreen PassesList { width: 52; }
    PassesScreen TextPane { width: 1fr; border-left: vkey $panel-lighten-1; }
    PassesScreen.-wide PassesList { width: 70; }
    PassesScreen.-narrow #pass-body { layout: vertical; }
    PassesScreen.-narrow PassesList { width: 1fr; height: 45%; }
    PassesScreen.-narrow TextPane { width: 1fr; height: 1fr; border: none; }
    .-ascii PassesScreen TextPane { border-left: ascii $panel-lighten-1; }
    .-ascii PassesScreen.-narrow TextPane { border: none; }
    """

    def __init__(self, main: MainScreen, program: str, variant: str | None, subject: Subject | None):
        super().__init__(main.glyphs)
        self._over, self._program, self._variant, self._subject = main, program, variant, subject
        self._held: PassTable | None = None
        self._ticket: int | None = None
        self._form = FORMS[0]
        self._wanted: int | None = None
        self._start: int | None = None
        """The pass since which differences are shown; None: since the one before."""
        self._history = ""
        self._touched: Mapping[int, tuple[str, ...]] = {}

    def compose(self) -> ComposeResult:
        """Its widgets, from the top down."""
        glyphs = self.glyphs
        yield PartLine(id="pass-head", glyphs=glyphs)
        yield PartLine(id="pass-history", glyphs=glyphs, lines=3)
        with Horizontal(id="pass-body"):
            yield PassesList(id="passes", glyphs=glyphs)
            yield TextPane(id="pass-text", glyphs=glyphs)
        yield PromptLine(id="pass-prompt")
        yield PartLine(id="pass-footer", glyphs=glyphs)

    def on_mount(self) -> None:
        """The passes are read in a worker."""
        self._draw_title()
        self._say("reading the passes")
        self._draw_head("")
        self._draw_footer()
        self.set_focus(self._passes)
        self._load()
        self.set_interval(_TICK, self._tick)

    @property
    def _passes(self) -> PassesList:
        return self.query_one(PassesList)

    @property
    def _right(self) -> TextPane:
        return self.query_one(TextPane)

    @property
    def _called(self) -> str:
        """What the collecting is called among the measurements."""
        return f"passes of {self._program}" + (f", {self._variant}" if self._variant else "")

    def _say(self, text: str) -> None:
        """A sentence in the place of the text, as wide as there is room."""
        width = max((self._right.size.width or self.size.width) - 4, 20)
        lines = [line for part in text.split("\n") for line in wrap(part, width) or [""]]
        self._right.set_content(TextLines("\n".join(lines)), "")

    # reading and collecting

    def _load(self) -> None:
        self.run_worker(self._read, thread=True, group="table", exclusive=True)

    def _read(self) -> None:
        feed = self._over.feed
        try:
            table = pass_table(feed, self._program, self._variant)
            told = told_history(feed, table, self._subject) if table is not None and self._subject is not None else None
        except Exception as error:
            # A view that fails must not take the screen down: it is told.
            self.post_from_worker(Failed(f"{type(error).__name__}: {error}"))
            return
        self.post_from_worker(_Loaded(table, told))

    def on_failed(self, message: Failed) -> None:
        """Says why in the place of the text."""
        self._say(message.text)

    def on__loaded(self, message: _Loaded) -> None:
        """Shows the passes; where there are none they are collected."""
        if message.table is None:
            self._collect()
            return
        first = self._held is None
        self._held = table = message.table
        changed = sum(each.changed for each in table.items)
        about = [counted(changed, "change") + f" in {counted(len(table.items), 'snapshot')}"]
        if table.items:
            about.append(f"{table.items[0].instructions:,} to {counted(table.items[-1].instructions, 'instruction')}")
        if table.compile_ns is not None:
            about.append(f"compiled in {duration(table.compile_ns, self.glyphs.micro)}")
        self._draw_head("  ".join([*about, *table.notes]))
        self._say("no pass is chosen" if changed else "no pass changed anything")
        if message.told is not None:
            self._touched = message.told.touched
        self._passes.set_table(table)
        if message.told is not None:
            self._draw_history(message.told)
            self._passes.set_touched(message.told.touched, message.told.chief)
        elif first:
            self._passes.go_to(0)

    def _collect(self) -> None:
        """Has a lab compile the program once more; what it is at is shown until the file has the answer."""
        keeper = self._over.run_at_hand.keeper
        if self._over.desk.overview.kind != "run":
            flags = "XLA_FLAGS='--xla_dump_to=DIR --xla_dump_hlo_pass_re=.*'"
            self._say(f"this dump holds no passes; {flags} writes them")
            return
        if keeper is None:
            self._say("the passes are not collected, and this file is open for reading only: open a copy of it that "
                      "you may write, or once its run has ended")
            return
        running = [each for each in self._over.live.now.measuring if each.name == self._called]
        if running:
            self._ticket = running[-1].ticket
            return
        switches = next((dict(row.switches) for row in self._over.desk.variants if row.name == self._variant), {})
        try:
            self._ticket = keeper.collect(self._program, "passes", switches)
        except (OSError, RuntimeError, ValueError) as error:
            self._say(f"the passes cannot be collected: {error}")
        else:
            self._over.live.measuring(self._ticket, self._program, self._called)
            self._tick()

    def _tick(self) -> None:
        """While passes are collected: how far it is, and what came of it."""
        if self._ticket is None:
            return
        now = self._over.live.now
        entry = next((each for each in now.measuring if each.ticket == self._ticket), None)
        if entry is not None:
            self._say(self._progress(entry))
            return
        undone, self._ticket = self._ticket in now.undone, None
        if not undone:
            self._load()
            return
        why = next((why for name, why in reversed(now.failures) if name == self._called), None)
        said = f"the passes could not be collected: {why}" if why else "cancelled; p leads back, and p there asks again"
        self._say(said)

    def _progress(self, entry: Measuring) -> str:
        gauge = f"{self.glyphs.gauge(entry.share, 12)} " if entry.share is not None else ""
        doing = f"starting {entry.detail}" if entry.activity == "starting" else entry.detail
        return (f"compiling {self._program} once more for its passes\n{gauge}{doing}\n\n"
                "esc cancels; p leads back and lets it go on")  # fmt: skip

    # what the cursor is on

    def on_passes_list_chosen(self, message: PassesList.Chosen) -> None:
        """Shows what the pass under the cursor changed."""
        if message.item is not None:
            self._show(message.item)

    def _show(self, item: PassItem) -> None:
        if self._held is not None:
            self._wanted = item.index
            job = partial(self._read_text, self._held, item.index, self._since(item.index), self._form)
            self.run_worker(job, thread=True, group="text", exclusive=True)

    def _since(self, index: int | None) -> int | None:
        """The pass since which differences are shown where the cursor is on one."""
        return self._start if self._start != index else None

    def _read_text(self, table: PassTable, index: int, start: int | None, form: str) -> None:
        try:
            text = pass_text(self._over.feed, table, index, form, start)
        except Exception as error:
            # As above: told, and the screen stays.
            self.post_from_worker(Failed(f"{type(error).__name__}: {error}"))
            return
        rows = rows_of(text, self._touched.get(index, ()))
        self.post_from_worker(_TextLoaded(index, start, form, TextLines(text), rows))

    def on__text_loaded(self, message: _TextLoaded) -> None:
        """Shows the right side, if it is still the one that is wanted."""
        wanted = self._wanted, self._since(self._wanted), self._form
        if (message.index, message.start, message.form) != wanted or self._held is None:
            return
        pane = self._right
        pane.set_content(message.text, "hlo" if self._form == FORMS[2] else "diff")
        pane.set_linked(message.rows)
        if message.rows:
            pane.go_to(message.rows[0], centre=True)
        item = next(each for each in self._held.items if each.index == message.index)
        since = f"{message.start} to " if message.start is not None and self._form != FORMS[2] else ""
        parts = [Part(f"{since}{item.index} {item.name}", "title", rank=9),
                 Part(f"  {self._form}", "dim", "form", rank=8)]  # fmt: skip
        if item.change and not since:
            parts.append(Part(f"  {_short(item.change)}", "text", rank=7))
        parts.append(Part(f"  {item.pipeline}", "dim", rank=3))
        pane.set_title(parts)

    def on_line_view_activated(self, message: LineView.Activated) -> None:
        """Enter on a pass: to its text."""
        if message.view is self._passes:
            self.set_focus(self._right)

    # lines around

    def _draw_title(self) -> None:
        """Of the list: what its keys do, or since which pass differences are shown."""
        since = self._start
        told = "f filters, u shows the unchanged" if since is None else f"what changed since {since}; ' on it: no more"
        role = "dim" if since is None else "accent"
        self._passes.set_title([Part("passes of XLA", "title"), Part(f"  {told}", role)])

    def _draw_head(self, about: str) -> None:
        of = self._program + (f", {self._variant}" if self._variant else "")
        parts = [Part(" PASSES ", "title_focus", rank=9), Part(f" {of} ", "define", rank=9), Part(f" {about}", "dim")]
        self.query_one("#pass-head", PartLine).set_parts(parts)

    def _draw_history(self, told: Told) -> None:
        """Two lines at most, of a line of the source three; all of it is behind `=`."""
        self._history = told.text
        line = self.query_one("#pass-history", PartLine)
        width = max(self.size.width - 2, 20)
        lines = wrap(told.lead or shortened(told.text, 2 * width - 12), width, break_on_hyphens=False)
        most = 3 if told.lead else 2
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
        for at in range(3):
            line.set_parts([Part(f" {lines[at]}", "text")] if at < len(lines) else [], at)
        line.styles.height = len([each for each in lines if each])

    def _draw_footer(self) -> None:
        self.query_one("#pass-footer", PartLine).set_parts(list(self.key_parts("passes")))
        self.query_one("#pass-history", PartLine).styles.height = 0

    # keys

    def action_pane(self) -> None:
        """To the list or to the text."""
        self.set_focus(self._right if self.focused is self._passes else self._passes)

    def action_form(self) -> None:
        """What changed, line by line, the whole text: in turn."""
        self._form = FORMS[(FORMS.index(self._form) + 1) % len(FORMS)]
        item = self._passes.current
        if item is not None:
            self._show(item)

    def action_back(self) -> None:
        """A prompt, a search, a filter, the collecting, the screen: one layer at a time."""
        view, keeper = self.focused, self._over.run_at_hand.keeper
        if self.back_in_view():
            return
        if self._passes.filter_text:
            self._passes.set_filter("")
        elif self._ticket is not None and keeper is not None:
            keeper.cancel(self._ticket)
            self._say("cancelling")
        elif view is self._right and self._held is not None:
            self.set_focus(self._passes)
        else:
            self.dismiss()

    def action_start(self) -> None:
        """Shows differences from the pass under the cursor on; on that one, those of each pass alone again."""
        item = self._passes.current
        if item is not None:
            self._start = None if item.index == self._start else item.index
            self._draw_title()
            self._show(item)

    def action_explain(self) -> None:
        """All of the history, however long."""
        if self._history:
            head, _, rest = self._history.partition(": ")
            self.app.push_screen(TextOverlay(f"History of {head}", rest.split("; ")))
        else:
            self.notify("you came with nothing under the cursor", timeout=2)

    def action_copy(self) -> None:
        """The line under the cursor, and all lines of that side."""
        if isinstance(self.focused, LineView):
            self.copy_view(self.focused, f"{self._program}-passes")


def _short(text: str, most: int = 44) -> str:
    """Whole words of a text."""
    return text if len(text) <= most else text[: text.rfind(" ", 0, most)].rsplit(" ", 1)[0] + " …"


def subject_of(main: MainScreen) -> Subject | None:
    """What the main screen's cursor is on: an equation, of a line's the costliest, or an instruction."""
    desk = main.desk
    if desk.said[0] and desk.focus.lead:
        return _of_equations(main)
    if desk.explained:
        found = desk.graph.node_by_id.get(desk.explained) if desk.graph is not None else None
        name = found.name if found is not None and found.name else desk.explained.rpartition("/")[2]
        return Subject(instruction=name)
    return _of_equations(main) if desk.focus.lead else None


def _of_equations(main: MainScreen) -> Subject:
    lead = main.desk.focus.lead
    shares = {row.path: row.share or 0.0 for row in main.desk.equations.rows}
    first, *others = sorted(lead, key=lambda path: -shares.get(path, 0.0))
    return Subject(equation=first, others=tuple(others))
