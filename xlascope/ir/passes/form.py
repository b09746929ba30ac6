"""The forms a module has between passes: texts over shared lines, and the instructions of each."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from xlascope.ir.passes.lines import Instruction, Opening, read_line

_KEPT = 8


@dataclass(frozen=True, slots=True)
class Block:
    """A computation of a form: instructions ``start`` to ``stop``; ``root`` is the position of its root."""

    name: str
    entry: bool
    start: int
    stop: int
    root: int


@dataclass(slots=True)
class Form:
    """One snapshot: its instructions in the order of the text, each with its computation and line.

    ``lines`` are positions in the snapshot's text, from 0; ``hashes`` say what an instruction computes, whatever it and
    its operands are called: two that are equal do the same; ``whole`` says that of the module.
    """

    header: str
    instructions: list[Instruction] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    """Numbers of the lines among all distinct lines: equal numbers, equal text."""
    places: list[int] = field(default_factory=list)
    """For each instruction the position of its block."""
    blocks: list[Block] = field(default_factory=list)
    hashes: list[int] = field(default_factory=list)
    block_hashes: dict[str, int] = field(default_factory=dict)
    whole: int = 0

    def block_of(self, position: int) -> Block:
        """The computation that holds the instruction at a position."""
        return self.blocks[self.places[position]]

    def find(self, name: str) -> int | None:
        """The position of the first instruction of that name."""
        return next((at for at, each in enumerate(self.instructions) if each.name == name), None)


class Texts:
    """Texts as rows of line numbers. Lines are read once; the newest forms are kept. Safe in several threads."""

    def __init__(self, lines: Sequence[str], rows: Sequence[Sequence[int]]) -> None:
        self.lines = lines
        self.rows = rows
        self._read: dict[int, Instruction | Opening | None] = {}
        self._forms: OrderedDict[int, Form] = OrderedDict()
        self._openings = frozenset(
            at for at, line in enumerate(lines) if line.endswith("{") and isinstance(self.line(at), Opening))
        self._opened: dict[int, tuple[list[int], list[str]]] = {}
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self.rows)

    def text(self, number: int) -> str:
        """A whole text, exactly as it was."""
        return "\n".join([self.lines[each] for each in self.rows[number]])

    def line(self, number: int) -> Instruction | Opening | None:
        """What a distinct line says."""
        read = self._read
        if number not in read:
            read[number] = read_line(self.lines[number])
        return read[number]

    def defining(self, name: str) -> frozenset[int]:
        """Numbers of the distinct lines that define an instruction of a name."""
        marks = (f"%{name} = ", f" {name} = ")
        near = [at for at, line in enumerate(self.lines) if marks[0] in line or marks[1] in line]
        read = [(at, self.line(at)) for at in near]
        return frozenset(at for at, each in read if isinstance(each, Instruction) and each.name == name)

    def computation_at(self, number: int, position: int) -> str:
        """The computation that a line of a text, counted from 0, lies in; '' before the first."""
        if number not in self._opened:
            row = self.rows[number]
            starts = [at for at, each in enumerate(row) if each in self._openings]
            names = [found.name for at in starts if isinstance(found := self.line(row[at]), Opening)]
            self._opened[number] = starts, names
        starts, names = self._opened[number]
        at = bisect_right(starts, position)
        return names[at - 1] if at else ""

    def opcodes(self, number: int) -> Counter[str]:
        """Instructions of a text by opcode, those of all its computations."""
        counts: Counter[str] = Counter()
        for each, times in Counter(self.rows[number]).items():
            found = self.line(each)
            if isinstance(found, Instruction):
                counts[found.opcode] += times
        return counts

    def form(self, number: int) -> Form:
        """The instructions of a text."""
        with self._lock:
            known = self._forms.get(number)
            if known is None:
                known = self._forms[number] = self._make(number)
                while len(self._forms) > _KEPT:
                    self._forms.popitem(last=False)
            self._forms.move_to_end(number)
            return known

    def _make(self, number: int) -> Form:
        row = self.rows[number]
        header = next((self.lines[each] for each in row if self.lines[each].startswith("HloModule")), "")
        form = Form(header)
        name, entry, start, root = "", False, 0, -1
        for position, each in enumerate(row):
            found = self.line(each)
            if isinstance(found, Instruction):
                if found.root:
                    root = len(form.instructions)
                form.instructions.append(found)
                form.lines.append(position)
                form.ids.append(each)
                form.places.append(len(form.blocks))
            elif isinstance(found, Opening):
                _close(form, name, entry, start, root)
                name, entry, start, root = found.name, found.entry, len(form.instructions), -1
        _close(form, name, entry, start, root)
        _hash(form)
        return form


def _close(form: Form, name: str, entry: bool, start: int, root: int) -> None:
    """A block ends where the next one opens; instructions before any make one without a name."""
    stop = len(form.instructions)
    if stop > start or name:
        form.blocks.append(Block(name, entry, start, stop, root if root >= 0 else stop - 1))


def _hash(form: Form) -> None:
    """Instructions stand after their operands, computations after what they call; what is not there counts as 0."""
    ordered = "is_scheduled=true" in form.header
    hashes, of_block = form.hashes, form.block_hashes
    for block in form.blocks:
        mine: dict[str, int] = {}
        for each in form.instructions[block.start : block.stop]:
            operands = tuple([mine.get(name, 0) for name in each.operands])
            calls = tuple([of_block[name] if name in of_block else mine.get(name, 0) for name in each.calls])
            mine[each.name] = value = hash((each.form, operands, calls))
            hashes.append(value)
        own = hashes[block.start : block.stop]
        root = hashes[block.root] if block.start <= block.root < block.stop else 0
        of_block[block.name] = hash((root, tuple(own if ordered else sorted(own))))
    blocks = sorted(of_block[block.name] for block in form.blocks)
    entry = next((of_block[block.name] for block in form.blocks if block.entry), 0)
    form.whole = hash((form.header.partition(",")[2], entry, tuple(blocks)))
