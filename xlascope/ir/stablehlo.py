"""Lines of StableHLO text and the equations they come from.

The engine writes the tagged module with each operation's name behind its last line (`xlascope/engine/core/located.py`).
Without those names it is the untagged text, which is checked here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from xlascope.ir.provenance import Chain, chain_of, is_whole, known_paths, names_of
from xlascope.ir.scan import closing, split_top

_NAME = re.compile(r' loc\("((?:[^"\\]|\\.)*)"\)$')
_FUNCTION = re.compile(r"\s*func\.func\b[^@]*@([\w.$\-]+|\"[^\"]*\")\(")
_CALL = re.compile(r"\b(?:func\.)?call @([\w.$\-]+|\"[^\"]*\")\(")
# Where the names inside begin anew.
_SCOPE = re.compile(r"= \"?sdy\.manual_computation\b")
_OPERATION = re.compile(r"\s*(?:%[^=]*= )?\"?([a-z_]+\.[\w.]+|call|return)\b")


_MODULE = re.compile(r"^\s*(?:builtin\.)?module @([\w.$\-]+|\"[^\"]*\")", re.MULTILINE)


def module_name(text: str) -> str | None:
    """The name of the module in StableHLO text, None where it has none."""
    found = _MODULE.search(text)
    return found.group(1).strip('"') if found else None


_MAIN = re.compile(r"\bfunc\.func (?:public )?@main\(")
_RESULTS = re.compile(r"\s*->\s*\(")
_RESULT_INFO = re.compile(r'\bjax\.result_info = "((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(rb"\\([0-9A-Fa-f]{2}|.)", re.DOTALL)


def result_names(text: str) -> tuple[str, ...]:
    """What JAX called each result of the module's main function (``result[0]['w']``), empty where it gave no name."""
    main = _MAIN.search(text)
    if main is None:
        return ()
    stop = text.find("\n", main.end())
    stop = stop if stop >= 0 else len(text)
    end = closing(text, main.end(), stop)
    results = _RESULTS.match(text, end + 1, stop) if end is not None else None
    last = closing(text, results.end(), stop) if results is not None else None
    if results is None or last is None:
        return ()
    told = (_RESULT_INFO.search(part) for part in split_top(text, results.end(), last))
    return tuple(_unescaped(each.group(1)) if each is not None else "" for each in told)


def _unescaped(text: str) -> str:
    """A string of MLIR, which writes quotes and what is no ASCII as bytes in hexadecimal."""
    def byte(match: re.Match[bytes]) -> bytes:
        return bytes.fromhex(match[1].decode()) if len(match[1]) == 2 else match[1]

    return _ESCAPE.sub(byte, text.encode()).decode(errors="replace")


@dataclass(frozen=True, slots=True)
class LineLinks:
    """Equation paths by line (from 1). ``mismatch``: where the two texts part, None when they do not."""

    by_line: dict[int, tuple[str, ...]]
    mismatch: str | None = None


@dataclass(slots=True)
class _Operation:
    first: int
    last: int
    name: str
    function: str
    callee: str | None
    scope: _Operation | None = None
    """The operation in whose region names begin anew."""


@dataclass(slots=True)
class _Text:
    """The named text: plain lines, and its operations, which are lines ``first`` to ``last`` (from 1)."""

    lines: list[str] = field(default_factory=list)
    operations: list[_Operation] = field(default_factory=list)


def link_lines(text: str, named: str, known: Collection[str] | None = None) -> LineLinks:
    """The equations of each line of a StableHLO ``text``, from the ``named`` text of the same program.

    The lines of an operation with regions that are its own (head, ``} do {``, end) have its equations, those inside
    theirs. Where the plain texts differ (another version printed one of them), lines are matched one by one as long
    as their operations agree; from the first that do not on, nothing is linked. Constants that were merged and moved
    to the front, as writing a portable artifact does, are passed over, and so is what it makes of an operation of CHLO.
    """
    read = _read(named)
    paths = _Functions(read.operations, known).by_line(read)
    ours = list(enumerate((line.rstrip() for line in text.splitlines()), 1))
    theirs = list(enumerate((line.rstrip() for line in read.lines), 1))
    same, mismatch = _agreeing(ours, theirs, paths)
    if mismatch is not None:
        without = _agreeing(_without_constants(ours), _without_constants(theirs), paths)
        if without[1] is None or len(without[0]) > len(same):
            same, mismatch = without
    return LineLinks({same[line]: found for line, found in paths.items() if line in same}, mismatch)


def _read(named: str) -> _Text:
    found = _Text()
    function = ""
    # Heads of operations that are still open, by indentation.
    open_at: dict[int, int] = {}
    for number, line in enumerate(named.splitlines(), 1):
        match = _NAME.search(line)
        plain = line[: match.start()] if match else line
        found.lines.append(plain)
        begun = _FUNCTION.match(plain)
        if begun:
            function = begun.group(1)
        indent = len(plain) - len(plain.lstrip())
        closes = plain.lstrip().startswith("}")
        if not closes and (_OPERATION.match(plain) or begun):
            open_at[indent] = number
        if match is not None:
            first = open_at.get(indent, number) if closes else number
            call = _CALL.search(plain)
            head = found.lines[first - 1]
            # A function's own name is that of its first call.
            name = "" if _FUNCTION.match(head) else match.group(1)
            operation = _Operation(first, number, name, function, call.group(1) if call else None)
            for inner in found.operations if _SCOPE.search(head) else ():
                if inner.first > first and inner.scope is None:
                    inner.scope = operation
            found.operations.append(operation)
    return found


class _Functions:
    """Names in a function begin anew there: its equations are those of its call sites, and on from there."""

    def __init__(self, operations: list[_Operation], known: Collection[str] | None) -> None:
        self._known = known
        self._operations = operations
        self._calls: dict[str, list[_Operation]] = {}
        for operation in operations:
            if operation.callee is not None:
                self._calls.setdefault(operation.callee, []).append(operation)
        self._prefixes: dict[str, tuple[Chain, ...]] = {}

    def by_line(self, text: _Text) -> dict[int, tuple[str, ...]]:
        found: dict[int, tuple[str, ...]] = {}
        # Inner operations end before the one around them: what a line has keeps it.
        for operation in self._operations:
            paths = known_paths(self._chains(operation), self._known)
            if not paths:
                continue
            if operation.first == operation.last:
                found.setdefault(operation.last, paths)
                continue
            indent = _indent(text.lines[operation.first - 1])
            for number in range(operation.first, operation.last + 1):
                if _indent(text.lines[number - 1]) == indent:
                    found.setdefault(number, paths)
        return found

    def _chains(self, operation: _Operation) -> list[Chain]:
        around: Sequence[Chain] | None = None if operation.scope is None else self._chains(operation.scope)
        found: dict[Chain, None] = {}
        for name in names_of(operation.name):
            prefixes = ((),) if is_whole(name) else self._of(operation.function) if around is None else around
            found.update(dict.fromkeys((*prefix, *chain_of(name)) for prefix in prefixes))
        return list(found)

    def _of(self, function: str) -> tuple[Chain, ...]:
        if function not in self._prefixes:
            self._prefixes[function] = ()  # a function that calls itself, which only broken text has
            found: dict[Chain, None] = {}
            for call in self._calls.get(function, ()):
                found.update(dict.fromkeys(self._chains(call)))
            self._prefixes[function] = tuple(found) if self._calls.get(function) else ((),)
        return self._prefixes[function]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


_Numbered = list[tuple[int, str]]


def _without_constants(lines: _Numbered) -> _Numbered:
    return [(number, line) for number, line in lines if line and _operation(line) != "stablehlo.constant"]


def _agreeing(
    ours: _Numbered, theirs: _Numbered, paths: Mapping[int, tuple[str, ...]]
) -> tuple[dict[int, int], str | None]:
    """Our line for each of theirs that agrees, up to the first that does not, and what is wrong with that one."""
    ours, theirs = [pair for pair in ours if pair[1]], [pair for pair in theirs if pair[1]]
    same: dict[int, int] = {}
    at = 0
    for place, (our, a) in enumerate(ours):
        if at >= len(theirs):
            break
        their, b = theirs[at]
        taken = 1
        if a != b and _operation(a) != _operation(b):
            taken = _expansion(ours, place, theirs, at, paths)
            if not taken:
                return same, f"the tagged StableHLO has another operation in line {their}: {b.strip()[:80]}"
        same[their] = our
        at += taken
    if len(same) != len(ours) or at != len(theirs):
        return same, f"the tagged StableHLO has {len(theirs)} lines, the script's {len(ours)}"
    return same, None


_LONGEST_EXPANSION = 400


def _expansion(
    ours: _Numbered, place: int, theirs: _Numbered, at: int, paths: Mapping[int, tuple[str, ...]]
) -> int:
    """How many of their lines stand for our operation of CHLO: the fewest after which both go on alike; 0 for none.

    All of them are of the same equations.
    """
    if not _operation(ours[place][1]).startswith("chlo."):
        return 0
    after = [_operation(line) for _, line in ours[place + 1 : place + 4]]
    for taken in range(1, _LONGEST_EXPANSION):
        if at + taken > len(theirs) or paths.get(theirs[at + taken - 1][0]) != paths.get(theirs[at][0]):
            return 0
        if [_operation(line) for _, line in theirs[at + taken : at + taken + len(after)]] == after:
            return taken
    return 0


def _operation(line: str) -> str:
    match = _OPERATION.match(line)
    return match.group(1) if match else line.strip()[:12]
