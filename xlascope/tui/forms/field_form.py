"""What the forms of switches have in common: fields with a label and a line for what is wrong, checked as one types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.events import Click, DescendantFocus
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static

from xlascope.tui.closing import ClosesOnce
from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.text.safe import safe
from xlascope.tui.widgets.dialogs import HelpOverlay

Answer = TypeVar("Answer")


class WordField(Input):
    """A field whose text can hold no `?`: that key opens the help."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether a key is typed into it."""
        return character != "?" and super().check_consume_key(key, character)


class FieldForm(ModalScreen[Answer], ClosesOnce[Answer]):
    """A form in a frame. A subclass composes a `Vertical` with `field`s and answers `action_measure` and `check`."""

    DEFAULT_CSS = """
    FieldForm { align: center middle; }
    FieldForm > Vertical {
        width: 100; max-width: 100%; height: auto; max-height: 95%; padding: 0 1; overflow-y: auto;
        scrollbar-size-vertical: 1;
        background: $surface; border: solid $primary;
    }
    FieldForm Static { width: 1fr; height: auto; }
    FieldForm Horizontal { height: 1; }
    FieldForm .label { width: 32; height: 1; }
    FieldForm Input { height: 1; border: none; padding: 0; width: 1fr; background: $boost; }
    FieldForm Input:focus { border: none; background: $primary 40%; }
    FieldForm .problem { color: $error; display: none; padding: 0 0 0 2; }
    FieldForm #foot { color: $text-muted; margin: 1 0 0 0; }
    """
    BINDINGS: ClassVar = [
        Binding("escape", "dismiss(None)", "Give up"),
        Binding("enter", "measure", "Measure"),
        Binding("question_mark,f1", "help", "Help", show=False, priority=True),
        # At once, so that letters typed behind one go to the next field however busy the screen is.
        Binding("down,tab", "app.focus_next", "Next field", show=False, priority=True),
        Binding("up,shift+tab", "app.focus_previous", "Field before", show=False, priority=True),
    ]

    KEYS: ClassVar[str] = "enter measures, tab: next field, esc gives up, ? or F1: help"
    SUBJECT: ClassVar[str]
    HELP: ClassVar[str]
    """What the form is for and what its fields take."""

    def __init__(self, glyphs: Glyphs = UNICODE) -> None:
        super().__init__()
        self.glyphs = glyphs
        self._moved = False

    def frame(self) -> Vertical:
        """The frame of the form; its keys stand at its lower edge, in sight however long the form is."""
        made = Vertical()
        made.border_subtitle = self.KEYS
        return made

    def on_mount(self) -> None:
        """Learns of each layout."""
        self.screen_layout_refresh_signal.subscribe(self, self._laid_out)

    def check(self) -> None:
        """Reads the fields and shows what is wrong with them; called after each key."""
        raise NotImplementedError

    @staticmethod
    def field(label: str, name: object, widget: Widget) -> ComposeResult:
        """A label, what is typed into or chosen from, and below it the line for the problem of that name."""
        with Horizontal():
            yield Static(label, markup=False, classes="label", id=f"label-{name}")
            yield widget
        yield Static(markup=False, classes="problem", id=f"problem-{name}")

    def show_problems(self, names: Iterable[object], problems: Mapping[Any, str]) -> None:
        """Below each of the fields `names` what is wrong with it, or nothing."""
        for name in names:
            line = self.query_one(f"#problem-{name}", Static)
            line.update(safe(problems.get(name, "")))
            line.display = name in problems
        self._moved = True
        self.call_after_refresh(self._keep_in_sight)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Another field: it comes into sight with what is wrong with it."""
        self.call_after_refresh(self._keep_in_sight)

    def _laid_out(self, _: object) -> None:
        """Lines came or went as one types: how far the field moved is known only now."""
        if self._moved:
            self._moved = False
            self._keep_in_sight()

    def _keep_in_sight(self) -> None:
        """Scrolls to the field that one is at, and to the line below it."""
        row = self.focused.parent if self.focused else None
        if isinstance(row, Horizontal) and isinstance(row.parent, Widget):
            around = row.parent.children
            below = around[around.index(row) + 1]
            for widget in (below, row) if below.display else (row,):
                widget.scroll_visible(animate=False, immediate=True)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Another text in a field."""
        event.stop()
        self.check()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a field, behind all letters that were typed before it."""
        event.stop()
        self.check()
        self.action_measure()

    def action_measure(self) -> None:
        """Hands over, or goes to the first field that is wrong."""
        raise NotImplementedError

    def action_help(self) -> None:
        """What the form is for, and what its fields take."""
        self.app.push_screen(HelpOverlay(f"Help: {self.SUBJECT}", self.HELP, (), self.glyphs is not UNICODE))

    def on_click(self, event: Click) -> None:
        """A click beside the form gives up."""
        if event.widget is self:
            self.dismiss(None)
