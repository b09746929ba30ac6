"""Reading one equation of a jaxpr from its text: outputs, primitive, parameters, operands."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from xlascope.ir.explain.words import sizes
from xlascope.ir.shapes import parse_shape

ShapeOf = Callable[[str], str | None]
"""The type that a variable was defined with: ``f32[8,64]``; None where nobody knows."""

_HEAD = re.compile(r"\s*((?:[a-z_]+:\S+\s+)*)=\s+([a-z_][\w\-]*(?:\[(?!\]))?)")
_OUTPUT = re.compile(r"([a-z_]+):(\S+)")
_OPERAND = re.compile(r"(?<!\S)(-?[\w.+\-]+(?::[a-z]\w*\[[^\]]*\])?)(?!\S)")
_MOST_TYPES = 8
"""Operands whose types are looked up: no sentence tells more of them."""
_LITERAL = re.compile(r"([^:\s]+):([a-z]\w*\[[^\]]*\])")


@dataclass(frozen=True, slots=True)
class ReadEquation:
    """``outputs`` and ``operands`` are (name or literal, type); ``params`` are texts as the jaxpr has them."""

    primitive: str
    outputs: tuple[tuple[str, str], ...]
    operands: tuple[tuple[str, str | None], ...]
    params: dict[str, str]

    @property
    def result(self) -> str:
        """Type of the output, of many only their number."""
        if len(self.outputs) > 3:
            return f"{len(self.outputs)} values"
        return ", ".join(kind for _, kind in self.outputs) or "nothing"

    def operand(self, position: int) -> str:
        """Name and type of an operand."""
        if position >= len(self.operands):
            return "nothing"
        name, kind = self.operands[position]
        return f"{name} {kind}" if kind else name

    def sizes(self, position: int, dimensions: tuple[int, ...]) -> str:
        """``dim 1 (256)`` of an operand."""
        kind = self.operands[position][1] if position < len(self.operands) else None
        return sizes(parse_shape(kind) if kind else None, dimensions)


def read_equation(text: str, shape_of: ShapeOf) -> ReadEquation | None:
    """An equation of a jaxpr's text, all its lines; None for a text that is none."""
    match = _HEAD.match(text)
    if match is None:
        return None
    primitive = match.group(2)
    has_params = primitive.endswith("[")
    primitive = primitive.rstrip("[")
    rest = text[match.end() :]
    inside, after = _bracketed(rest) if has_params else ("", rest)
    operands: list[tuple[str, str | None]] = []
    types: dict[str, str | None] = {}
    for word in _OPERAND.findall(after):
        literal = _LITERAL.match(word)
        if literal:
            operands.append((literal.group(1), literal.group(2)))
        elif word in types or len(types) >= _MOST_TYPES:
            operands.append((word, types.get(word)))
        else:
            types[word] = shape_of(word)
            operands.append((word, types[word]))
    outputs = tuple(_OUTPUT.findall(match.group(1)))
    return ReadEquation(primitive, outputs, tuple(operands), _params(inside))


def _bracketed(text: str) -> tuple[str, str]:
    depth = 1
    for match in re.finditer(r"[\[\](){}]", text):
        depth += 1 if match.group() in "[({" else -1
        if not depth:
            return text[: match.start()], text[match.end() :]
    return text, ""


def _params(text: str) -> dict[str, str]:
    """Parameters, by what stands before each ``=`` outside of brackets."""
    starts: list[tuple[str, int, int]] = []
    depth = 0
    for match in re.finditer(r"[\[({]|[\])}]|(?<![\w.])[A-Za-z_]\w*=(?!=)", text):
        mark = match.group()
        if len(mark) == 1:
            depth += 1 if mark in "[({" else -1
        elif depth <= 0:
            starts.append((mark[:-1], match.start(), match.end()))
    if not starts:
        return {}
    stops = [start for _, start, _ in starts[1:]] + [len(text)]
    return {key: text[begin:stop].strip() for (key, _, begin), stop in zip(starts, stops, strict=True)}
