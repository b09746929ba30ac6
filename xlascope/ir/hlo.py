"""A module of HLO text: an index of its instructions, whose details are read from the text when asked for."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from xlascope.ir import scan
from xlascope.ir.frames import Frame, FrameTables

_INSTRUCTION = re.compile(
    r"[ \t]*(?:ROOT[ ]+)?%?[^\s=,(){}%\"]+[ ]=[ ](\([^\n]*?\)|[^\s(]\S*)[ ]"  # name and shape
    r"([a-zA-Z][a-zA-Z0-9_\-]*)\("
)
_OP_NAME = re.compile(r'\bop_name="((?:[^"\\]|\\.)*)"')
_SOURCE_FILE = re.compile(r'\bsource_file="((?:[^"\\]|\\.)*)"')
_SOURCE_LINE = re.compile(r"\bsource_line=(\d{1,18})")
_FRAME_ID = re.compile(r"\bstack_frame_id=(\d{1,18})")
_TRIP_COUNT = re.compile(r'"known_trip_count"\s*:\s*\{\s*"n"\s*:\s*"?(\d{1,18})')
_CALLS = re.compile(
    r"[ ,](?:calls|to_apply|body|condition|branch_computations|true_computation|false_computation"
    r"|called_computations|select|scatter)=[%{\w]"
)

CALL_ROLES = (
    "calls",
    "to_apply",
    "body",
    "condition",
    "branch_computations",
    "true_computation",
    "false_computation",
    "called_computations",
    "select",
    "scatter",
)
# Opcodes whose parentheses hold something else than operands.
_NO_OPERANDS = frozenset({"constant", "parameter", "iota"})


@dataclass(frozen=True, slots=True)
class Problem:
    """A line (counted from 1) that was not understood, and why."""

    line: int
    text: str
    reason: str


class HloInstruction:
    """One instruction; every property is read from the text, the split ones once."""

    __slots__ = ("_attributes", "_operands", "_parts", "computation", "index", "module", "name", "opcode")

    def __init__(self, module: HloModule, computation: HloComputation, index: int) -> None:
        self.module = module
        self.computation = computation
        self.index = index
        self.name = module._names[index]
        self.opcode = module._opcodes[index]
        self._parts: tuple[int, int, int, int, int] | None = None
        self._operands: tuple[tuple[str, int | None], ...] | None = None
        self._attributes: dict[str, str] | None = None

    def __repr__(self) -> str:
        return f"<{self.opcode} %{self.name} {self.shape}>"

    def _offsets(self) -> tuple[int, int, int, int, int]:
        """Offsets in the text: shape start and end, operands start and end, end of line."""
        if self._parts is None:
            text = self.module.text
            start = self.module._starts[self.index]
            stop = text.find("\n", start)
            stop = len(text) if stop < 0 else stop
            match = _INSTRUCTION.match(text, start, stop)
            if match is None:  # the index holds only lines that matched
                raise AssertionError(f"line {self.line} was indexed as an instruction and is none")
            end = scan.operands_end(text, match.end(), stop)
            self._parts = (match.start(1), match.end(1), match.end(), stop if end is None else end, stop)
        return self._parts

    @property
    def tail(self) -> str:
        """What follows the operands: the attributes as they are written."""
        return self.module.text[self._offsets()[3] : self._offsets()[4]]

    @property
    def text(self) -> str:
        """The whole line, without indentation."""
        return self.module.text[self.module._starts[self.index] : self._offsets()[4]].strip()

    @property
    def line(self) -> int:
        """Line number in the module's text, from 1."""
        return self.module._lines[self.index]

    @property
    def shape(self) -> str:
        start, stop, *_ = self._offsets()
        return self.module.text[start:stop]

    @property
    def operand_text(self) -> str:
        """What the parentheses hold: operands, a literal, a parameter number."""
        _, _, start, stop, _ = self._offsets()
        return self.module.text[start:stop]

    @property
    def operand_refs(self) -> tuple[tuple[str, int | None], ...]:
        """Operands as (name, tuple index); the index is None but for ``%name#1``, text for element 1 of a tuple."""
        if self._operands is None:
            self._operands = () if self.opcode in _NO_OPERANDS else scan.operand_refs(self.operand_text)
        return self._operands

    @property
    def operands(self) -> tuple[str, ...]:
        """Names of the operands, without %."""
        return tuple(name for name, _ in self.operand_refs)

    @property
    def attributes(self) -> Mapping[str, str]:
        """Attribute name to text, in the order of the text."""
        if self._attributes is None:
            _, _, _, stop, end = self._offsets()
            self._attributes = scan.attributes(self.module.text, min(stop + 1, end), end)
        return self._attributes

    @property
    def called(self) -> dict[str, tuple[str, ...]]:
        """Names of the computations it calls, by role (``calls``, ``to_apply``, ``body``, …)."""
        own = self.attributes
        return {role: scan.computation_names(own[role]) for role in CALL_ROLES if role in own}

    @property
    def may_call(self) -> bool:
        """False when a look at the line is enough to see that it calls no computation."""
        return _CALLS.search(self.module.text, self._offsets()[3], self._offsets()[4]) is not None

    @property
    def is_root(self) -> bool:
        return self.computation.root_index == self.index

    @property
    def metadata(self) -> str:
        return self.attributes.get("metadata", "")

    def _in_metadata(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Search a field of the metadata without splitting all attributes: this is asked of every instruction."""
        _, _, _, start, end = self._offsets()
        start = self.module.text.find("metadata={", start, end)
        return pattern.search(self.module.text, start, end) if start >= 0 else None

    @property
    def op_name(self) -> str | None:
        match = self._in_metadata(_OP_NAME)
        return scan.unquote(f'"{match.group(1)}"') if match else None

    @property
    def stack(self) -> tuple[Frame, ...]:
        """Source frames, innermost first; () when the text names none."""
        frame = self._in_metadata(_FRAME_ID)
        if frame:
            found = self.module.tables.stack(int(frame.group(1)))
            if found:
                return found
        file, line = self._in_metadata(_SOURCE_FILE), self._in_metadata(_SOURCE_LINE)
        if file or line:
            name = scan.unquote(f'"{file.group(1)}"') if file else None
            return (Frame(name, None, int(line.group(1)) if line else None),)
        return ()

    @property
    def source_file(self) -> str | None:
        stack = self.stack
        return stack[0].file if stack else None

    @property
    def source_line(self) -> int | None:
        stack = self.stack
        return stack[0].line if stack else None

    @property
    def fusion_kind(self) -> str | None:
        """``kLoop``, ``kInput``, ``kOutput``, ``kCustom``; None for what is no fusion."""
        return self.attributes.get("kind") if self.opcode == "fusion" else None

    @property
    def backend_config(self) -> str | None:
        """The backend's own text, unescaped."""
        value = self.attributes.get("backend_config")
        return None if value is None else scan.unquote(value)

    @property
    def trip_count(self) -> int | None:
        """How often a loop runs, when XLA found out."""
        match = _TRIP_COUNT.search(self.backend_config or "")
        return int(match.group(1)) if match else None

    @property
    def parameter_number(self) -> int | None:
        if self.opcode != "parameter":
            return None
        return scan.whole_number(self.operand_text.strip())

    def operand_instructions(self) -> list[HloInstruction | None]:
        """Its operands as instructions of its computation; None for a name that is not there."""
        return [self.computation.get(name) for name in self.operands]


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
        return _Instructions(self)

    @property
    def names(self) -> list[str]:
        return self.module._names[self.start : self.stop]

    @property
    def root(self) -> HloInstruction | None:
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
        return dict(Counter(self._opcodes))

    def instructions(self) -> Iterator[HloInstruction]:
        for computation in self.computations:
            yield from computation.instructions

    def of_opcode(self, *opcodes: str) -> list[HloInstruction]:
        """The instructions of some opcodes, in the order of the text."""
        wanted = frozenset(opcodes)
        return [self.at(index) for index, opcode in enumerate(self._opcodes) if opcode in wanted]

    def computation(self, name: str) -> HloComputation | None:
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
        found = [bisect_right(self._starts, match.start()) - 1 for match in _CALLS.finditer(self.text)]
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
        for match in _CALLS.finditer(self.text):
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
