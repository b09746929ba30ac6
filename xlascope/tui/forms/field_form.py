"""What the forms of switches have in common: fields with a label and a line for what is wrong, checked as one types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.events import Click
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static

from xlascope.tui.text.safe import safe

Answer = TypeVar("Answer")


class FieldForm(ModalScreen[Answer]):
    """A form in a frame. A subclass composes a `Vertical` with `field`s and answers `action_measure` and `check`."""

    DEFAULT_CSS = """
    FieldForm { align: center middle; }
    FieldForm > Vertical {
        width: 100; max-width: 100%; height: auto; max-height: 95%; padding: 0 1;
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
        Binding("enter", "measure", "Measure", priority=True),
        Binding("down", "app.focus_next", "Next field", show=False),
        Binding("up", "app.focus_previous", "Field before", show=False),
    ]

    def check(self) -> None:
        """Reads the fields and shows what is wrong with them; called after each key."""
        raise NotImplementedError

    @staticmethod
    def field(label: str, name: object, widget: Widget) -> ComposeResult:
        """A label, what is typed into or chosen from, and below it the line for the problem of that name."""
        with Horizontal():
            yield Static(label, markup=False, classes="label")
            yield widget
        yield Static(markup=False, classes="problem", id=f"problem-{name}")

    def show_problems(self, names: Iterable[object], problems: Mapping[Any, str]) -> None:
        """Below each of the fields `names` what is wrong with it, or nothing."""
        for name in names:
            line = self.query_one(f"#problem-{name}", Static)
            line.update(safe(problems.get(name, "")))
            line.display = name in problems

    def on_input_changed(self, event: Input.Changed) -> None:
        """Another text in a field."""
        event.stop()
        self.check()

    def on_click(self, event: Click) -> None:
        """A click beside the form gives up."""
        if event.widget is self:
            self.dismiss(None)
