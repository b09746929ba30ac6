"""HLO text that no compiler printed: statements over several lines, blanks inside of shapes, shapes left out, comments.

XLA's own parser reads such text, and its tests are written so. The lines that XLA prints are read by one expression
(`parse.py`); what that does not match comes here, line by line, and each line is looked at a bounded number of times.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass

from xlascope.ir import scan

NAME = r"[^\s=,(){}%\"]+"
_DEFINES = re.compile(rf"\s*(ROOT\s+)?%?({NAME})\s*=\s*")
_SHAPE = re.compile(r"[a-z][a-z0-9]*\[[^\][\n]*\](?:\s?\{[^{}\n]*\})?")
_OPCODE = re.compile(r"\s*([a-zA-Z][a-zA-Z0-9_\-]*)\(")
_HEADER = re.compile(rf"\s*(ENTRY\b\s*)?%?({NAME})?\s*(\(.*\)\s*->\s*.*?)?\s*\{{\s*\Z", re.DOTALL)
_ON_HEADER = re.compile(
    rf"\s*+HloModule\s++{NAME}(?:\s*+,\s*+\w++=[^\s{{}}\",]++)*+\s++(?=(?:ENTRY\b|%?{NAME}\s*[({{])[^\n]*\{{)"
)
_FIRST = re.compile(rf"\{{\s*+(?=(?:ROOT\s++)?%?{NAME}\s*=\s)")
_NO_HEADER = re.compile(r"\{\s*\n|\s=\s")  # other statements begin inside of it
BEGINS = re.compile(
    rf"[ \t]*(?:ENTRY\b|%?{NAME}[ ]*\([^\n]*:|%?{NAME}(?:[ \t\r]*\n[ \t]*)?\{{[ \t\r]*(?:\n|\Z))"
)
"""Where a line looks like the beginning of a computation, though it has not all of its header."""
_NEXT = re.compile(rf"(?<=[^\s,=])(?<!\sROOT)\s+(?=(?:ROOT\s+)?%?{NAME}\s+=\s)")
_NESTED = re.compile(r"(?<![\w.\-])[a-z][a-z0-9\-]+\(")
_BODY = re.compile(r"\{[^{}\"=]*\s=\s+[a-z(]")
_MOST_LINES = 64
"""Of a header; the head of an instruction has at most _MOST_HEAD."""
_MOST_HEAD = 4


@dataclass(frozen=True, slots=True)
class Head:
    """An instruction's beginning: offsets of what it is made of. ``operands``: behind the opening parenthesis."""

    start: int
    is_root: bool
    name: str
    shape_start: int
    shape_end: int
    opcode: str
    operands: int


@dataclass(frozen=True, slots=True)
class Header:
    """A computation's first line, or lines: where it begins and what it says."""

    line: int
    is_entry: bool
    name: str
    signature: str


class Loose:
    """Follows the lines that the expression for printed text does not match."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._index = -1
        self._depth = self.before = 0
        """``before``: as ``depth``, but in front of that line."""
        self._open_ended = False
        self._goes_on = False
        self._start, self._first = 0, 0
        self.pending: list[tuple[int, str]] = []
        """Lines of a statement that is not understood by now: their numbers and texts."""
        self.taken: list[tuple[int, str]] = []
        """Those of the last one that was."""

    def continues(self, index: int, begin: int, end: int, start: int, stop: int) -> bool:
        """Does the line ``start:stop`` go on with instruction ``index``, of which ``begin:end`` is known?

        It does where a bracket is open, or a comma or `=` stands at the end of what there is, or a comma at the line's
        own beginning.
        """
        if self.pending or index < 0:
            return False
        if index != self._index:
            self._index, self._depth, self._open_ended, self._goes_on = index, 0, False, False
            self._measure(begin, end)
        if not (self._depth > 0 or self._open_ended or self._text[start:stop].lstrip().startswith(",")):
            return False
        self.before = self._depth
        self._measure(start, stop)
        self._goes_on = True
        return True

    def closes(self, index: int, start: int, stop: int) -> bool:
        """Does a line that begins with a brace close one of instruction ``index``, which goes on over lines?"""
        if index != self._index or not self._goes_on or self._depth <= 0:
            return False
        self._measure(start, stop)
        return True

    @property
    def depth(self) -> int:
        """How many brackets are open behind the last line that went on with an instruction; below 0: too many close."""
        return self._depth

    def begin(self, number: int, start: int, stop: int) -> None:
        """A statement begins inside of a line."""
        self._start, self._first = start, number
        self.pending = [(number, self._text[start:stop])]

    def _measure(self, start: int, stop: int) -> None:
        self._depth += scan.depth(self._text, start, stop)
        ended = scan.without_comments(self._text[start:stop]).rstrip()
        self._open_ended = ended.endswith((",", "=")) if ended else self._open_ended

    def read(self, number: int, start: int, stop: int) -> Head | Header | None:
        """What a statement that ends with this line is, or begins with; None: not known by now."""
        if not self.pending:
            self._start, self._first = start, number
        self.pending.append((number, self._text[start:stop]))
        found: Head | Header | None = None
        if len(self.pending) <= _MOST_HEAD:
            found = self._head(stop)
        if found is None and len(self.pending) <= _MOST_LINES and self.pending[-1][1].rstrip().endswith("{"):
            found = self._header(stop)
        if found is not None:
            self.taken, self.pending = self.pending, []
        return found

    @property
    def is_hopeless(self) -> bool:
        """Is what is pending too long for a header, or no statement at all?"""
        first = self.pending[0][1] if self.pending else ""
        if _DEFINES.match(first) is not None:
            return len(self.pending) >= _MOST_HEAD
        return BEGINS.match(self._text, self._start) is None or len(self.pending) >= _MOST_LINES

    def _head(self, stop: int) -> Head | None:
        return head_at(self._text, self._start, stop)

    def _header(self, stop: int) -> Header | None:
        text = scan.without_comments(self._text[self._start : stop])
        found = _HEADER.match(text)
        if found is None or scan.depth(text, 0, len(text)) != 1 or not (found.group(1) or found.group(2)):
            return None
        if _NO_HEADER.search(found.group(3) or "") is not None:
            return None
        signature = " ".join((found.group(3) or "").split())
        return Header(self._first, found.group(1) is not None, found.group(2) or "", signature)


def head_at(text: str, start: int, stop: int) -> Head | None:
    """The instruction that begins at an offset; None where none does."""
    defines = _DEFINES.match(text, start, stop)
    found = shape_and_opcode(text, defines.end(), stop) if defines is not None else None
    if defines is None or found is None:
        return None
    return Head(start, defines.group(1) is not None, defines.group(2), defines.end(), *found)


def shape_and_opcode(text: str, at: int, stop: int) -> tuple[int, str, int] | None:
    """What begins at ``at``, a shape (or none) and an opcode: the shape's end, the opcode, where its operands begin."""
    if text.startswith("(", at):
        end = scan.closing(text, at + 1, stop)
        if end is None:
            return None
        shape_end = end + 1
    else:
        shape = _SHAPE.match(text, at, stop)
        shape_end = shape.end() if shape is not None else at
    opcode = _OPCODE.match(text, shape_end, stop)
    return (shape_end, opcode.group(1), opcode.end()) if opcode is not None else None


def first_statement(text: str, start: int, stop: int) -> int | None:
    """Where the first statement begins on a line that opens a computation before it; None: it does not."""
    found = _FIRST.search(text, start, stop)
    return found.end() if found is not None else None


def following(text: str, shape_end: int, stop: int) -> list[int]:
    """Where other statements begin on the line of an instruction whose shape ends at ``shape_end``."""
    span = operand_span(text, shape_end, stop)
    return statements(text, span[1], stop) if span is not None else []


def statements(text: str, start: int, stop: int) -> list[int]:
    """Where statements begin between two offsets, outside of brackets."""
    if text.find("= ", start, stop) < 0:
        return []
    return [start + found.end() for found in _NEXT.finditer(scan.flattened(text, start, stop)[0])]


def holds_instruction(text: str, start: int, stop: int) -> bool:
    """May one of the operands ``text[start:stop]`` be an instruction itself?"""
    return text.find("(", start, stop) >= 0 and _NESTED.search(scan.without_comments(text[start:stop])) is not None


def has_body(text: str, start: int, stop: int, read: Container[int]) -> bool:
    """Is there a computation among attributes, at other offsets than those that are ``read``?"""
    if text.find("= ", start, stop) < 0:
        return False
    return any(at + 1 not in read and _BODY.match(text, at, stop) for at in scan.flattened(text, start, stop)[1])


def operand_span(text: str, shape_end: int, stop: int) -> tuple[int, int] | None:
    """Where the operands begin and end of an instruction whose shape ends at ``shape_end``; None: nowhere."""
    opcode = _OPCODE.match(text, shape_end, stop)
    close = scan.operands_end(text, opcode.end(), stop) if opcode is not None else None
    return None if opcode is None or close is None else (opcode.end(), close)


def header_lines(lines: list[str]) -> int:
    """Over how many lines the module's header goes that begins with the first: until no bracket or list is open."""
    depth = 0
    for number, line in enumerate(lines[:_MOST_LINES], 1):
        depth += scan.depth(line, 0, len(line))
        if depth <= 0 and not scan.without_comments(line).rstrip().endswith(","):
            return number
    return 1


def opened_behind(line: str) -> int | None:
    """Where a computation begins on the line of the module's header; None: it does not."""
    found = _ON_HEADER.match(line)
    return found.end() if found is not None else None
