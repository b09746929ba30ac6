"""Filter expressions over rows: ``opcode=dot & self>1ms``, ``share>5% | name~fusion``, ``!(line=14 | added)``.

A predicate is a field, a comparison and a value; ``&`` binds closer than ``|``, ``!`` and parentheses do what they do.
What is not known of a row (None) answers no comparison, so that ``!(self>1ms)`` holds for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from xlascope.views.errors import ViewError

Test = Callable[[Any], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<sign>!=|!~|>=|<=|[=<>~])|(?P<mark>[&|!()])|(?P<string>\"[^\"]*\"?)|(?P<word>[^\s&|!()=<>~\"]+))"
)
_VALUE = re.compile(r"\s*(?:\"([^\"]*)(\"?)|([^\s&|()]+))")
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*([a-zA-Zµ%]*)\Z")
_TIMES = {"ns": 1.0, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9}
_SIZES = {"": 1.0, "B": 1.0, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9}
_COUNTS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
_SHARES = {"": 1.0, "%": 0.01}
_UNITS = {"time": _TIMES, "size": _SIZES, "count": _COUNTS, "share": _SHARES}
_SAYS = {
    "time": "a time, as 1ms, 20us or 0.5s",
    "size": "a size, as 1MiB or 4096",
    "count": "a number, as 12 or 3k",
    "share": "a share, as 5% or 0.05",
    "text": "a text; one with spaces in double quotes",
    "path": "the path of an equation, as 4.0",
    "place": "a line, as 14 or train.py:14",
    "flag": "nothing: it stands alone",
}
_ORDER = ("=", "!=", ">", ">=", "<", "<=")
_SIGNS = {"text": ("=", "!=", "~", "!~"), "path": ("=", "!="), "place": ("=", "!=", "~", "!~"), "flag": ()}
_DEEPEST = 64


class FilterError(ValueError):
    """An expression that makes no sense. ``column`` (from 0) is where, ``valid`` what could stand there."""

    def __init__(self, message: str, column: int, valid: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message, self.column, self.valid = message, column, tuple(valid)

    def __str__(self) -> str:
        valid = f"; valid: {', '.join(self.valid)}" if self.valid else ""
        return f"{self.message} at column {self.column + 1}{valid}"

    def pointed(self, text: str) -> str:
        """The expression, a mark under the column, and the message."""
        return f"{text}\n{' ' * self.column}^ {self}"


@dataclass(frozen=True, slots=True)
class Field:
    """What of a row can be asked for. ``kind``: `time` (ns), `size`, `count`, `share`, `text`, `path`, `place`, `flag`.

    ``get`` gives None for what is not known; of a `path` all paths, of a `place` the file and all lines.
    """

    name: str
    kind: str
    get: Callable[[Any], Any]

    @property
    def signs(self) -> tuple[str, ...]:
        """The comparisons that it takes."""
        return _SIGNS.get(self.kind, _ORDER)


def _attribute(name: str) -> Callable[[Any], Any]:
    return lambda row: getattr(row, name, None)


def _per_call(row: Any) -> float | None:
    own, count = getattr(row, "self_ns", None), getattr(row, "count", None)
    return own / count if own is not None and count else None


def _place(*prefixes: str) -> Callable[[Any], Any]:
    """Of the first prefix that names a file."""

    def place(row: Any) -> tuple[str | None, tuple[int, ...]]:
        prefix = next((each for each in prefixes if getattr(row, f"{each}file", None) is not None), "")
        line = getattr(row, f"{prefix}line", None)
        lines = getattr(row, "lines", ()) or ()
        return getattr(row, f"{prefix}file", None), tuple(lines) if lines else (() if line is None else (line,))

    return place


OPS = (
    Field("op", "text", _attribute("op")),
    Field("name", "text", _attribute("op")),
    Field("opcode", "text", _attribute("opcode")),
    Field("program", "text", _attribute("program")),
    Field("device", "text", _attribute("device")),
    Field("self", "time", _attribute("self_ns")),
    Field("total", "time", _attribute("total_ns")),
    Field("per_call", "time", _per_call),
    Field("share", "share", _attribute("share")),
    Field("count", "count", _attribute("count")),
    Field("bytes", "size", _attribute("bytes")),
    Field("flops", "count", _attribute("flops")),
    Field("line", "place", _place("user_")),
    Field("file", "text", lambda row: getattr(row, "user_file", None) or getattr(row, "file", None)),
    Field("equation", "path", _attribute("equations")),
    Field("added", "flag", _attribute("added_by_xla")),
)
EQUATIONS = (
    Field("equation", "path", lambda row: (row.path,)),
    Field("path", "path", lambda row: (row.path,)),
    Field("primitive", "text", _attribute("primitive")),
    Field("name", "text", _attribute("primitive")),
    Field("program", "text", _attribute("program")),
    Field("self", "time", _attribute("self_ns")),
    Field("exact", "time", _attribute("exact_ns")),
    Field("estimated", "time", _attribute("estimated_ns")),
    Field("total", "time", _attribute("total_ns")),
    Field("share", "share", _attribute("share")),
    Field("line", "place", _place()),
    Field("file", "text", lambda row: getattr(row, "file", None)),
    Field("instruction", "text", _attribute("instructions")),
    Field("parent", "path", lambda row: () if row.parent is None else (row.parent,)),
    Field("state", "text", _attribute("state")),
    Field("folded", "flag", lambda row: getattr(row, "state", None) == "folded"),
)
FIELDS = {"ops": OPS, "equations": EQUATIONS}


def parse(text: str, fields: Sequence[Field]) -> Test:
    """The test that an expression stands for; FilterError for one that makes no sense."""
    reader = _Reader(text, {field.name: field for field in fields})
    test = reader.either(0)
    reader.skip()
    if reader.at < len(text):
        raise FilterError(
            "nothing is expected here", reader.at, ("&", "|") if text[reader.at] != ")" else ("&", "|", "(")
        )
    return test


def test_of(view: str, text: str) -> Callable[[Any], Test]:
    """The test of an expression over the rows of an answer of a view. Raises ViewError that points at what makes no
    sense."""

    def of(answer: Any) -> Test:
        return parse(text, [_of_all(field, answer) for field in FIELDS[view]])

    try:
        parse(text, FIELDS[view])
        return of
    except FilterError as error:
        raise ViewError("--filter: " + error.message, error.pointed(text)) from error


def _of_all(field: Field, answer: Any) -> Field:
    """The share of an equation is told as a part of all op time that the answer has, not of its program's alone."""
    every = getattr(answer, "op_ns", None)
    if field.name != "share" or not every:
        return field
    return Field("share", "share", lambda row: None if row.total_ns is None else row.total_ns / every)


def is_expression(text: str, fields: Sequence[Field]) -> bool:
    """Whether a text is meant as an expression rather than as words to look for."""
    first = re.match(r"[\s!(]*([A-Za-z_]+)", text)
    known = {field.name: field for field in fields}
    if first is None or first.group(1) not in known:
        return False
    rest = text[first.end() :].lstrip()
    return known[first.group(1)].kind == "flag" or rest[:1] in tuple("=<>~!")


def hints(text: str, fields: Sequence[Field]) -> tuple[str, ...]:
    """What could stand at the end of an unfinished expression; empty for a whole one."""
    try:
        parse(text, fields)
    except FilterError as error:
        last = re.search(r"[A-Za-z_]*\Z", text[error.column :])
        begun = last.group() if last else ""
        return tuple(each for each in error.valid if each.startswith(begun)) or error.valid
    return ()


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, text: str, fields: dict[str, Field]) -> None:
        self.text, self.fields, self.at = text, fields, 0

    def skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def takes(self, mark: str) -> bool:
        self.skip()
        if not self.text.startswith(mark, self.at):
            return False
        self.at += len(mark)
        return True

    def either(self, depth: int) -> Test:
        parts = [self.both(depth)]
        while self.takes("|"):
            self.takes("|")
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def both(self, depth: int) -> Test:
        parts = [self.one(depth)]
        while self.takes("&"):
            self.takes("&")
            parts.append(self.one(depth))
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def one(self, depth: int) -> Test:
        if depth > _DEEPEST:
            raise FilterError("parentheses lie too deep in each other", self.at)
        if self.takes("!"):
            test = self.one(depth + 1)
            return lambda row: not test(row)
        if self.takes("("):
            begin = self.at - 1
            test = self.either(depth + 1)
            if not self.takes(")"):
                raise FilterError("this parenthesis is not closed", begin, (")", "&", "|"))
            return test
        return self.predicate()

    def predicate(self) -> Test:
        self.skip()
        begin = self.at
        match = _TOKEN.match(self.text, self.at)
        if match is None or match.group("word") is None:
            raise FilterError("a field is expected", begin, tuple(self.fields))
        name = match.group("word")
        field = self.fields.get(name)
        if field is None:
            raise FilterError(f"there is no field {name}", begin, tuple(self.fields))
        self.at = match.end()
        if field.kind == "flag":
            return lambda row: field.get(row) is True
        self.skip()
        sign = _TOKEN.match(self.text, self.at)
        if sign is None or sign.group("sign") is None:
            raise FilterError(f"{name} needs a comparison", self.at, field.signs)
        if sign.group("sign") not in field.signs:
            raise FilterError(f"{name} cannot be compared with {sign.group('sign')}", self.at, field.signs)
        self.at = sign.end()
        return _predicate(field, sign.group("sign"), *self.value(field))

    def value(self, field: Field) -> tuple[str, int]:
        self.skip()
        begin = self.at
        match = _VALUE.match(self.text, self.at)
        if match is None:
            raise FilterError("a value is expected", begin, (_SAYS[field.kind],))
        if match.group(3) is None and not match.group(2):
            raise FilterError("the quotes do not end", begin, ('"',))
        self.at = match.end()
        return (match.group(1) if match.group(3) is None else match.group(3)), begin


def _predicate(field: Field, sign: str, value: str, column: int) -> Test:
    if field.kind in _UNITS:
        return _compared(field, sign, _number(field, value, column))
    if field.kind == "path":
        return _negated(sign, lambda row: any(_within(path, value) for path in field.get(row) or ()))
    if sign.endswith("~"):
        try:
            pattern = re.compile(value)
        except re.error as error:
            at = column + (error.pos or 0)
            raise FilterError(f"no regular expression: {error.msg}", at, ("a regular expression",)) from error
        return _negated(sign, lambda row: any(pattern.search(each) for each in _texts(field, row)))
    if field.kind == "place":
        file, _, number = value.rpartition(":")
        if not (number.isascii() and number.isdigit()) or len(number) > 9:
            raise FilterError(f"{value} is no line", column, (_SAYS["place"],))
        return _negated(sign, lambda row: _at_line(field.get(row), file, int(number)))
    return _negated(sign, lambda row: value in _texts(field, row))


def _number(field: Field, value: str, column: int) -> float:
    match, units = _NUMBER.match(value), _UNITS[field.kind]
    if match is None or match.group(2) not in units:
        what = f"{value} is no {field.kind}" if match is None or match.group(2) else f"{value} needs a unit"
        raise FilterError(what, column, (_SAYS[field.kind],))
    return float(match.group(1)) * units[match.group(2)]


def _compared(field: Field, sign: str, wanted: float) -> Test:
    def test(row: Any) -> bool:
        own = field.get(row)
        if own is None:
            return False
        return {
            "=": own == wanted, "!=": own != wanted, ">": own > wanted, ">=": own >= wanted, "<": own < wanted,
            "<=": own <= wanted,
        }[sign]  # fmt: skip

    return test


def _negated(sign: str, test: Test) -> Test:
    return (lambda row: not test(row)) if sign.startswith("!") else test


def _texts(field: Field, row: Any) -> list[str]:
    value = field.get(row)
    if field.kind == "place":
        file, lines = value
        return [f"{file or ''}:{line}" for line in lines] or ([file] if file else [])
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(each) for each in value]


def _within(path: str, wanted: str) -> bool:
    return path == wanted or path.startswith(wanted + ".")


def _at_line(place: tuple[str | None, tuple[int, ...]], file: str, line: int) -> bool:
    own, lines = place
    return line in lines and (not file or (own is not None and (own == file or own.endswith("/" + file))))
