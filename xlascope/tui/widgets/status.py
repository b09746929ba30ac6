"""The lines around the panes: how the run stands, its phases, the switches, the explanation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.text.breaking import broken
from xlascope.tui.text.numbers import clock
from xlascope.tui.widgets.part_line import Part, PartLine


@dataclass(frozen=True, slots=True)
class HeaderState:
    """What the first line tells.

    `state` is `starting`, `opening`, `running`, `ended`, `killed`, `crashed` or `file`; `elapsed` seconds; `facts` are
    short texts (devices, version, size of the recording), the most telling first; `exit_text` such as `exit 0`.
    """

    script: str
    state: str = "starting"
    elapsed: float | None = None
    facts: tuple[str, ...] = ()
    exit_text: str = ""


_STATES = {
    "starting": ("warn", "STARTING"),
    "opening": ("text", "OPENING"),
    "running": ("good", "RUNNING"),
    "ended": ("text", "ENDED"),
    "killed": ("bad", "KILLED"),
    "crashed": ("bad", "CRASHED"),
    "file": ("text", "FILE"),
}


class StatusHeader(PartLine):
    """Program, script, state and clock, then facts as far as the width goes."""

    def show(self, state: HeaderState) -> None:
        """Draws a state."""
        role, word = _STATES.get(state.state, ("text", state.state.upper()))
        live = state.state in ("starting", "running")
        sign = self.glyphs.running if live else self.glyphs.ended
        parts = [
            Part(" xlascope ", "title", rank=9),
            Part(f" {state.script} ", "accent", rank=10),
            Part(f"  {sign} {word}", role, "run_facts", "the run: phases, what was lost", 11),
        ]
        if state.exit_text:
            parts.append(Part(f" {state.exit_text}", role, rank=10))
        if state.elapsed is not None:
            parts.append(Part(f" {clock(state.elapsed)}", "text", rank=8))
        for number, fact in enumerate(state.facts):
            role = "warn" if fact.startswith("!") else "dim"
            click, tip = "run_facts", "the run: phases, what was lost"
            if " device" in fact:
                click, tip = "view('devices')", "busy, collective and idle time of each device"
            parts.append(Part(f"   {fact}", role, click, tip, max(7 - number, 1)))
        self.set_parts(parts)


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch of the bar: its key, its word, what it stands on, whether that differs from the baseline."""

    key: str
    name: str
    value: str
    touched: bool = False
    action: str | None = None
    tooltip: str = ""
    coming: str = ""
    """What it was turned to, while that is measured and the panes show `value`."""


class SwitchBar(PartLine):
    """The switches as what the panes show was made, with their keys, then what is known of the baseline."""

    def show(self, switches: Sequence[Switch], baseline: str = "") -> None:
        """Draws the switches; one that was touched is marked by a star and the accent.

        Where there is no room for all, words go first, then values as the script had them, then what was turned; a
        key stays with what it is turned to.
        """
        parts = []
        for switch in switches:
            value = f"*{switch.value}" if switch.touched else switch.value
            role = "accent" if switch.touched else "text"
            parts.append(Part(f" {switch.key} ", "key", switch.action, switch.tooltip, 9))
            parts.append(Part(f"{switch.name} ", "dim", switch.action, switch.tooltip, 5))
            if switch.coming:
                parts.append(Part(value, role, switch.action, switch.tooltip, 7))
                told = f"{self.glyphs.arrow}{switch.coming} "
                parts.append(Part(told, "warn", switch.action, "turned: shown when it was measured", 9))
            else:
                parts.append(Part(f"{value} ", role, switch.action, switch.tooltip, 8 if switch.touched else 6))
        if baseline:
            parts.append(Part(f"{self.glyphs.separator} {baseline}", "dim", rank=3))
        self.set_parts(parts)


class ExplainLine(PartLine):
    """A sentence about what the cursor is on, over two lines where it needs them."""

    def __init__(self, *, id: str | None = None, classes: str | None = None, glyphs: Glyphs = UNICODE):
        super().__init__(id=id, classes=classes, glyphs=glyphs, lines=2)
        self._subject, self._said = "", ""

    @property
    def said(self) -> str:
        """The whole sentence with its subject, however much of it there is room for."""
        return f"{self._subject}  {self._said}" if self._subject else self._said

    def show(self, text: str, subject: str = "") -> None:
        """Draws `subject` in bold, then the sentence."""
        self._subject, self._said = subject, text
        self._lay()

    def on_resize(self) -> None:
        """Lays the sentence out for another width."""
        self._lay()

    def _lay(self) -> None:
        named = [Part(f" {self._subject}  ", "op", rank=9)] if self._subject else [Part(" ", rank=9)]
        first, rest = broken(self._said, max(self.size.width - cell_len(named[0].text), 20))
        self.set_parts([*named, Part(first, rank=9)])
        self.set_parts([Part(f"   {rest}" if rest else "", rank=9)], 1)
