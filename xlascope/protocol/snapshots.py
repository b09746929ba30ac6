"""Many texts that differ little, as one list of distinct lines and rows of line numbers.

The passes of a compile are some sixty forms of one module: together they hold hardly more distinct lines than three of
them. ``lines`` is the distinct lines, in the order of their first appearance, joined by line feeds; ``rows`` the
texts, each as little-endian int32 differences of neighbouring line numbers (mostly 1, which compresses to nothing).
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence


class LineStore:
    """Takes texts one after the other; equal ones are kept once."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._rows: list[array[int]] = []
        self._known: dict[bytes, int] = {}

    def add(self, text: bytes) -> int:
        """Keep a text; its number. An equal one has the number of the first."""
        numbers = self._numbers
        row = array("i", [numbers.setdefault(line, len(numbers)) for line in text.split(b"\n")])
        key = row.tobytes()
        if key not in self._known:
            self._known[key] = len(self._rows)
            self._rows.append(row)
        return self._known[key]

    def counts(self) -> list[int]:
        """Lines of each text."""
        return [len(row) for row in self._rows]

    def lines(self) -> list[str]:
        """The distinct lines."""
        return [line.decode("utf-8", "replace") for line in self._numbers]

    def rows(self) -> list[array[int]]:
        """The line numbers of each text."""
        return list(self._rows)

    def packed(self) -> tuple[bytes, bytes]:
        """``lines`` and ``rows``."""
        steps = array("i")
        for row in self._rows:
            before = 0
            for number in row:
                steps.append(number - before)
                before = number
        if sys.byteorder == "big":
            steps.byteswap()
        return b"\n".join(self._numbers), steps.tobytes()


def unpack(lines: bytes, rows: bytes, counts: Sequence[int]) -> tuple[list[str], list[array[int]]]:
    """The distinct lines, and each text as line numbers. Raises ValueError for what is not of this form."""
    steps = array("i")
    if len(rows) % steps.itemsize:
        raise ValueError("the rows end within a number")
    steps.frombytes(rows)
    if sys.byteorder == "big":
        steps.byteswap()
    if any(count < 0 for count in counts) or sum(counts) != len(steps):
        raise ValueError("the rows are not as long as they should be")
    texts = lines.decode("utf-8", "replace").split("\n")
    found, at = [], 0
    for count in counts:
        row, number = array("i"), 0
        for step in steps[at : at + count]:
            number += step
            row.append(number)
        if count and not 0 <= min(row) <= max(row) < len(texts):
            raise ValueError("a row names a line that is not there")
        found.append(row)
        at += count
    return texts, found
