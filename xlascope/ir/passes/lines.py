"""What one line of HLO text says, read once however many snapshots hold the line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from sys import intern

from xlascope.ir import scan
from xlascope.ir.instruction import CALL_ROLES

_INSTRUCTION = re.compile(
    r"\s*(ROOT +)?%?([^\s=,(){}%\"]+) = (\([^\n]*?\)|[^\s(]\S*) ([a-zA-Z][a-zA-Z0-9_\-]*)\(")
_COMPUTATION = re.compile(r"\s*(ENTRY +)?%?([^\s=,(){}%\"]+)(?: +\([^\n]*\) *-> [^\n]*)? +\{\s*\Z")
_METADATA = re.compile(r', metadata=\{(?:[^{}"]|"(?:[^"\\]|\\.)*+"|\{[^{}]*+\})*+\}')
_REFERENCE = re.compile(r"%([^\s,(){}=%\"]+)")
_BARE_CALL = re.compile(rf"\b({'|'.join(CALL_ROLES)})=(\{{[^{{}}]*\}}|[^\s,]+)")
_OP_NAME = re.compile(r'\bop_name="((?:[^"\\]|\\.)*+)"')


@dataclass(frozen=True, slots=True)
class Instruction:
    """``form`` is the line without names, numbering and metadata: equal forms do the same with their operands.

    ``calls`` are the names in its attributes: computations it calls, or instructions it must come after.
    """

    name: str
    opcode: str
    shape: str
    root: bool
    form: str
    operands: tuple[str, ...]
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opening:
    """The line that opens a computation."""

    name: str
    entry: bool


def read_line(line: str) -> Instruction | Opening | None:
    """An instruction, the opening of a computation, or None for any other line. Never raises for odd text."""
    match = _INSTRUCTION.match(line)
    if match is None:
        opened = _COMPUTATION.match(line)
        return Opening(opened[2], opened[1] is not None) if opened and not line.startswith("HloModule") else None
    start, stop = match.end(), len(line)
    end = scan.operands_end(line, start, stop)
    end = stop if end is None else end
    opcode, operand_text, rest = match[4], line[start:end], line[end:]
    if "metadata=" in rest:
        rest = _METADATA.sub("", rest)
    operands: tuple[str, ...] = ()
    if opcode not in ("constant", "parameter", "iota"):
        if "%" in operand_text:
            operands = tuple(_REFERENCE.findall(operand_text))
            operand_text = _REFERENCE.sub("%", operand_text)
        else:
            operands = tuple(name for name, _ in scan.operand_refs(operand_text))
            operand_text = "%," * len(operands)
    if "%" in rest:
        calls = tuple(_REFERENCE.findall(rest))
        rest = _REFERENCE.sub("%", rest)
    else:
        calls = tuple(name for _, names in _BARE_CALL.findall(rest) for name in scan.computation_names(names))
        rest = _BARE_CALL.sub(r"\1=%", rest)
    form = f"{match[3]} {opcode}({operand_text}{rest}"
    return Instruction(match[2], intern(opcode), match[3], match[1] is not None, form, operands, calls)


def bare(line: str) -> str:
    """An instruction's line without its metadata."""
    return _METADATA.sub("", line).strip()


def op_name(line: str) -> str:
    """The ``op_name`` of a line's metadata, '' where it has none."""
    match = _OP_NAME.search(line)
    return match[1] if match else ""
