"""What lies over the panes for a moment: help of the focused pane, the question before quitting, the input lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.events import Click, Key
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from xlascope.tui.actions import Action, key_label
from xlascope.tui.closing import ClosesOnce
from xlascope.tui.text.safe import safe


class Scrolled(ModalScreen[str | None], ClosesOnce[str | None]):
    """Text in a frame that may be longer than the screen; a click beside it closes it. Its foot is always in sight."""

    DEFAULT_CSS = """
    Scrolled { align: center middle; }
    Scrolled > VerticalScroll {
        width: 110; max-width: 100%; height: auto; max-height: 90%; padding: 0 1;
        background: $surface; border: solid $primary;
    }
    Scrolled Static { width: 1fr; height: auto; }
    """
    BINDINGS: ClassVar = [
        Binding("j,down", "scroll(1)", "Down", show=False),
        Binding("k,up", "scroll(-1)", "Up", show=False),
        Binding("pagedown,space,ctrl+f", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("G,end", "end(1)", "To the end", show=False),
        Binding("g,home", "end(0)", "To the beginning", show=False),
    ]

    foot = "esc closes, j k scroll"

    def shown_text(self) -> str:
        """What stands in the frame, safe to be drawn."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Its widgets, from the top down."""
        area = VerticalScroll()
        area.border_subtitle = self.foot
        with area:
            yield Static(self.shown_text(), markup=False)

    @property
    def _area(self) -> VerticalScroll:
        return self.query_one(VerticalScroll)

    def action_scroll(self, step: int) -> None:
        """By so many lines."""
        self._area.scroll_relative(y=step, animate=False)

    def action_page(self, step: int) -> None:
        """By so many pages, a line of which stays in sight."""
        self._area.scroll_relative(y=step * max(self._area.size.height - 1, 1), animate=False)

    def action_end(self, end: int) -> None:
        """To the end (1) or the beginning (0)."""
        self._area.scroll_to(y=self._area.max_scroll_y if end else 0, animate=False)

    def on_click(self, event: Click) -> None:
        """A click beside the frame closes it."""
        if event.widget is self:
            self.dismiss(None)


class HelpOverlay(Scrolled):
    """What the focused pane shows and which keys it takes, then the keys that work everywhere."""

    DEFAULT_CSS = "HelpOverlay > VerticalScroll { width: 76; }"
    BINDINGS: ClassVar = [Binding("escape,question_mark,f1,q,enter", "dismiss(None)", "Close")]

    def __init__(
        self, subject: str, about: str, groups: Sequence[tuple[str, Sequence[Action]]], ascii_only: bool = False,
        note: str = "",
    ):
        super().__init__()
        self._note = note
        self._subject, self._about, self._groups, self._ascii = subject, about, groups, ascii_only

    def shown_text(self) -> str:
        """The whole help."""
        lines = [self._subject, "", self._about]
        for title, actions in self._groups:
            lines += ["", title]
            for action in actions:
                lines.append(f"  {key_label(action.keys, self._ascii):<16} {action.description}: {action.tooltip}")
        if self._note:
            lines += ["", self._note]
        return "\n".join(lines)


class TextOverlay(Scrolled):
    """Lines of text over the panes: an explanation, a traceback."""

    BINDINGS: ClassVar = [Binding("escape,q,enter,equals_sign", "dismiss(None)", "Close")]

    def __init__(self, title: str, text: Sequence[str]):
        super().__init__()
        self._text = "\n".join([title, "", *map(safe, text)])

    def shown_text(self) -> str:
        """The title and the lines."""
        return self._text


class CrashOverlay(TextOverlay):
    """The traceback of the script; its result is `output` when that is asked for."""

    foot = "esc closes, o: the script's output, j k scroll, q twice leaves"
    BINDINGS: ClassVar = [Binding("o", "dismiss('output')", "Output")]


class ConfirmQuit(ModalScreen[str], ClosesOnce[str]):
    """Asks before the script is stopped; answers `stop`, `detach` where that is offered, or `stay`."""

    DEFAULT_CSS = """
    ConfirmQuit { align: center middle; }
    ConfirmQuit > Vertical {
        width: 60; max-width: 100%; height: auto; padding: 1 2; background: $surface; border: heavy $warning;
    }
    ConfirmQuit Static { width: 1fr; height: auto; }
    ConfirmQuit .answer:hover { background: $primary; }
    """
    BINDINGS: ClassVar = [
        Binding("y", "answer('stop')", "Stop the script and quit"),
        Binding("n,q,escape,enter", "answer('stay')", "Stay"),
    ]

    def __init__(self, script: str, path: str = ""):
        super().__init__()
        self._script, self._path = script, path

    def compose(self) -> ComposeResult:
        """What would be lost, and the answers."""
        with Vertical():
            yield Static(f"{self._script} is still running.", markup=False)
            if self._path:
                yield Static(f"What was recorded stays in {self._path}", markup=False)
            yield Static("")
            yield Answer("y   stop the script and quit (also Ctrl-C)", "stop")
            yield Answer("n   stay (also esc, enter)", "stay")

    def action_answer(self, answer: str) -> None:
        """Ends with an answer."""
        self.dismiss(answer)

    def on_answer_chosen(self, message: Answer.Chosen) -> None:
        """Ends with the answer that was clicked."""
        self.dismiss(message.answer)


class ConfirmInterrupt(ConfirmQuit):
    """Asks before the script is interrupted; answers `stop`, `stay`, or `quit` to leave altogether."""

    def compose(self) -> ComposeResult:
        """What would be done, and the answers."""
        with Vertical():
            yield Static(f"Interrupt {self._script}?", markup=False)
            yield Static("Python raises KeyboardInterrupt in it, as Ctrl-C on its terminal would.", markup=False)
            yield Static("")
            yield Answer("y   interrupt the script (KeyboardInterrupt)", "stop")
            yield Answer("n   keep running (also esc, enter)", "stay")
            yield Answer("^C  stop the script and quit", "quit")


class Answer(Static):
    """A line that can be clicked."""

    class Chosen(Message):
        """The line was clicked."""

        def __init__(self, answer: str):
            super().__init__()
            self.answer = answer

    def __init__(self, text: str, answer: str):
        super().__init__(text, markup=False, classes="answer")
        self._answer = answer

    def on_click(self) -> None:
        """Tells which answer it is."""
        self.post_message(self.Chosen(self._answer))


class PromptLine(Input):
    """One line of typing at the foot of the screen: a search, a filter, a value, a line for the script's stdin.

    It is there only while it is needed; `esc` gives it up, Enter hands it over.
    """

    DEFAULT_CSS = """
    PromptLine { height: 1; border: none; padding: 0; display: none; background: $surface; }
    PromptLine:focus { border: none; }
    """
    BINDINGS: ClassVar = [Binding("escape", "give_up", "Give up", show=False)]

    class Ended(Message):
        """The user pressed Enter (`text`) or gave up (`text` is None)."""

        def __init__(self, purpose: str, text: str | None):
            super().__init__()
            self.purpose, self.text = purpose, text

    class Typed(Message):
        """The text changed while typing."""

        def __init__(self, purpose: str, text: str):
            super().__init__()
            self.purpose, self.text = purpose, text

    def __init__(self, *, id: str | None = None):
        super().__init__(id=id, compact=True, select_on_focus=False)
        self.purpose = ""

    def ask(self, purpose: str, hint: str, value: str = "") -> None:
        """Opens the line for a purpose, with a hint in grey."""
        self.purpose = purpose
        self.placeholder = hint
        with self.prevent(Input.Changed):
            self.value = value
        self.cursor_position = len(value)
        self.styles.display = "block"
        self.screen.set_focus(self)

    @property
    def is_open(self) -> bool:
        """Whether it is there to be typed into."""
        return self.styles.display == "block"

    def close(self) -> None:
        """Hides the line; the caller gives the focus back."""
        self.styles.display = "none"

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tells what has been typed so far."""
        event.stop()
        self.post_message(self.Typed(self.purpose, event.value))

    def passed(self, message: PromptLine.Typed) -> bool:
        """Whether what was told while typing is no longer so."""
        return not self.is_open or message.text != self.value

    async def _on_key(self, event: Key) -> None:
        """Enter ends it at once: what was typed after it is for the pane that gets the keys then."""
        if not self.is_open:
            event.stop()
            event.prevent_default()
            if self.screen.focused not in (None, self):
                self.screen.focused._forward_event(Key(event.key, event.character))
        elif event.key == "enter":
            event.stop()
            event.prevent_default()
            self._end(self.value)

    def action_give_up(self) -> None:
        """Ends it without a text."""
        self._end(None)

    def _end(self, text: str | None) -> None:
        ended = self.Ended(self.purpose, text)
        handler = getattr(self.screen, "on_prompt_line_ended", None)
        if handler is None:
            self.post_message(ended)
        else:
            handler(ended)
