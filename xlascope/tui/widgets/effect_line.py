"""The line of effects: what each measured variant did, and how far those are that are being measured."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.text.breaking import broken
from xlascope.tui.widgets.part_line import Part, PartLine


@dataclass(frozen=True, slots=True)
class Effect:
    """What a variant did: its name, a verdict as words, the numbers; or how far its measurement is.

    `verdict` is `faster`, `slower`, `same`, `unclear`, `failed` or None while it is measured; `progress` between
    0 and 1, None when nobody can say; `brief`: the text in the fewest words, empty where that is all of it.
    `cancels`: whether the key for backing out gives it up; `until`: what the panes show before it is done.
    """

    variant: str
    text: str
    verdict: str | None = None
    measuring: bool = False
    progress: float | None = None
    explain: str | None = None
    brief: str = ""
    cancels: bool = True
    until: str = ""


_LINES = 3
_CANCELS = " esc cancels"
_LEAST_NAME = 16
_VERDICTS = {"faster": "good", "slower": "bad", "same": "text", "unclear": "warn", "failed": "bad"}


class EffectLine(PartLine):
    """The first effect in full, the others beside it as far as they fit, in few words if need be; then how many more.

    What is too long by itself takes a second line, and why one failed up to three.
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None, glyphs: Glyphs = UNICODE):
        super().__init__(id=id, classes=classes, glyphs=glyphs, lines=_LINES)
        self.styles.height = 1
        self._effects: Sequence[Effect] = ()

    def show(self, effects: Sequence[Effect]) -> None:
        """Draws effects, the one that matters most first."""
        self._effects = effects
        first = effects[0] if effects else None
        if first is None:
            self._take([], [])
        elif first.verdict == "failed":
            self._show_failure(first)
        else:
            self._take(*self._lay(first, effects[1:]))

    def on_resize(self) -> None:
        """Places the effects for another width."""
        self.show(self._effects)

    @property
    def _width(self) -> int:
        return max(self.size.width, 20)

    def _lay(self, first: Effect, others: Sequence[Effect]) -> tuple[list[Part], list[Part]]:
        head, whole = self._parts(first), [part for each in others for part in self._beside(each, False)]
        if _cells(head) + _cells(whole) <= self._width:
            return head + whole, []
        left = self._width - _cells(head)
        if left >= _cells(self._rest(len(others))):
            return head + self._fitting(others, left), []
        if first.measuring:
            return head, []  # its text changes all the time: a second line would come and go
        above, below = self._broken(first)
        others_below = self._fitting(others, self._width - _cells(below))
        return above, below + others_below if below else [Part("  "), *others_below[1:]]

    def _fitting(self, others: Sequence[Effect], width: int) -> list[Part]:
        """As many of the others, in few words, as `width` holds, then how many more there are."""
        for number in range(len(others), 0, -1):
            parts = [part for each in others[:number] for part in self._beside(each, True)]
            parts += self._rest(len(others) - number)
            if _cells(parts) <= width:
                return parts
        return self._rest(len(others))

    def _rest(self, number: int) -> list[Part]:
        """How many are not told, and the key of the view that has them all."""
        if not number:
            return []
        click, tip = "view('variants')", "all that was measured: V, variants"
        return [Part(f" {self.glyphs.separator} ", "dim", rank=9), Part(f"+{number} ", "accent", click, tip, 9),
                Part("V", "key", click, tip, 9), Part(" variants", "dim", click, tip, 9)]  # fmt: skip

    def _beside(self, effect: Effect, brief: bool) -> list[Part]:
        return [Part(f" {self.glyphs.separator}", "dim", rank=9), *self._parts(effect, brief)]

    def _parts(self, effect: Effect, brief: bool = False) -> list[Part]:
        named = Part(f" {self._short_name(effect)}  ", "accent", effect.explain, effect.variant, 9)
        role = _VERDICTS.get(effect.verdict or "", "text")
        if brief and effect.brief:
            return [named, Part(effect.brief, role, effect.explain, effect.text, 9)]
        parts = [named, *(Part(text, role, click or effect.explain, tip, 9) for text, click, tip in _linked(effect))]
        if effect.measuring:
            tip = "stop this measurement"
            gauge = self.glyphs.gauge(effect.progress, 12) if effect.progress is not None else ""
            parts.append(Part(f" {gauge}", "dim", "back", tip, 5))
            if effect.cancels:
                parts.append(Part(_CANCELS, "dim", "back", tip, 8))
            if effect.until and not brief:
                parts.append(Part(f"  till then the panes show it {effect.until}", "dim", rank=4))
        return parts

    def _short_name(self, effect: Effect) -> str:
        """The variant's name; while it is measured, cut where how far it is would have no room beside it."""
        cancels = cell_len(_CANCELS) if effect.cancels else 0
        room = max(self._width - 3 - cell_len(effect.text) - cancels, _LEAST_NAME)
        if not effect.measuring or cell_len(effect.variant) <= room:
            return effect.variant
        return set_cell_size(effect.variant, room - 1) + self.glyphs.ellipsis

    def _broken(self, effect: Effect) -> tuple[list[Part], list[Part]]:
        """One that is wider than the line, over two."""
        above: list[Part] = []
        below: list[Part] = []
        for part in self._parts(effect):
            left = self._width - _cells(above)
            if below or cell_len(part.text) <= left:
                (below or above).append(part)
                continue
            # Between two of its facts, where one ends before the edge.
            at = set_cell_size(part.text, max(left, 0)).rfind("  ")
            between = at > 0 or (at == 0 and above)
            head, rest = (part.text[:at], part.text[at:]) if between else broken(part.text, left)
            above.append(Part(head, part.role, part.click, part.tooltip, 9))
            below.append(Part(f"   {rest.lstrip()}", part.role, part.click, part.tooltip, 9))
        return above, below

    def _show_failure(self, effect: Effect) -> None:
        """All of it where three lines hold it; else its end is one key away."""
        named = Part(f" {effect.variant}  ", "accent", effect.explain, None, 9)
        first, rest = broken(effect.text, self._width - cell_len(named.text))
        tip = "the whole of it (=)"
        lines = [[named, Part(first, "bad", effect.explain, tip, 9)]]
        while rest and len(lines) < _LINES:
            own, rest = broken(rest, self._width - 3)
            lines.append([Part(f"   {own}", "bad", effect.explain, tip, 9)])
        if rest:
            own = set_cell_size(lines[-1][0].text, self._width - 11).rstrip() + self.glyphs.ellipsis
            lines[-1] = [Part(own, "bad", effect.explain, tip, 9), Part(" = all", "key", effect.explain, tip, 9)]
        self._take(*lines)

    def _take(self, *lines: list[Part]) -> None:
        held = [line for line in lines if line]
        for number in range(_LINES):
            self.set_parts(held[number] if number < len(held) else [], number)
        height = max(len(held), 1)
        if self.styles.height is None or self.styles.height.value != height:
            self.styles.height = height


def _cells(parts: Sequence[Part]) -> int:
    return sum(cell_len(part.text) for part in parts)


_COLLECTIVES = re.compile(r"(\d+ collectives?)")


def _linked(effect: Effect) -> Iterator[tuple[str, str | None, str]]:
    """The text of an effect in pieces, with what a click on each leads to."""
    for text in _COLLECTIVES.split(effect.text):
        if _COLLECTIVES.fullmatch(text):
            yield text, f"view('collectives', {effect.variant!r})", "what the devices exchange"
        elif text:
            yield text, None, "what was measured, and how"
