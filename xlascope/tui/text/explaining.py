"""What a line of a jaxpr or of StableHLO does, in a sentence: from its text and from the lines it refers to."""

from __future__ import annotations

import re

from xlascope.ir.explain.equations import explain_equation
from xlascope.ir.explain.operations import explain_operation, read_operation
from xlascope.ir.explain.reading import read_equation
from xlascope.tui.text.folds import Folds
from xlascope.tui.text.following import JaxprLinks
from xlascope.tui.text.lines import TextLines

_LONGEST = 20_000
"""Characters of an equation that are read; its operands come last and are read in any case."""


def explain_row(source: TextLines, folds: Folds, language: str, row: int) -> tuple[str, str] | None:
    """The name of the operation on a line and what it does; None for a line that is no operation."""
    if not 0 <= row < len(source):
        return None
    if language == "stablehlo":
        return _stablehlo(source, folds, row)
    return _jaxpr(source, folds, row) if language == "jaxpr" else None


def _stablehlo(source: TextLines, folds: Folds, row: int) -> tuple[str, str] | None:
    text = source.line(row)
    fold = folds.at_header(row)
    if fold is not None and " : " not in text.rpartition("}>")[2]:
        text += source.line(folds.lasts[fold]).strip()  # the types stand after the operation's regions
    operation = read_operation(text)
    if operation is None:
        return None
    return operation.name, explain_operation(text) or f"no explanation for {operation.name}"


def _jaxpr(source: TextLines, folds: Folds, row: int) -> tuple[str, str] | None:
    links = JaxprLinks(source, folds)
    first, last = links.equation(row)

    def shape_of(name: str) -> str | None:
        line = links.definition(name, first)
        found = re.search(rf"(?<![\w.]){re.escape(name)}:(\S+)", source.line(line)) if line is not None else None
        return found.group(1).rstrip(".") if found else None

    text = "\n".join(source.line(number) for number in range(first, min(last, first + 400)))
    text = f"{text[:_LONGEST]}\n{source.line(last)}" if last > first else source.line(first)
    equation = read_equation(text, shape_of)
    if equation is None:
        return None
    return equation.primitive, explain_equation(text, shape_of) or f"no explanation for {equation.primitive}"
