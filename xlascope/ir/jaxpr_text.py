"""Variables of equations, read from JAX's pretty print: which values each equation takes and gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from xlascope.ir.jaxpr import Equation, JaxprIndex

_VARIABLE = re.compile(r"[a-z_*]+\Z")
_MARK = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\](){}]|\s+')
_LET = re.compile(r"\blet\b")
_LAMBDA = re.compile(r"\{\s*lambda\b")
_NAME = re.compile(r"\bname=([\w<>.\-]+)")
_LENGTH = re.compile(r"\blength=(\d{1,18})\b")
_LONGEST = 200_000


@dataclass(frozen=True, slots=True)
class Statement:
    """One equation as written: variables and literals it takes, in order, and variables it gives.

    ``name`` is that of the function it calls, ``length`` the turns of a scan.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    name: str | None = None
    length: int | None = None


@dataclass(slots=True)
class BodyText:
    """A jaxpr as written: names and types of its inputs (constants first), and the variables it returns."""

    inputs: list[tuple[str, str]] = field(default_factory=list)
    results: tuple[str, ...] = ()


def is_variable(text: str) -> bool:
    """A variable, not a literal."""
    return _VARIABLE.match(text) is not None


def statements(index: JaxprIndex) -> dict[str, Statement]:
    """The statements of the equations by path; one whose text is not understood is left out."""
    lines = Lines(index.text)
    known: dict[int, Statement | None] = {}
    found: dict[str, Statement] = {}
    for equation in index.equations:
        if equation.text_line is None:
            continue
        if equation.text_line not in known:
            known[equation.text_line] = _statement(lines, equation)
        statement = known[equation.text_line]
        if statement is not None:
            found[equation.path] = statement
    return found


def body_text(lines: Lines, first: Equation, last: Equation) -> BodyText:
    """The jaxpr whose first and last equations these are; empty where its text is not understood."""
    if first.text_line is None or last.text_line is None:
        return BodyText()
    start = lines.start(first.text_line)
    begin = max((match.end() for match in _LAMBDA.finditer(lines.text, max(start - _LONGEST, 0), start)), default=None)
    body = BodyText()
    if begin is not None:
        let = _LET.search(lines.text, begin, start)
        binders = lines.text[begin : let.start() if let else start].replace(";", " ").rstrip(" .\n")
        body.inputs = [(name, kind) for name, _, kind in (each.partition(":") for each in _tokens(binders)) if kind]
    end = re.compile(rf"^ {{0,{max(lines.indent(last.text_line) - 1, 0)}}}in (.*?)\s*\}}", re.MULTILINE | re.DOTALL)
    match = end.search(lines.text, lines.start(last.text_line), lines.start(last.text_line) + _LONGEST)
    if match is not None:
        results = match.group(1).strip().removeprefix("(").removesuffix(")")
        body.results = tuple(part.strip() for part in results.split(",") if part.strip())
    return body


class Lines:
    """Where the lines of a jaxpr's text begin: found once for all of its bodies, which may be many."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def start(self, line: int) -> int:
        """Where a line (from 1) begins; the end of the text for one that is not there."""
        return self._starts[line - 1] if 0 < line <= len(self._starts) else len(self.text)

    def indent(self, line: int) -> int:
        """Spaces before a line's first character."""
        written = self.text[self.start(line) : self.start(line + 1)].partition("\n")[0]
        return len(written) - len(written.lstrip(" "))


def _statement(lines: Lines, equation: Equation) -> Statement | None:
    text = lines.text
    start = lines.start(equation.text_line or 0)
    line_end = text.find("\n", start)
    first = text[start : line_end if line_end >= 0 else len(text)]
    indent = len(first) - len(first.lstrip(" "))
    equals = re.compile(rf"(?:^|\s)= {re.escape(equation.primitive)}(?=[\[\s]|$)", re.MULTILINE)
    match = equals.search(text, start, start + _LONGEST)
    if match is None:
        return None
    outputs = tuple(part.partition(":")[0] for part in text[start : match.start()].split())
    position = match.end()
    parameters = ""
    if text.startswith("[", position):
        close = _closing(text, position)
        if close is None:
            return None
        parameters, position = text[position + 1 : close], close + 1
    inputs = tuple(_tokens(_rest(text, position, indent)))
    name = _NAME.match(parameters.lstrip()) or _NAME.search(parameters.partition("{")[0])
    length = _LENGTH.search(parameters)
    return Statement(
        inputs, outputs, name.group(1) if name else None, int(length.group(1)) if length is not None else None
    )


def _rest(text: str, position: int, indent: int) -> str:
    """What follows on the line, and on the lines that are set in deeper than the equation."""
    end = text.find("\n", position)
    if end < 0:
        return text[position:]
    found = [text[position:end]]
    while True:
        begin, end = end + 1, text.find("\n", end + 1)
        line = text[begin : end if end >= 0 else len(text)]
        depth = len(line) - len(line.lstrip(" "))
        if not line.strip() or depth <= indent or line.lstrip().startswith("in "):
            break
        found.append(line)
        if end < 0:
            break
    return " ".join(found)


def _closing(text: str, start: int) -> int | None:
    """Offset of the bracket that closes the one at ``start``."""
    depth = 0
    for mark in _MARK.finditer(text, start, start + _LONGEST):
        character = mark.group()
        if character in ("[", "(", "{"):
            depth += 1
        elif character in ("]", ")", "}"):
            depth -= 1
            if not depth:
                return mark.start()
    return None


def _tokens(text: str) -> Iterator[str]:
    """Words between blanks outside of brackets."""
    depth, begin = 0, 0
    for mark in _MARK.finditer(text):
        character = mark.group()
        if character in ("[", "(", "{"):
            depth += 1
        elif character in ("]", ")", "}"):
            depth -= 1
        elif character.isspace() and depth <= 0:
            if begin < mark.start():
                yield text[begin : mark.start()]
            begin = mark.end()
    if text[begin:].strip():
        yield text[begin:].strip()
