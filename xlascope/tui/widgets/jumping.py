"""The part of a text pane that follows operands and users, and finds the way back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.message import Message

if TYPE_CHECKING:
    from xlascope.tui.widgets.text_pane import TextPane

_LONGEST_WAY = 200
_NONE = {"used": "no operand of this line is defined in this text", "users": "nothing in this text uses this line"}
_WORD = {"used": "operand", "users": "user"}


class Followed(Message):
    """Where the operands (`used`) or users (`users`) of a line are; `lines` is empty when there are none."""

    def __init__(self, pane: TextPane, kind: str, origin: int, lines: list[int]):
        super().__init__()
        self.pane, self.kind, self.origin, self.lines = pane, kind, origin, lines


class Jumping:
    """Keeps the rows that were left by a jump, and the other ends of the last one."""

    def __init__(self) -> None:
        self._way: list[int] = []
        self._ends: tuple[str, list[int], int] | None = None

    @property
    def _jumper(self) -> TextPane:
        return cast("TextPane", self)

    def forget_way(self) -> None:
        """Another text is shown."""
        self._way, self._ends = [], None

    def action_follow(self, kind: str) -> None:
        """To the definition of the first operand (`used`) or to the first user (`users`) of the cursor's line."""
        pane = self._jumper
        if pane.cursor < 0 or not len(pane.source):
            return
        job = partial(self._look, pane.source, kind, pane.cursor)
        pane.run_worker(job, group="follow", exclusive=True, thread=True, exit_on_error=False)

    def _look(self, source, kind: str, row: int) -> None:  # type: ignore[no-untyped-def]
        from xlascope.tui.text.following import following

        pane = self._jumper
        links = following(source, pane.folds, pane.language)
        lines = getattr(links, kind)(row) if links is not None else []
        pane.post_message(Followed(pane, kind, row, lines))

    def on_followed(self, message: Followed) -> None:
        """To where the reference leads, if the cursor has not moved meanwhile."""
        pane = self._jumper
        if message.pane is not pane or pane.cursor != message.origin:
            return
        if not message.lines:
            pane.app.notify(_NONE[message.kind], timeout=2)
            return
        self._way = [*self._way[-_LONGEST_WAY:], message.origin]
        self._go(message.kind, message.lines, 0)

    def action_sibling(self) -> None:
        """To the next operand or user instead of the one that the last jump led to."""
        if self._ends is None or self._ends[1][self._ends[2]] != self._jumper.cursor:
            self._jumper.app.notify("d goes to an operand, u to a user; then s to the next one", timeout=3)
            return
        kind, lines, at = self._ends
        self._go(kind, lines, (at + 1) % len(lines))

    def _go(self, kind: str, lines: list[int], at: int) -> None:
        pane = self._jumper
        self._ends = kind, lines, at
        pane.go_to(lines[at], centre=True)
        pane.set_note(f"{_WORD[kind]} {at + 1} of {len(lines)}")

    def action_jump_back(self) -> None:
        """To the row that the last jump left."""
        pane = self._jumper
        if self._way:
            pane.go_to(self._way.pop(), centre=True)
            self._ends = None
            pane.set_note("")
