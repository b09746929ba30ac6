"""A module of HLO text: an index of its instructions, whose details are read from the text when asked for."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from xlascope.ir.frames import FrameTables
from xlascope.ir.instruction import HloInstruction
from xlascope.ir.scan import operands_end, unquote

# As an instruction looks for its own, but found by the letters it begins with: several times faster in a large text.
_OP_NAME = re.compile(r'op_name="((?:[^"\\\n]|\\.)*)"')
# So many questions for the users of a value are answered by a look at the text, before all users are listed.
_FEW = 3
# Opcodes that call no computation.
_CALLING_NOTHING = frozenset(
    [
        "parameter", "constant", "tuple", "get-tuple-element", "bitcast", "bitcast-convert", "broadcast", "reshape",
        "transpose", "copy", "convert", "iota", "slice", "concatenate", "pad", "reverse", "dynamic-slice",
        "dynamic-update-slice", "gather", "select", "compare", "clamp", "add", "subtract", "multiply", "divide",
        "remainder", "power", "maximum", "minimum", "and", "or", "xor", "not", "negate", "abs", "sign", "sqrt", "rsqrt",
        "exponential", "exponential-minus-one", "log", "log-plus-one", "logistic", "tanh", "sine", "cosine", "floor",
        "ceil", "is-finite", "shift-left", "shift-right-logical", "shift-right-arithmetic", "dot",
    ]
)  # fmt: skip


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
        return iter(self._computation._all())


class HloComputation:
    """A computation: instructions ``start`` to ``stop`` (exclusive) of the module, in the order of the text."""

    __slots__ = (
        "_asked",
        "_by_name",
        "_every",
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
        self._every: list[HloInstruction] | None = None
        self._by_name: dict[str, int] | None = None
        self._users: dict[str, list[int]] | None = None
        self._asked = 0

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
    def opcodes(self) -> list[str]:
        """Opcodes of its instructions in the order of the text."""
        return self.module._opcodes[self.start : self.stop]

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
        if self._users is None and self._asked < _FEW and not self.module.mixed:
            self._asked += 1
            return [found for found in self._naming(name) if name in found.operands]
        return [self._make(position) for position in self._users_index().get(name, ())]

    def is_used(self, name: str) -> bool:
        """Has an instruction of this computation ``name`` as an operand?"""
        return name in self._users_index()

    def _naming(self, name: str) -> list[HloInstruction]:
        """The instructions whose text has a name somewhere."""
        text, starts = self.module.text, self.module._starts
        index, found = self.start - 1, []
        while index + 1 < self.stop:
            stop = starts[self.stop] if self.stop < len(starts) else len(text)
            place = text.find(name, starts[index + 1], stop)
            if place < 0:
                break
            index = bisect_right(starts, place, index + 1, self.stop) - 1
            found.append(self._make(index))
        return found

    def _users_index(self) -> dict[str, list[int]]:
        if self._users is None:
            index: dict[str, list[int]] = {}
            for instruction in self._all():
                for name in dict.fromkeys(instruction.operands):
                    index.setdefault(name, []).append(instruction.index)
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
            made = self._made.setdefault(index, HloInstruction(self.module, self, index))
        return made

    def _all(self) -> list[HloInstruction]:
        if self._every is None:
            self._every = [self._make(index) for index in range(self.start, self.stop)]
        return self._every


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
        # Where the shape begins and ends: what comes before and behind it has a fixed form.
        self._shape_starts = array("q")
        self._shape_ends = array("q")
        self._lines = array("l")
        # Of what is not written as XLA prints it, by position: where its operands begin, and where it ends.
        self._operands: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        # Of what stands inside of instructions (`nested.py`): computations by the role they have there, operands.
        self._bodies: dict[int, dict[str, tuple[str, ...]]] = {}
        self._refs: dict[int, tuple[tuple[str, int | None], ...]] = {}
        # Do offsets not grow with the positions of instructions?
        self.mixed = False
        self._by_line: dict[int, int] | None = None
        self._computation_starts = array("q")
        self._by_name: dict[str, int] | None = None
        self._computation_index: dict[str, HloComputation] | None = None
        self._calling: list[int] | None = None
        self._callers: dict[str, list[HloInstruction]] | None = None
        # Numbers of whole computations by (what, name): one that is called from many places is counted once.
        self.counted: dict[tuple[str, str], int | None] = {}
        # What others derived from the module alone, by what it is: kept as long as the module.
        self.derived: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<module {self.name}, {len(self.computations)} computations, {len(self)} instructions>"

    def __len__(self) -> int:
        """Number of instructions."""
        return len(self._names)

    @property
    def names(self) -> list[str]:
        """All instruction names, in the order of the text."""
        return list(self._names)

    @property
    def opcodes(self) -> list[str]:
        """All opcodes, in the order of the text."""
        return list(self._opcodes)

    def is_in_place(self, computation: HloComputation) -> bool:
        """Does a computation stand inside of the instruction that calls it?"""
        return any(computation.name in names for roles in self._bodies.values() for names in roles.values())

    @property
    def lines(self) -> Sequence[int]:
        """The line of each instruction in the text (from 1), in its order."""
        return self._lines

    def op_names(self) -> list[str | None]:
        """``op_name`` of each instruction, in the order of the text: as asked one by one, but in one pass."""
        if self.mixed:
            return [self.at(index).op_name for index in range(len(self))]
        found: list[str | None] = [None] * len(self)
        text, starts, shape_ends = self.text, self._starts, self._shape_ends
        index, seen, last = -1, -1, len(self) - 1
        for match in _OP_NAME.finditer(text):
            place = match.start()
            while index < last and starts[index + 1] <= place:
                index += 1
            odd = index in self._ends
            if index == seen or index < 0 or (not odd and text.find("\n", starts[index], place) >= 0):
                continue
            seen = index
            operands = shape_ends[index] + len(self._opcodes[index]) + 2
            plain = not odd and text.startswith("metadata={", place - 10)
            if plain and operands_end(text, operands, place) is not None:
                found[index] = unquote(f'"{match.group(1)}"')
            else:
                found[index] = self.at(index).op_name
        return found

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
        return self.computations[self.number_at(index)]._make(index)

    def number_at(self, index: int) -> int:
        """The number of the computation that holds the instruction at a position of the module."""
        # Empty computations share their start with the next one, which bisect_right finds.
        return bisect_right(self._computation_starts, index) - 1

    def names_at(self, index: int) -> str:
        """The name of the instruction at a position of the module."""
        return self._names[index]

    def text_between(self, start: int, stop: int) -> str:
        """The text from one instruction's line up to another's (exclusive); all of it where it is ``mixed``."""
        if start >= stop or self.mixed:
            return self.text if start < stop else ""
        return self.text[self._starts[start] : self._starts[stop] if stop < len(self._starts) else len(self.text)]

    def calling(self) -> list[int]:
        """Positions of the instructions that may call a computation, in the order of the text."""
        if self._calling is None:
            possible = [index for index, opcode in enumerate(self._opcodes) if opcode not in _CALLING_NOTHING]
            self._calling = [index for index in possible if self.at(index).may_call]
        return self._calling

    def at_line(self, line: int) -> HloInstruction | None:
        """The instruction on a line of the text, from 1 (of several the last); also on further lines of it."""
        if self.mixed:
            inner = self._innermost().get(line)
            return None if inner is None else self.at(inner)
        index = bisect_right(self._lines, line) - 1
        if index < 0:
            return None
        last = self._lines[index]
        if index in self._ends:
            last += self.text.count("\n", self._starts[index], self._ends[index])
        return self.at(index) if line <= last else None

    def _innermost(self) -> dict[int, int]:
        """By line the instruction that begins last of those that have it, where some stand inside of others."""
        if self._by_line is None:
            found: dict[int, int] = {}
            order = sorted(range(len(self)), key=lambda index: (self._lines[index], self.at(index)._offsets()[4]))
            for index in order:
                first, stop = self._lines[index], self.at(index)._offsets()[4]
                last = first + self.text.count("\n", self._starts[index], stop)
                found.update(dict.fromkeys(range(first, last + 1), index))
            self._by_line = found
        return self._by_line

    def callers(self, computation: str) -> list[HloInstruction]:
        """The instructions that call a computation, in the order of the text."""
        if self._callers is None:
            self._callers = self._index_callers()
        return self._callers.get(computation, [])

    def _index_callers(self) -> dict[str, list[HloInstruction]]:
        found: dict[str, list[HloInstruction]] = {}
        for index in self.calling():
            instruction = self.at(index)
            for names in instruction.called.values():
                for name in names:
                    callers = found.setdefault(name, [])
                    if not callers or callers[-1] is not instruction:
                        callers.append(instruction)
        return found
