"""What is left out of a line until asked for: metadata, backend configurations, long literals, attributes and types."""

from __future__ import annotations

import re

LONGEST = 48
"""Values of more characters are folded to their length."""
_LONG_LIST = 120
"""Tuples of shapes, parameters and types are folded when they are longer."""

_GONE = ("metadata", "backend_config", "frontend_attributes", "statistics", "origin")
_ATTRIBUTE = re.compile(r",\s*([a-z_]+)=(?=([{\"]))")
_LITERAL = re.compile(r" constant\(")
_TUPLE = re.compile(r"(?: = | |->\s*)\((?=[^()])")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?')
_QUOTED = r"\"(?:[^\"\\]|\\.)*+\""
_LOCATION = re.compile(rf"\s*\bloc\((?:[^()\"]|{_QUOTED}|\((?:[^()\"]|{_QUOTED}|\([^()]*+\))*+\))*+\)")
_DENSE = re.compile(r"\bdense(?:_resource)?<([^<>]*+)>")
_SHARDING = re.compile(r"\b(?:mhlo|sdy)\.sharding(?:_per_value)? = (\"[^\"]*+\"?|#sdy\.[^\n]{0,400}?>)(?=[,}\s])")
_TYPES = re.compile(r" : (?=[(t])")


def is_hidden_by_default(language: str) -> bool:
    """Whether lines of a language have parts that are left out."""
    return _of(language) is not None


def shown(line: str, language: str) -> str:
    """The line without what is hidden, and with what is long folded to ``{…N}``, N its number of characters."""
    cut = _of(language)
    return line if cut is None else cut(line)


def _of(language: str):  # type: ignore[no-untyped-def]
    name = language.partition(":")[0]
    return _hlo if name in ("hlo", "optimized", "pass") else _stablehlo if name == "stablehlo" else None


def _length(characters: int) -> str:
    return f"{{…{characters:,}}}"


def _hlo(line: str) -> str:
    if len(line) <= LONGEST:
        return line
    pieces: list[str] = []
    position, end = 0, len(line)
    start = position
    while (match := _ATTRIBUTE.search(line, position)) is not None:
        value = match.end()
        stop = _value_end(line, value, end)
        if match.group(1) in _GONE:
            pieces.append(line[start : match.start()])
            start = stop
        elif stop - value > LONGEST:
            pieces += [line[start:value], _length(stop - value - 2)]
            start = stop
        position = max(stop, match.end())
    pieces.append(line[start:])
    return _long_lists(_literal("".join(pieces)))


def _value_end(line: str, start: int, end: int) -> int:
    from xlascope.ir import scan  # late: what it brings is not needed for the first picture

    if line[start] == '"':
        match = _STRING.match(line, start)
        return match.end() if match else end
    found = scan.closing(line, start + 1, end)
    return end if found is None else found + 1


def _literal(line: str) -> str:
    from xlascope.ir import scan  # late: what it brings is not needed for the first picture

    match = _LITERAL.search(line)
    if match is None:
        return line
    stop = scan.closing(line, match.end(), len(line))
    if stop is None or stop - match.end() <= LONGEST:
        return line
    return line[: match.end()] + _length(stop - match.end()) + line[stop:]


def _long_lists(line: str) -> str:
    if len(line) <= _LONG_LIST:
        return line
    from xlascope.ir import scan  # late: what it brings is not needed for the first picture

    pieces: list[str] = []
    start = position = 0
    while (match := _TUPLE.search(line, position)) is not None:
        stop = scan.closing(line, match.end(), len(line))
        stop = len(line) if stop is None else stop
        if stop - match.end() > _LONG_LIST:
            parts = scan.split_top(line, match.end(), stop)
            if len(parts) > 3:
                pieces += [line[start : match.end()], f"{parts[0]}, {parts[1]}, … {len(parts) - 2} more"]
                start = stop
        position = max(stop, match.end())
    pieces.append(line[start:])
    return "".join(pieces)


def _stablehlo(line: str) -> str:
    if "loc(" in line and not line.startswith("#loc"):
        line = _LOCATION.sub("", line)
    if len(line) <= LONGEST:
        return line
    line = _DENSE.sub(lambda match: _folded(match, f"dense<…{len(match.group(1)):,}>"), line)
    line = _SHARDING.sub(lambda match: _folded(match, match.group().partition("=")[0] + "= " +
                                               _length(len(match.group(1)))), line)  # fmt: skip
    types = None
    for match in _TYPES.finditer(line):
        types = match
    if types is not None and len(line) - types.end() > _LONG_LIST:
        count = line.count("tensor<", types.end())
        return f"{line[: types.end() + LONGEST].rstrip()}… {count} types"
    return _long_lists(line)


def _folded(match: re.Match[str], text: str) -> str:
    return text if len(match.group(1)) > LONGEST else match.group()
