"""The opcodes of HLO text in order: whether two modules have the same instructions whatever they are called."""

from __future__ import annotations

import re

_ASSIGNMENT = re.compile(r"^\s*(?:ROOT )?%?[\w.\-]+ = ", re.MULTILINE)
_OPCODE = re.compile(r"\s*([a-z][\w\-]*)\(")


def opcodes(text: str) -> list[str]:
    """Opcode of each instruction of HLO text, in the order of the text."""
    found = []
    for match in _ASSIGNMENT.finditer(text):
        end = text.find("\n", match.end())
        line = text[match.end() : end if end >= 0 else len(text)]
        opcode = _OPCODE.match(line, _shape_end(line))
        if opcode:
            found.append(opcode.group(1))
    return found


def _shape_end(line: str) -> int:
    """Where the shape at the head of `line` ends: a tuple shape has parentheses and blanks inside."""
    if not line.startswith("("):
        blank = line.find(" ")
        return blank if blank >= 0 else len(line)
    depth = 0
    for position, character in enumerate(line):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return position + 1
    return len(line)
