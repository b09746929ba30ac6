"""Lines of a large text: an index of offsets over its bytes, and a search over the bytes themselves."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Protocol

_CHUNK = 1 << 20


class LineSource(Protocol):
    """What a text pane shows: lines by number, from 0."""

    @property
    def width(self) -> int:
        """Upper bound of the cells of the longest line."""
        ...

    def __len__(self) -> int: ...

    def line(self, index: int) -> str:
        """The text of one line, without its end; control characters may be in it."""
        ...

    def find(self, needle: str, start: int, backwards: bool = False) -> int | None:
        """The first line at or after `start` (before or at it, if `backwards`) that contains `needle`, or None."""
        ...

    def pieces(self) -> Iterator[str]:
        """The whole text, in pieces."""
        ...


class TextLines:
    """Lines of one text held as UTF-8 with an array of line starts: about 1.1 times the bytes of the text.

    Lines end with a line feed only (a carriage return before it is dropped), as compilers write them. A needle
    without capitals is looked for without regard to ASCII case.
    """

    __slots__ = ("_data", "_starts", "width")

    def __init__(self, text: str | bytes):
        self._data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        self._starts, self.width = _index(self._data)

    def __len__(self) -> int:
        return len(self._starts)

    def pieces(self) -> Iterator[str]:
        """The whole text as it was given, in pieces of about a megabyte that end with a line."""
        position = 0
        while position < len(self._data):
            cut = self._data.find(b"\n", position + _CHUNK)
            end = len(self._data) if cut < 0 else cut + 1
            yield self._data[position:end].decode("utf-8", "replace")
            position = end

    def line(self, index: int) -> str:
        start = self._starts[index]
        end = self._starts[index + 1] - 1 if index + 1 < len(self._starts) else len(self._data)
        if end > start and self._data[end - 1] == 0x0A and index + 1 == len(self._starts):
            end -= 1
        return self._data[start:end].decode("utf-8", "replace").rstrip("\r")

    def find(self, needle: str, start: int, backwards: bool = False) -> int | None:
        wanted = needle.encode("utf-8", "surrogateescape")
        if not wanted or not len(self._starts) or not 0 <= start < len(self._starts):
            return None
        fold = wanted == wanted.lower()
        if backwards:
            end = self._starts[start + 1] if start + 1 < len(self._starts) else len(self._data)
            at = _rfind(self._data, wanted, end, fold)
        else:
            at = _find(self._data, wanted, self._starts[start], fold)
        return None if at < 0 else bisect_right(self._starts, at) - 1


def _index(data: bytes) -> tuple[array[int], int]:
    starts = array("I" if len(data) < 1 << 32 else "Q")
    widest, position = 0, 0
    while position < len(data):
        cut = data.find(b"\n", position + _CHUNK)
        end = len(data) if cut < 0 else cut + 1
        lengths = [len(line) + 1 for line in data[position:end].split(b"\n")]
        lengths.pop()
        tail = end - position - sum(lengths)
        starts.extend(accumulate(lengths, initial=position))
        if not tail:
            starts.pop()
        widest = max(widest, max(lengths, default=1) - 1, tail)
        position = end
    return starts, widest


def _find(data: bytes, wanted: bytes, start: int, fold: bool) -> int:
    if not fold:
        return data.find(wanted, start)
    overlap = len(wanted) - 1
    for position in range(start, len(data), _CHUNK):
        at = data[position : position + _CHUNK + overlap].lower().find(wanted)
        if at >= 0:
            return position + at
    return -1


def _rfind(data: bytes, wanted: bytes, end: int, fold: bool) -> int:
    if not fold:
        return data.rfind(wanted, 0, end)
    overlap = len(wanted) - 1
    position = end
    while position > 0:
        begin = max(position - _CHUNK, 0)
        at = data[begin : min(position + overlap, end)].lower().rfind(wanted)
        if at >= 0:
            return begin + at
        position = begin
    return -1
