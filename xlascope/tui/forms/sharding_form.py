"""The form of key S: a mesh, a plan, and a spec for each argument, checked as one types."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.events import DescendantFocus, Key, Resize
from textual.geometry import Size
from textual.message import Message
from textual.widgets import Input, Static

from xlascope.protocol.specs import spec_text
from xlascope.tui.forms.field_form import FieldForm, WordField
from xlascope.tui.forms.sharding_checks import CHOICES, MOST_FIELDS, Checked, Draft, Subject, check, drawn, label
from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.text.safe import safe

_STEPS = {"right": 1, "l": 1, "space": 1, "left": -1, "h": -1}
_LABELS, _FIELDS = 32, 26
"""Cells that the column of labels has at least, and that it leaves to the fields."""
_WIDTH, _AROUND = 100, 6
"""Cells of the form at least, where they are there; those of its frame, padding and scrollbars."""
_ROWS, _OTHER_ROWS = 12, 24
"""Rows of arguments in sight at least; those that picture, foot and the rest may take."""


class PlanChoice(Static, can_focus=True):
    """One of several words, turned by the arrow keys, space or a click."""

    class Turned(Message):
        """Another plan was chosen."""

    def __init__(self, value: str):
        super().__init__(markup=False, id="plan")
        self.value = value if value in CHOICES else CHOICES[0]

    def on_mount(self) -> None:
        """Shows the first choice."""
        self._draw()

    def _turn(self, step: int) -> None:
        """To another word, around the end."""
        self.value = CHOICES[(CHOICES.index(self.value) + step) % len(CHOICES)]
        self._draw()
        self.post_message(self.Turned())

    def on_key(self, event: Key) -> None:
        """Turned by the arrow keys, also where the focus has gone on before the key was looked at: no binding."""
        step = _STEPS.get(event.key)
        if step is not None:
            event.stop()
            self._turn(step)

    def on_click(self) -> None:
        """To the next word."""
        self.focus()
        self._turn(1)

    def _draw(self) -> None:
        self.update("".join(f"[{each}]" if each == self.value else f" {each} " for each in CHOICES))


class ShardingForm(FieldForm[tuple[dict[str, Any], ...] | None]):
    """Answers the switches to measure, one set or for `auto` several; None when it was given up."""

    DEFAULT_CSS = """
    ShardingForm PlanChoice:focus { background: $primary 40%; }
    ShardingForm #arguments { height: auto; }
    ShardingForm #picture { margin: 1 0 0 0; }
    """

    SUBJECT = "sharding"
    HELP = (
        "A mesh of simulated CPU devices, a plan, and a spec for each argument, checked as you type. Enter compiles "
        "the program for that mesh and measures it beside the baseline.\n\n"
        "mesh: 8 is eight devices on one axis x; 4x2 has the axes x and y; data=4,model=2 has axes with names of your "
        "own.\n\n"
        "plan:\n"
        "  replicate  every argument whole on each device\n"
        "  batch      the batch split on its first dimension, all else whole\n"
        "  fsdp       as batch, and each parameter split on one dimension\n"
        "  as-script  as the script had it, where it ran on several devices\n"
        "  auto       replicate, batch and fsdp, each measured, then ranked\n\n"
        "spec: for each dimension the mesh axis that splits it, or - where it stays whole: x,- splits the first of two "
        "over x, and x+y splits one dimension over both axes. An empty field lies as the plan says. A path that is too "
        "long shows its end; the picture below names the argument in full.\n\n"
        "Keys: tab or down goes to the next field, shift+tab or up to the one before, left and right choose a plan, "
        "enter measures, esc gives up."
    )

    def __init__(self, subject: Subject, draft: Draft, glyphs: Glyphs = UNICODE):
        super().__init__(glyphs)
        self._subject, self._first = subject, draft
        self.checked = check(subject, draft)
        self._at = self._split_first(self.checked)

    def compose(self) -> ComposeResult:
        """Its widgets, from the top down."""
        inputs = self._subject.inputs
        with self.frame():
            yield Static(f"Sharding of {safe(self._subject.program)} on simulated CPU devices", markup=False)
            yield from self.field("mesh: 8, 4x2, or x=4,y=2", "mesh", WordField(
                self._first.mesh, id="mesh", compact=True, select_on_focus=False))
            yield from self.field("plan (left, right)", "plan", PlanChoice(self._first.plan))
            with VerticalScroll(id="arguments", can_focus=False):
                for index in range(len(inputs[:MOST_FIELDS])):
                    yield from self.field("", index, WordField(
                        self._first.specs.get(index, ""), id=f"spec-{index}", compact=True, select_on_focus=False))
            if len(inputs) > MOST_FIELDS:
                yield Static(f"{len(inputs) - MOST_FIELDS} more arguments lie as the plan says; "
                             "`xlascope measure --shard` takes a spec for any", markup=False)
            yield Static(markup=False, id="picture")
            yield Static(markup=False, id="foot")

    def on_mount(self) -> None:
        """The field of the mesh has the keys."""
        self._fit(self.app.size)
        self.query_one("#mesh", Input).focus()
        self.check()

    def on_resize(self, event: Resize) -> None:
        """Another size of the terminal."""
        self._fit(event.size)

    def _fit(self, size: Size) -> None:
        """As wide as paths and shapes need and the screen allows; what is too long still shows its end."""
        shown = self._subject.inputs[:MOST_FIELDS]
        wholes = [cell_len(label(index, leaf, None, self.glyphs)) for index, leaf in enumerate(shown)]
        wanted = max(wholes, default=0) + 1
        width = min(max(_WIDTH, wanted + _FIELDS + _AROUND), size.width)
        column = max(min(wanted, width - _AROUND - _FIELDS), _LABELS)
        self.query_one(Vertical).styles.width = width
        self.query_one("#arguments").styles.max_height = max(_ROWS, size.height - _OTHER_ROWS)
        for index, leaf in enumerate(shown):
            self.query_one(f"#label-{index}", Static).update(label(index, leaf, column - 1, self.glyphs))
        for each in self.query(".label"):
            each.styles.width = column

    @property
    def draft(self) -> Draft:
        """The fields as they stand."""
        shown = min(len(self._subject.inputs), MOST_FIELDS)
        typed = {index: self.query_one(f"#spec-{index}", Input).value for index in range(shown)}
        specs = {index: text for index, text in typed.items() if text.strip()}
        return Draft(self.query_one("#mesh", Input).value, self.query_one(PlanChoice).value, specs)

    def on_plan_choice_turned(self) -> None:
        """Another plan."""
        self.check()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """The picture is of the argument that one is at."""
        name = event.widget.id or ""
        if name.startswith("spec-"):
            self._at = int(name.removeprefix("spec-"))
            self._draw_picture()

    def check(self) -> None:
        """Checks the fields as they stand, and draws where the arguments would lie."""
        self.checked = checked = check(self._subject, self.draft)
        shown = min(len(self._subject.inputs), MOST_FIELDS)
        self.show_problems(("mesh", "plan", *range(shown)), checked.problems)
        for index in range(shown):
            spec = checked.specs[index]
            hint = "as the plan says" if spec is None else f"{spec_text(spec) or 'a scalar'} (by the plan)"
            self.query_one(f"#spec-{index}", Input).placeholder = hint
        if not ((self.focused and self.focused.id) or "").startswith("spec-"):
            self._at = self._split_first(checked)
        self._draw_picture()
        foot = "; ".join(checked.remarks) if checked.commands else "a field says what is wrong"
        self.query_one("#foot", Static).update(safe(foot))

    def _draw_picture(self) -> None:
        lines = drawn(self._subject, self.checked, self._at, self.glyphs is not UNICODE)
        self.query_one("#picture", Static).update("\n".join(map(safe, lines)))

    @staticmethod
    def _split_first(checked: Checked) -> int:
        return next((index for index, spec in enumerate(checked.specs) if spec and any(spec)), 0)

    def action_measure(self) -> None:
        """Hands over, or goes to the first field that is wrong."""
        if self.checked.commands:
            self.dismiss(self.checked.commands)
            return
        for name in self.checked.problems:
            field = f"#{name}" if isinstance(name, str) else f"#spec-{name}"
            self.query_one(field).focus()
            return
