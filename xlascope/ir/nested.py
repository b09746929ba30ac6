"""Hand-written HLO in which instructions stand inside of others: computations in place, operands that are instructions.

XLA's own parser takes both: ``to_apply={ p = f32[] parameter(0) … }`` and ``add(f32[] negate(a), b)``.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from sys import intern
from typing import TYPE_CHECKING

from xlascope.ir import scan
from xlascope.ir.instruction import CALL_ROLES, NO_OPERANDS
from xlascope.ir.loose import NAME, holds_instruction, operand_span, shape_and_opcode

if TYPE_CHECKING:
    from xlascope.ir.hlo import HloModule

_IN_PLACE = re.compile(rf"(?<![\w.\-])({'|'.join(CALL_ROLES)})=\s*+\{{")
_STATEMENT = re.compile(rf"\s*+(?:ROOT\s++)?%?{NAME}\s*=\s")
_LIST = re.compile(r"\s*+\{")
_BRACE = re.compile(r'"(?:[^"\\\n]|\\.)*+"?|[{}]|/\*(?:[^*]|\*(?!/))*+(?:\*/)?')
_LEADING = re.compile(r"(?:\s++|/\*(?:[^*]|\*(?!/))*+\*/)*+")
_DEEPEST = 16
"""So far inside of others bodies and operands are read: each level looks at its text once more."""


@dataclass(frozen=True, slots=True)
class Body:
    """A computation given in place: the attribute it is of, and the offsets between its braces."""

    role: str
    start: int
    stop: int
    name: str


class Bodies:
    """The computations that a text gives in place, by how many others they stand in."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.levels: list[list[Body]] = []
        found = sorted(self._found(), key=lambda each: each[2])
        # XLA's names: in the order in which they end, with a number from the second on.
        named = [Body(*each, f"_.{number}" if number else "_") for number, each in enumerate(found)]
        around: list[int] = []
        for body in sorted(named, key=lambda each: each.start):
            while around and around[-1] < body.start:
                around.pop()
            around.append(body.stop)
            if len(around) <= _DEEPEST:
                if len(self.levels) < len(around):
                    self.levels.append([])
                self.levels[len(around) - 1].append(body)

    def _found(self) -> Iterator[tuple[str, int, int]]:
        for match in _IN_PLACE.finditer(self._text):
            if _STATEMENT.match(self._text, match.end()):
                starts = [match.end()]
            elif _LIST.match(self._text, match.end()):
                starts = [inner + 1 for inner in self._inside(match.end() - 1)]
            else:
                continue
            for start in starts:
                stop = self._closings.get(start - 1)
                if stop is not None and _STATEMENT.match(self._text, start):
                    yield match.group(1), start, stop

    @cached_property
    def _closings(self) -> dict[int, int]:
        """Where each brace closes."""
        return {brace: stop for brace, (stop, _) in self._braces.items()}

    @cached_property
    def _braces(self) -> dict[int, tuple[int, int | None]]:
        """Where each brace closes, and the one it stands in; what does not close is left out."""
        found: dict[int, tuple[int, int | None]] = {}
        around: list[int] = []
        for mark in _BRACE.finditer(self._text):
            character = self._text[mark.start()]
            if character == "{":
                around.append(mark.start())
            elif character == "}" and around:
                brace = around.pop()
                found[brace] = mark.start(), around[-1] if around else None
        return found

    @cached_property
    def _children(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for brace in sorted(self._braces):
            outer = self._braces[brace][1]
            if outer is not None:
                found.setdefault(outer, []).append(brace)
        return found

    def _inside(self, brace: int) -> list[int]:
        return self._children.get(brace, [])

    def masked(self, level: int) -> str:
        """The text with the bodies of a level left blank, line by line as long as it was: each stands as ``_``."""
        if level >= len(self.levels):
            return self._text
        parts: list[str] = []
        at = 0
        for body in self.levels[level]:
            inside = re.sub(r"[^\n]", " ", self._text[body.start : body.stop + 1])
            parts += self._text[at : body.start - 1], "_", inside
            at = body.stop + 1
        return "".join([*parts, self._text[at:]])


class Lines:
    """The line (from 1) of an offset of a text."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _ends(self) -> array[int]:
        return array("q", [match.start() for match in re.finditer("\n", self._text)])

    def at(self, offset: int) -> int:
        """The number of the line that holds an offset."""
        return bisect_left(self._ends, offset) + 1


@dataclass(slots=True)
class _Inner:
    """An operand that is an instruction: offsets as of a ``Head``, where it ends, its own operands."""

    start: int
    shape_end: int
    opcode: str
    operands: int
    stop: int
    parts: list[_Inner | tuple[str, int | None]]
    name: str = ""

    def all(self) -> Iterator[_Inner]:
        """Those in it and it: operands stand before what uses them."""
        for part in self.parts:
            if isinstance(part, _Inner):
                yield from part.all()
        yield self


def _parts(text: str, start: int, stop: int, level: int) -> list[_Inner | tuple[str, int | None]]:
    """The operands in ``text[start:stop]``: instructions, or names with an index."""
    found: list[_Inner | tuple[str, int | None]] = []
    for begin, end in scan.spans_top(text, start, stop):
        inner = _inner(text, begin, end, level) if level < _DEEPEST else None
        if inner is not None:
            found.append(inner)
        else:
            found += scan.operand_refs(text[begin:end])
    return found


def _inner(text: str, start: int, stop: int, level: int) -> _Inner | None:
    lead = _LEADING.match(text, start, stop)
    start = lead.end() if lead is not None else start
    head = shape_and_opcode(text, start, stop)
    if head is None:
        return None
    shape_end, opcode, operands = head
    close = scan.operands_end(text, operands, stop)
    if close is None or scan.without_comments(text[close + 1 : stop]).strip():
        return None
    parts = [] if opcode in NO_OPERANDS else _parts(text, operands, close, level + 1)
    return _Inner(start, shape_end, opcode, operands, close + 1, parts)


def unfold(module: HloModule) -> None:
    """Give each operand that is an instruction a place of its own, before the instruction that has it."""
    found: dict[int, list[_Inner | tuple[str, int | None]]] = {}
    for index, opcode in enumerate(module._opcodes):
        span = None if opcode in NO_OPERANDS else _operands_of(module, index)
        if span is not None and holds_instruction(module.text, *span):
            parts = _parts(module.text, *span, 0)
            if any(isinstance(part, _Inner) for part in parts):
                found[index] = parts
    if found:
        outer = [part for parts in found.values() for part in parts if isinstance(part, _Inner)]
        _name([each for part in outer for each in part.all()], module)
        _Unfolding(module).run(found)


def _operands_of(module: HloModule, index: int) -> tuple[int, int] | None:
    stop = module._ends.get(index) or module.text.find("\n", module._starts[index])
    return operand_span(module.text, module._shape_ends[index], len(module.text) if stop < 0 else stop)


def _name(inner: list[_Inner], module: HloModule) -> None:
    """As XLA names what has no name: by opcode, numbered in the order in which they end."""
    taken, counts = set(module._names), dict[str, int]()
    for each in sorted(inner, key=lambda one: one.stop):
        base = name = f"{each.opcode}.anon"
        while name in taken:
            counts[base] = counts.get(base, 0) + 1
            name = f"{base}.{counts[base]}"
        taken.add(name)
        each.name = name


class _Unfolding:
    """Writes a module's index anew, with the instructions that stand inside of others."""

    def __init__(self, module: HloModule) -> None:
        self._module = module
        self._lines = Lines(module.text)
        self._names, self._opcodes = module._names, module._opcodes
        self._old = module._starts, module._shape_starts, module._shape_ends, module._lines
        self._old_ends, self._old_operands, self._old_bodies = module._ends, module._operands, module._bodies

    def run(self, found: dict[int, list[_Inner | tuple[str, int | None]]]) -> None:
        module = self._module
        module._names, module._opcodes = [], []
        module._starts, module._shape_starts, module._shape_ends = array("q"), array("q"), array("q")
        module._lines, module._computation_starts = array("l"), array("q")
        module._ends, module._operands, module._bodies = {}, {}, {}
        module.mixed = True
        for computation in module.computations:
            start, stop, root = computation.start, computation.stop, computation.root_index
            computation.start = len(module._names)
            for index in range(start, stop):
                parts = found.get(index, [])
                for part in parts:
                    for each in part.all() if isinstance(part, _Inner) else ():
                        self._add(each)
                self._copy(index)
                if parts:
                    module._refs[len(module._names) - 1] = _refs(parts)
                if index == root:
                    computation.root_index = len(module._names) - 1
            computation.stop = len(module._names)
            module._computation_starts.append(computation.start)

    def _add(self, each: _Inner) -> None:
        module, index = self._module, len(self._module._names)
        module._names.append(each.name)
        module._opcodes.append(intern(each.opcode))
        module._starts.append(each.start)
        module._shape_starts.append(each.start)
        module._shape_ends.append(each.shape_end)
        module._lines.append(self._lines.at(each.start))
        module._operands[index], module._ends[index] = each.operands, each.stop
        if any(isinstance(part, _Inner) for part in each.parts):
            module._refs[index] = _refs(each.parts)

    def _copy(self, old: int) -> None:
        module, index = self._module, len(self._module._names)
        module._names.append(self._names[old])
        module._opcodes.append(self._opcodes[old])
        places = module._starts, module._shape_starts, module._shape_ends, module._lines
        for new, before in zip(places, self._old, strict=True):
            new.append(before[old])
        if old in self._old_ends:
            module._ends[index] = self._old_ends[old]
        if old in self._old_operands:
            module._operands[index] = self._old_operands[old]
        if old in self._old_bodies:
            module._bodies[index] = self._old_bodies[old]


def _refs(parts: list[_Inner | tuple[str, int | None]]) -> tuple[tuple[str, int | None], ...]:
    return tuple((part.name, None) if isinstance(part, _Inner) else part for part in parts)
