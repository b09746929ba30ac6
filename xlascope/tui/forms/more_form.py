"""The form of keys T and +: a target, and switches that have no key of their own, checked as one types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.suggester import Suggester
from textual.widgets import Input, Static

from xlascope.ir.passes import SHIPPED_PASSES
from xlascope.protocol.xla_options import OPTIONS
from xlascope.session.switches import MATMUL_PRECISIONS
from xlascope.tui.forms.field_form import FieldForm, WordField
from xlascope.tui.forms.more_checks import FIELDS, LABELS, Checked, Subject, check, completion, targets_line
from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.text.safe import safe

_FREE_TEXT = ("compiler_options", "name")


class _LastPart(Suggester):
    """Completes what stands behind the last comma, or what else is between the parts."""

    def __init__(self, names: Sequence[str], between: str):
        super().__init__(case_sensitive=True)
        self._names, self._between = names, between

    async def get_suggestion(self, value: str) -> str | None:
        return completion(self._names, value, self._between)


class MoreForm(FieldForm[Checked | None]):
    """Answers the switches to measure; None when it was given up."""

    DEFAULT_CSS = "MoreForm .label { width: 30; }"
    KEYS = "right completes, enter measures, tab: next field, esc gives up, F1: help"
    SUBJECT = "more switches"
    HELP = (
        "A target, and switches that have no key of their own, checked as you type; an empty field changes nothing. "
        "Enter compiles the program with them and measures it beside the baseline.\n\n"
        "target: cpu, gpu or tpu is executed on this machine; others, as tpu:v5e:2x4, are only compiled for, and times "
        "are predicted.\n\n"
        "passes off: names of passes of XLA, with commas between them.\n\n"
        "matmul precision: what JAX's option jax_default_matmul_precision takes.\n\n"
        "donate: places or paths of arguments, with commas between them; w=off takes back what the script donated.\n\n"
        "XLA options: KEY=VALUE, with spaces between them.\n\n"
        "keep them under a name: the run file keeps them, and `xlascope measure RUN --use NAME` uses them.\n\n"
        "Keys: right completes a word, tab or down goes to the next field, shift+tab or up to the one before, enter "
        "measures, esc gives up."
    )

    def __init__(
        self, subject: Subject, texts: Mapping[str, str], first: str = "target",
        rejected: Mapping[str, str] | None = None, glyphs: Glyphs = UNICODE,
    ):
        """``rejected``: by field why a compiler refused what stands there; told until that is changed."""
        super().__init__(glyphs)
        self._subject, self._texts, self._first, self._rejected = subject, texts, first, rejected or {}
        self.checked = check(subject, texts)

    def compose(self) -> ComposeResult:
        """Its widgets, from the top down."""
        passes = tuple(dict.fromkeys([*self._subject.passes, *sorted(SHIPPED_PASSES)]))
        offered = {"target": [f"{platform}:{name}:{device.topology}"
                              for (platform, name), device in self._subject.devices.items()],
                   "passes_off": passes, "matmul_precision": MATMUL_PRECISIONS,
                   "donate": [leaf.name for leaf in self._subject.inputs if leaf.name],
                   "compiler_options": sorted(OPTIONS)}
        with self.frame():
            yield Static(f"More switches of {safe(self._subject.program)}", markup=False)
            for name in FIELDS:
                yield from self.field(LABELS[name], name, (Input if name in _FREE_TEXT else WordField)(
                    self._texts.get(name, ""), id=f"field-{name}", compact=True, select_on_focus=False,
                    suggester=_LastPart(offered[name], " " if name == "compiler_options" else ",")
                    if name in offered else None))
            foot = [*targets_line(self._subject),
                    "gpu, tpu, cpu: executed on this machine; others are only compiled for, and times predicted"]
            yield Static("\n".join(foot), markup=False, id="foot")

    def on_mount(self) -> None:
        """The first field has the keys."""
        self.query_one(f"#field-{self._first}", Input).focus()
        self.check()

    def check(self) -> None:
        """Checks the fields as they stand."""
        texts = {name: self.query_one(f"#field-{name}", Input).value for name in FIELDS}
        self.checked = check(self._subject, texts)
        refused = {name: why for name, why in self._rejected.items() if texts[name] == self._texts.get(name)}
        self.show_problems(FIELDS, self.checked.doubts | refused | self.checked.problems)

    def action_measure(self) -> None:
        """Hands over, or goes to the first field that is wrong."""
        if self.checked.command is not None:
            self.dismiss(self.checked)
            return
        self.query_one(f"#field-{next(iter(self.checked.problems))}", Input).focus()
