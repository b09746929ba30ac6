"""The lines around the panes: how the run stands, its phases, the switches, their effects, the explanation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from xlascope.tui.glyphs import UNICODE, Glyphs
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


class SwitchBar(PartLine):
    """The switches with their keys, then what is known of the baseline."""

    def show(self, switches: Sequence[Switch], baseline: str = "") -> None:
        """Draws the switches; one that was touched is marked by a star and the accent."""
        parts = []
        for switch in switches:
            value = f"*{switch.value}" if switch.touched else switch.value
            role = "accent" if switch.touched else "text"
            parts.append(Part(f" {switch.key}", "key", switch.action, switch.tooltip, 8))
            parts.append(Part(f" {switch.name} ", "dim", switch.action, switch.tooltip, 6))
            parts.append(Part(f"{value} ", role, switch.action, switch.tooltip, 8))
        if baseline:
            parts.append(Part(f"{self.glyphs.separator} {baseline}", "dim", rank=3))
        self.set_parts(parts)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a variant did: its name, a verdict as words, the numbers; or how far its measurement is.

    `verdict` is `faster`, `slower`, `same`, `unclear`, `failed` or None while it is measured; `progress` between
    0 and 1, None when nobody can say.
    """

    variant: str
    text: str
    verdict: str | None = None
    measuring: bool = False
    progress: float | None = None
    explain: str | None = None


_VERDICTS = {"faster": "good", "slower": "bad", "same": "text", "unclear": "warn", "failed": "bad"}


class EffectLine(PartLine):
    """The newest effects side by side, measurements under way with a gauge; why one failed over two lines."""

    def __init__(self, *, id: str | None = None, classes: str | None = None, glyphs: Glyphs = UNICODE):
        super().__init__(id=id, classes=classes, glyphs=glyphs, lines=2)
        self.styles.height = 1
        self._effects: Sequence[Effect] = ()

    def show(self, effects: Sequence[Effect]) -> None:
        """Draws effects, the newest first."""
        self._effects = effects
        first = effects[0] if effects else None
        if first is not None and first.verdict == "failed":
            self._show_failure(first)
        else:
            self._take(self._parts(effects), [])

    def on_resize(self) -> None:
        """Places the effects for another width."""
        self.show(self._effects)

    def _show_failure(self, effect: Effect) -> None:
        """All of it where two lines hold it; else its end is one key away."""
        named = Part(f" {effect.variant}  ", "accent", effect.explain, None, 9)
        width = max(self.size.width, 20)
        first, rest = _broken(effect.text, width - cell_len(named.text))
        tip = "the whole of it (=)"
        more: list[Part] = []
        if cell_len(rest) > width - 3:
            rest, more = set_cell_size(rest, width - 14).rstrip() + self.glyphs.ellipsis, [
                Part(" = all", "key", effect.explain, tip, 9)
            ]  # fmt: skip
        below = [Part(f"   {rest}", "bad", effect.explain, tip, 9), *more] if rest else []
        self._take([named, Part(first, "bad", effect.explain, tip, 9)], below)

    def _take(self, first: list[Part], second: list[Part]) -> None:
        self.set_parts(first)
        self.set_parts(second, 1)
        height = 2 if second else 1
        if self.styles.height is None or self.styles.height.value != height:
            self.styles.height = height

    def _parts(self, effects: Sequence[Effect]) -> list[Part]:
        parts: list[Part] = []
        for number, effect in enumerate(effects):
            rank = max(9 - number, 1)
            if number:
                parts.append(Part(f" {self.glyphs.separator}", "dim", rank=rank))
            parts.append(Part(f" {effect.variant}  ", "accent", effect.explain, None, rank))
            role = _VERDICTS.get(effect.verdict or "", "text")
            parts += [Part(text, role, click or effect.explain, tip, rank) for text, click, tip in _linked(effect)]
            if effect.measuring:
                gauge = self.glyphs.gauge(effect.progress, 12) if effect.progress is not None else ""
                parts.append(Part(f" {gauge} esc cancels", "dim", "back", "stop this measurement", rank))
        return parts


_COLLECTIVES = re.compile(r"(\d+ collectives?)")


def _linked(effect: Effect) -> list[tuple[str, str | None, str]]:
    """The text of an effect in pieces, with what a click on each leads to."""
    pieces: list[tuple[str, str | None, str]] = []
    for text in _COLLECTIVES.split(effect.text):
        if _COLLECTIVES.fullmatch(text):
            pieces.append((text, f"view('collectives', {effect.variant!r})", "what the devices exchange"))
        elif text:
            pieces.append((text, None, "what was measured, and how"))
    return pieces


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
        first, rest = _broken(self._said, max(self.size.width - cell_len(named[0].text), 20))
        self.set_parts([*named, Part(first, rank=9)])
        self.set_parts([Part(f"   {rest}" if rest else "", rank=9)], 1)


def _broken(text: str, width: int) -> tuple[str, str]:
    """A text in two at the last space that fits `width` cells."""
    if cell_len(text) <= width:
        return text, ""
    cut = set_cell_size(text, width).rstrip()
    at = cut.rfind(" ")
    return (text[:at], text[at + 1 :]) if at > width // 2 else (cut, text[len(cut) :].lstrip())
