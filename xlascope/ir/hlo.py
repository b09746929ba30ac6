"""A module of HLO text: an index of its instructions, whose details are read from the text when asked for."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xlascope.ir.frames import FrameTables
from xlascope.ir.instruction import CALLS, HloInstruction


@dataclass(frozen=True, slots=True)
class Problem:
    """A line (counted from 1) that was not understood, and why. ``brace``: one is missing there, or one too many."""

    line: int
    text: str
    reason: str
    brace: bool = False


class _Instructions(Sequence[HloInstruction]):
    """The instructions of a computation, made when asked for."""

    __slots__ = ("_computation",)

    def __init__(self, computation: HloComputation) -> None:
        self._computation = computation

    def __len__(self) -> int:
        return self._computation.stop - self._computation.start

    def __getitem__(self, item):  # type: ignore[no-untyped-def]
        if isinstance(item, slice):
            return [self[i] for i in range(*item.indices(len(self)))]
        size = len(self)
        if not -size <= item < size:
            raise IndexError(item)
        return self._computation._make(self._computation.start + item % size)

    def __iter__(self) -> Iterator[HloInstruction]:
        make = self._computation._make
        return (make(index) for index in range(self._computation.start, self._computation.stop))


class HloComputation:
    """A computation: instructions ``start`` to ``stop`` (exclusive) of the module, in the order of the text."""

    __slots__ = (
        "_by_name",
        "_made",
        "_users",
        "execution_thread",
        "is_entry",
        "line",
        "module",
        "name",
        "root_index",
        "signature",
        "start",
        "stop",
    )

    def __init__(self, module: HloModule, name: str, is_entry: bool, line: int, start: int, signature: str) -> None:
        self.module = module
        self.name = name
        self.is_entry = is_entry
        self.line = line
        self.start = self.stop = start
        self.signature = signature
        self.root_index: int | None = None
        self.execution_thread: str | None = None
        self._made: dict[int, HloInstruction] = {}
        self._by_name: dict[str, int] | None = None
        self._users: dict[str, list[int]] | None = None

    def __repr__(self) -> str:
        return f"<computation %{self.name}, {self.stop - self.start} instructions>"

    @property
    def instructions(self) -> Sequence[HloInstruction]:
        """Its instructions in the order of the text."""
        return _Instructions(self)

    @property
    def names(self) -> list[str]:
        """Names of its instructions in the order of the text, without %."""
        return self.module._names[self.start : self.stop]

    @property
    def root(self) -> HloInstruction | None:
        """What it returns; None where the text marks nothing so."""
        return None if self.root_index is None else self._make(self.root_index)

    def get(self, name: str) -> HloInstruction | None:
        """The instruction of that name in this computation."""
        if self._by_name is None:
            self._by_name = {key: index for index, key in enumerate(self.names, self.start)}
        index = self._by_name.get(name)
        return None if index is None else self._make(index)

    def users(self, name: str) -> list[HloInstruction]:
        """The instructions of this computation that have ``name`` as an operand, in the order of the text."""
        return [self._make(position) for position in self._users_index().get(name, ())]

    def is_used(self, name: str) -> bool:
        """Has an instruction of this computation ``name`` as an operand?"""
        return name in self._users_index()

    def _users_index(self) -> dict[str, list[int]]:
        if self._users is None:
            index: dict[str, list[int]] = {}
            for instruction in self.instructions:
                for operand in dict.fromkeys(instruction.operands):
                    index.setdefault(operand, []).append(instruction.index)
            self._users = index
        return self._users

    @property
    def parameters(self) -> list[HloInstruction]:
        """Its parameters by number."""
        opcodes = self.module._opcodes
        found = [self._make(i) for i in range(self.start, self.stop) if opcodes[i] == "parameter"]
        return sorted(found, key=lambda parameter: (parameter.parameter_number is None, parameter.parameter_number))

    def _make(self, index: int) -> HloInstruction:
        made = self._made.get(index)
        if made is None:
            made = self._made[index] = HloInstruction(self.module, self, index)
        return made


class HloModule:
    """A parsed module. ``problems`` lists what was not understood; ``text`` is the text it was read from."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.name = ""
        self.header: dict[str, str] = {}
        self.computations: list[HloComputation] = []
        self.entry: HloComputation | None = None
        self.problems: list[Problem] = []
        self.tables = FrameTables()
        self._names: list[str] = []
        self._opcodes: list[str] = []
        self._starts = array("q")
        self._lines = array("l")
        self._computation_starts = array("q")
        self._by_name: dict[str, int] | None = None
        self._computation_index: dict[str, HloComputation] | None = None
        self._callers: dict[str, list[HloInstruction]] | None = None
        # Numbers of whole computations by (what, name): one that is called from many places is counted once.
        self.counted: dict[tuple[str, str], int | None] = {}

    def __repr__(self) -> str:
        return f"<module {self.name}, {len(self.computations)} computations, {len(self)} instructions>"

    def __len__(self) -> int:
        """Number of instructions."""
        return len(self._names)

    @property
    def names(self) -> list[str]:
        """All instruction names, in the order of the text."""
        return list(self._names)

    def opcode_counts(self) -> dict[str, int]:
        """How many instructions there are of each opcode."""
        return dict(Counter(self._opcodes))

    def instructions(self) -> Iterator[HloInstruction]:
        """All instructions, computation by computation in the order of the text."""
        for computation in self.computations:
            yield from computation.instructions

    def of_opcode(self, *opcodes: str) -> list[HloInstruction]:
        """The instructions of some opcodes, in the order of the text."""
        wanted = frozenset(opcodes)
        return [self.at(index) for index, opcode in enumerate(self._opcodes) if opcode in wanted]

    def computation(self, name: str) -> HloComputation | None:
        """The computation of that name (without %)."""
        if self._computation_index is None:
            self._computation_index = {found.name: found for found in self.computations}
        return self._computation_index.get(name)

    def get(self, name: str) -> HloInstruction | None:
        """The first instruction of that name (without %)."""
        if self._by_name is None:
            index: dict[str, int] = {}
            for position, key in enumerate(self._names):
                index.setdefault(key, position)
            self._by_name = index
        position_found = self._by_name.get(name)
        return None if position_found is None else self.at(position_found)

    def at(self, index: int) -> HloInstruction:
        """The instruction at a position of the module."""
        # Empty computations share their start with the next one, which bisect_right finds.
        return self.computations[bisect_right(self._computation_starts, index) - 1]._make(index)

    def names_at(self, index: int) -> str:
        """The name of the instruction at a position of the module."""
        return self._names[index]

    def text_between(self, start: int, stop: int) -> str:
        """The text from one instruction's line up to another's (exclusive)."""
        if start >= stop:
            return ""
        return self.text[self._starts[start] : self._starts[stop] if stop < len(self._starts) else len(self.text)]

    def calling(self) -> list[int]:
        """Positions of the instructions that may call a computation, in the order of the text."""
        found = [bisect_right(self._starts, match.start()) - 1 for match in CALLS.finditer(self.text)]
        return [index for index in dict.fromkeys(found) if index >= 0]

    def at_line(self, line: int) -> HloInstruction | None:
        """The instruction on a line of the text, from 1."""
        index = bisect_right(self._lines, line) - 1
        return self.at(index) if index >= 0 and self._lines[index] == line else None

    def callers(self, computation: str) -> list[HloInstruction]:
        """The instructions that call a computation, in the order of the text."""
        if self._callers is None:
            self._callers = self._index_callers()
        return self._callers.get(computation, [])

    def _index_callers(self) -> dict[str, list[HloInstruction]]:
        found: dict[str, list[HloInstruction]] = {}
        seen = -1
        for match in CALLS.finditer(self.text):
            index = bisect_right(self._starts, match.start()) - 1
            if index <= seen:
                continue
            seen = index
            instruction = self.at(index)
            for names in instruction.called.values():
                for name in names:
                    callers = found.setdefault(name, [])
                    if not callers or callers[-1] is not instruction:
                        callers.append(instruction)
        return found
