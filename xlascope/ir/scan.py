"""Splitting one line of HLO text: balanced brackets, operands, attributes."""

from __future__ import annotations

import re

# Strings and comments that do not end run to the end of the line: looking for their end again from each later quote
# would take quadratic time.
_MARK = re.compile(r'"(?:[^"\\]|\\.)*+"?|[][{}(),]|/\*(?:[^*]|\*(?!/))*+(?:\*/)?')
_PLAIN_OPERANDS = re.compile(r"[^][{}()\"]*\)")
_PLAIN_NAMES = re.compile(r"%[\w.\-]++(?:, %[\w.\-]++)*+")
_COMMENT = re.compile(r"/\*(?:[^*]|\*(?!/))*+(?:\*/)?")
_KEY = re.compile(r"\s*([A-Za-z_][\w.\-]*)\s*=")
_COMPUTATION_NAME = re.compile(r"%?([^\s,{}()=%]+)")


def closing(text: str, start: int, stop: int, depth: int = 1) -> int | None:
    """Offset of the bracket that closes the last of ``depth`` open at ``start``; None when ``stop`` comes first."""
    for mark in _MARK.finditer(text, start, stop):
        character = text[mark.start()]
        if character in "({[":
            depth += 1
        elif character in ")}]":
            depth -= 1
            if not depth:
                return mark.start()
    return None


def depth(text: str, start: int, stop: int) -> int:
    """How many more brackets are opened than closed in ``text[start:stop]``, strings and comments left out."""
    found = 0
    for mark in _MARK.finditer(text, start, stop):
        character = text[mark.start()]
        found += (character in "({[") - (character in ")}]")
    return found


def is_comment(line: str) -> bool:
    """Is there nothing on a line but a comment?"""
    line = line.strip()
    return line.startswith("//") or (line.startswith("/*") and line.find("*/") == len(line) - 2)


def without_comments(text: str) -> str:
    """A text without its ``/*…*/``."""
    return _COMMENT.sub("", text) if "/*" in text else text


def operands_end(text: str, start: int, stop: int) -> int | None:
    """Offset of the parenthesis that closes an operand list beginning at ``start``."""
    plain = _PLAIN_OPERANDS.match(text, start, stop)
    return plain.end() - 1 if plain else closing(text, start, stop)


def split_top(text: str, start: int, stop: int) -> list[str]:
    """The parts of ``text[start:stop]`` between commas outside of brackets and strings, stripped, empties left out."""
    return [part for begin, end in spans_top(text, start, stop) if (part := text[begin:end].strip())]


def spans_top(text: str, start: int, stop: int) -> list[tuple[int, int]]:
    """As ``split_top``, but where the parts begin and end, as they are."""
    spans, depth, begin = [], 0, start
    for mark in _MARK.finditer(text, start, stop):
        character = text[mark.start()]
        if character in "({[":
            depth += 1
        elif character in ")}]":
            depth -= 1
        elif character == "," and depth <= 0:
            spans.append((begin, mark.start()))
            begin = mark.end()
    return [*spans, (begin, stop)]


def flattened(text: str, start: int, stop: int) -> tuple[str, list[int]]:
    """``text[start:stop]`` with ``_`` for all that is in brackets, strings and comments, and where outer braces open.

    What stands at ``start`` itself (a bracket that closes) is outside.
    """
    parts: list[str] = []
    opened: list[int] = []
    depth, begin = 0, start
    for mark in _MARK.finditer(text, start + 1, stop):
        at, end = mark.span()
        character = text[at]
        if character in "({[":
            if not depth:
                parts.append(text[begin:at])
                begin = at
                if character == "{":
                    opened.append(at)
            depth += 1
        elif character in ")}]":
            depth -= 1
            if not depth:
                parts.append("_" * (end - begin))
                begin = end
            depth = max(depth, 0)
        elif character != "," and not depth:
            parts += text[begin:at], "_" * (end - at)
            begin = end
    parts.append(text[begin:stop] if not depth else "_" * (stop - begin))
    return "".join(parts), opened


def plain_names(text: str) -> tuple[str, ...] | None:
    """The names in an operand list of names alone, as ``%a, %b``; None for any other text."""
    return tuple(text[1:].split(", %")) if _PLAIN_NAMES.fullmatch(text) else None


def operand_refs(text: str) -> tuple[tuple[str, int | None], ...]:
    """Names and tuple indexes in an operand list: ``%a, f32[2]{0} %b, c#1`` gives a, b, and element 1 of c."""
    if not text.strip():
        return ()
    plain = plain_names(text)
    if plain is not None:
        return tuple([(name, None) for name in plain])
    text = without_comments(text)
    parts = split_top(text, 0, len(text)) if ("[" in text or "(" in text or "{" in text) else text.split(",")
    names = [part.split()[-1].lstrip("%") for part in parts if part.strip()]
    if "#" not in text:
        return tuple((name, None) for name in names)
    return tuple(_reference(name) for name in names)


def _reference(name: str) -> tuple[str, int | None]:
    base, mark, index = name.rpartition("#")
    return (base, number) if mark and base and (number := whole_number(index)) is not None else (name, None)


def attributes(text: str, start: int, stop: int) -> dict[str, str]:
    """``, key=value, …`` as a dict of texts, in order. A part without a key is kept as its own key with value ''."""
    found: dict[str, str] = {}
    for part in split_top(text, start, stop):
        key = _KEY.match(part)
        if key:
            found[key.group(1)] = part[key.end() :].strip()
        else:
            found[part] = ""
    return found


def computation_names(value: str) -> tuple[str, ...]:
    """``%body`` or ``{%a, %b}`` as names without %."""
    return tuple(_COMPUTATION_NAME.findall(value))


def whole_number(text: str) -> int | None:
    """A number of at most 18 digits; None for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def unquote(value: str) -> str:
    """A quoted text without its quotes and escapes; another text as it is."""
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    body = value[1:-1]
    return re.sub(r"\\(.)", _unescape, body, flags=re.DOTALL) if "\\" in body else body


def _unescape(match: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t", "r": "\r"}.get(match.group(1), match.group(1))
