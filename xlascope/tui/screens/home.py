"""Home: recent runs, the demos, the commands to know. What is chosen is started in this process's place."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.widget import Widget

from xlascope.tui.glyphs import Glyphs, choose_glyphs
from xlascope.tui.own_errors import Failing
from xlascope.tui.text.numbers import size
from xlascope.tui.text.safe import safe
from xlascope.tui.widgets.line_view import LineView
from xlascope.tui.widgets.part_line import Part, PartLine

_SHOWN_RUNS = 12


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of home: `words` is the command line it stands for (empty: a heading or a hint)."""

    text: str
    about: str = ""
    words: tuple[str, ...] = ()


def entries(now: float | None = None) -> list[Entry]:
    """What home lists; it reads names and times of run files only, never their content."""
    from xlascope.demo import DEMOS
    from xlascope.session.places import kept_runs, runs_folder

    moment = time.time() if now is None else now
    runs = kept_runs(runs_folder())[:_SHOWN_RUNS]
    found = [Entry("RECENT RUNS")]
    for run in runs:
        about = f"{_ago(moment - run.modified)}, {size(run.bytes)}"
        found.append(Entry(run.path.stem, about, ("open", str(run.path))))
    if not runs:
        found.append(Entry("none yet: xlascope SCRIPT makes one"))
    found += [Entry(""), Entry("DEMOS")]
    found += [Entry(demo.name, demo.title, ("demo", demo.name)) for demo in DEMOS]
    found += [Entry(""), Entry("COMMANDS")]
    for words, about in _COMMANDS:
        found.append(Entry(words, about))
    return found


_COMMANDS = (
    ("xlascope SCRIPT [ARGS]", "this screen on a script while it runs"),
    ("xlascope record SCRIPT", "the same without a screen; writes a run file"),
    ("xlascope open RUN", "this screen on a run file, a profile, HLO text"),
    ("xlascope show RUN VIEW", "one view as text or JSON"),
    ("xlascope measure RUN --fusion off", "a variant beside its baseline"),
    ("xlascope doctor", "what is installed, what works here"),
)


def _ago(seconds: float) -> str:
    for limit, scale, unit in ((120, 1, "seconds"), (7200, 60, "minutes"), (172_800, 3600, "hours")):
        if seconds < limit:
            return f"{max(int(seconds / scale), 0)} {unit} ago"
    return f"{int(seconds / 86_400)} days ago"


class HomeList(LineView):
    """The entries; the cursor skips what cannot be opened."""

    HELP = "Enter opens a run or starts a demo."

    def __init__(self, shown: Sequence[Entry], glyphs: Glyphs):
        super().__init__(id="home", glyphs=glyphs)
        self._entries = shown
        self.set_reactive(LineView.cursor, next((row for row, entry in enumerate(shown) if entry.words), 0))

    @property
    def current(self) -> Entry:
        """The entry under the cursor."""
        return self._entries[self.cursor]

    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._entries)

    def row_text(self, row: int) -> str:
        """A row as text."""
        entry = self._entries[row]
        return f"{entry.text}  {entry.about}"

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A row as it is drawn."""
        entry, colours = self._entries[row], self.palette
        heading = entry.text.isupper()
        pointer = self.glyphs.cursor if row == self.cursor and entry.words else " "
        segments = [Segment(f" {pointer} ", colours["accent"])]
        role = "title" if heading else "define" if entry.words else "op"
        tokens = [(safe(entry.text, ascii_only=self.ascii_only), role)]
        if entry.about:
            about = safe(entry.about, ascii_only=self.ascii_only)
            tokens += [(" " * max(36 - len(entry.text), 2), "text"), (about, "dim")]
        return segments + self.marked(tokens, self.column)

    def action_row(self, step: int) -> None:
        """To the next entry that can be chosen."""
        row = self.cursor + step
        while 0 <= row < len(self._entries) and not self._entries[row].words:
            row += step
        if 0 <= row < len(self._entries):
            self.go_to(row)


class HomeApp(Failing[tuple[str, ...]]):
    """Lists what can be opened; its result is the command line that was chosen."""

    TITLE = "xlascope"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,escape,ctrl+c", "quit", "Leave")]

    def __init__(self, shown: Sequence[Entry] | None = None):
        no_color = "NO_COLOR" in os.environ
        super().__init__(ansi_color=True if no_color else None)
        if no_color:
            self.theme = "ansi-dark"
        self._shown = entries() if shown is None else shown

    def compose(self) -> Iterable[Widget]:
        """The list, and the keys below it."""
        glyphs = choose_glyphs()
        yield HomeList(self._shown, glyphs)
        yield PartLine(id="keys", glyphs=glyphs)

    def on_mount(self) -> None:
        """The list has the keys."""
        home = self.query_one(HomeList)
        home.set_title([("xlascope", "title"), ("  what JAX and XLA really do with a script", "dim")])
        home.focus()
        self.query_one("#keys", PartLine).set_parts(
            [Part(" enter", "key"), Part(" opens  "), Part("j k", "key"), Part(" move  "), Part("/", "key"),
             Part(" search  "), Part("q", "key", "app.quit"), Part(" leaves", "text", "app.quit")]
        )  # fmt: skip

    def on_line_view_activated(self, message: LineView.Activated) -> None:
        """Ends with the words of the chosen entry, which are run then."""
        words = self.query_one(HomeList).current.words
        if words:
            self.exit(words)


def run_home() -> int:
    """Shows home; starts what is chosen. Returns 0 when it was left, 4 when it failed, else it does not return."""
    app = HomeApp()
    words = app.run()
    if app.failed is not None:
        print(f"xlascope: home failed: {app.failed}; `xlascope SCRIPT` runs one without it", file=sys.stderr)
        return 4
    if words is None:
        return 0
    print("xlascope " + shlex.join(words), file=sys.stderr)
    sys.stderr.flush()
    code = "import sys; from xlascope.cli.main import main; sys.exit(main(sys.argv[1:]))"
    os.execv(sys.executable, [sys.executable, "-c", code, *words])
