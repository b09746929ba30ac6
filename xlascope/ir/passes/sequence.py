"""The passes of one compile in their order: what each changed, how long it took, which repeated each other."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby

from xlascope.ir.passes.diff import Difference, compare
from xlascope.ir.passes.durations import Event, match_durations
from xlascope.ir.passes.form import Texts
from xlascope.ir.passes.names import START, Step
from xlascope.ir.passes.tagged import TaggedLines

_DIFFERENCES = 16
"""Of the passes that were compared last; the equations of a line are asked for one after the other."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The module after a step; ``text`` numbers its text."""

    step: Step
    text: int


@dataclass(frozen=True, slots=True)
class Pass:
    """One snapshot against the one before. ``added`` and ``removed``: how many more and fewer of an opcode there are.

    ``changed``: whether the instructions are other ones, names, numbering and metadata left aside. ``duration_ns``: of
    the pass itself, the snapshot's writing not included; None where it was not measured. ``group``: the fix-point loop
    it ran in, None outside of one; ``turn`` counts that loop's turns from 1.
    """

    index: int
    pipeline: str
    name: str
    before: str
    changed: bool
    instructions: int
    added: Mapping[str, int]
    removed: Mapping[str, int]
    duration_ns: int | None = None
    group: str | None = None
    turn: int | None = None


class PassSequence:
    """The snapshots of one compile. ``tagged``: whether instructions name the equations they come from."""

    def __init__(
        self, snapshots: Sequence[Snapshot], texts: Texts, events: Sequence[Event] = (), tagged: bool = False
    ) -> None:
        self.snapshots = tuple(snapshots)
        self.texts = texts
        self.tagged = tagged
        self._events = events
        self._passes: tuple[Pass, ...] | None = None
        self._lines: TaggedLines | None = None
        self._differences: OrderedDict[tuple[int, int], Difference] = OrderedDict()
        self._lock = threading.Lock()
        self._positions = {each.step.index: at for at, each in enumerate(self.snapshots)}

    def position(self, index: int) -> int | None:
        """The place in the order of the snapshot with a number."""
        return self._positions.get(index)

    def tagged_lines(self, known: Collection[str] | None) -> TaggedLines:
        """Which lines come from which equation; ``known``: all equations there are."""
        lines = self._lines
        if lines is None or lines.known != known:
            lines = self._lines = TaggedLines(self.texts, known)
        return lines

    def difference(self, place: int) -> Difference:
        """What the pass before the snapshot at a place, counted from 0 and not the first, did."""
        key = self.snapshots[place - 1].text, self.snapshots[place].text
        with self._lock:
            found = self._differences.get(key)
        if found is None:
            found = compare(self.texts, *key)
        with self._lock:
            self._differences[key] = found
            self._differences.move_to_end(key)
            while len(self._differences) > _DIFFERENCES:
                self._differences.popitem(last=False)
        return found

    @property
    def passes(self) -> tuple[Pass, ...]:
        """All steps, those that changed nothing too."""
        if self._passes is None:
            self._passes = tuple(self._compare())
        return self._passes

    def _compare(self) -> list[Pass]:
        steps = [each.step for each in self.snapshots]
        durations = match_durations(steps, self._events)
        groups = find_groups(steps)
        found = []
        counts = {number: self.texts.opcodes(number) for number in {each.text for each in self.snapshots}}
        before: Snapshot | None = None
        for at, snapshot in enumerate(self.snapshots):
            now = counts[snapshot.text]
            then = counts[before.text] if before is not None else now
            changed = before is not None and self._differ(before.text, snapshot.text, then != now)
            step, (group, turn) = snapshot.step, groups[at]
            found.append(
                Pass(
                    step.index, step.pipeline, step.name, step.before, changed, now.total(),
                    dict(sorted((now - then).items())), dict(sorted((then - now).items())), durations[at], group, turn,
                )
            )  # fmt: skip
            before = snapshot
        return found

    def _differ(self, a: int, b: int, counts: bool) -> bool:
        return a != b and (counts or self.texts.form(a).whole != self.texts.form(b).whole)


def find_groups(steps: Sequence[Step]) -> list[tuple[str | None, int | None]]:
    """For each step the fix-point loop it is in and its turn: a pipeline that starts again right where it ended."""
    found: list[tuple[str | None, int | None]] = []
    for pipeline, run in groupby(steps, key=lambda step: step.pipeline):
        own = list(run)
        turns = list(accumulate(int(step.name == START) for step in own))
        repeats = bool(pipeline) and turns[-1] > 1
        found += [(f"{pipeline}@{own[0].index}", max(turn, 1)) if repeats else (None, None) for turn in turns]
    return found
