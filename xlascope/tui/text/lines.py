"""Lines of a large text: an index of offsets over its bytes, and a search over the bytes themselves."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

_CHUNK = 1 << 20


class TextLines:
    """Lines of one text held as UTF-8 with an array of line starts: about 1.1 times the bytes of the text.

    Lines end with a line feed only (a carriage return before it is dropped), as compilers write them. A needle
    without capitals is looked for without regard to ASCII case.
    """

    __slots__ = ("_data", "_starts", "width")

    def __init__(self, text: str | bytes):
        self._data = _utf8(text) if isinstance(text, str) else text
        self._starts, self.width = _index(self._data)

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def data(self) -> bytes:
        """The whole text as UTF-8."""
        return self._data

    def offset(self, line: int) -> int:
        """Where a line begins in `data`; its end for a line that is not there."""
        return self._starts[line] if line < len(self._starts) else len(self._data)

    def line_of(self, offset: int) -> int:
        """The line that an offset of `data` lies in."""
        return bisect_right(self._starts, offset) - 1

    def pieces(self) -> Iterator[str]:
        """The whole text as it was given, in pieces of about a megabyte that end with a line."""
        position = 0
        while position < len(self._data):
            cut = self._data.find(b"\n", position + _CHUNK)
            end = len(self._data) if cut < 0 else cut + 1
            yield self._data[position:end].decode("utf-8", "replace")
            position = end

    def line(self, index: int) -> str:
        """A line as text, without its end."""
        start = self._starts[index]
        end = self._starts[index + 1] - 1 if index + 1 < len(self._starts) else len(self._data)
        if end > start and self._data[end - 1] == 0x0A and index + 1 == len(self._starts):
            end -= 1
        return self._data[start:end].decode("utf-8", "replace").rstrip("\r")

    def is_long(self, index: int, limit: int) -> bool:
        """Whether a line has more than `limit` bytes."""
        return self.offset(index + 1) - self._starts[index] > limit

    def ends(self, index: int, first: int, last: int) -> tuple[str, str, int]:
        """About the first and the last characters of a long line, and how many bytes lie between."""
        start, stop = self._starts[index], self.offset(index + 1)
        if stop > start and self._data[stop - 1] == 0x0A:
            stop -= 1
        head, tail = self._data[start : start + first], self._data[stop - last : stop]
        between = stop - start - first - last
        return head.decode("utf-8", "replace"), tail.decode("utf-8", "replace").rstrip("\r"), between

    def window(self, index: int, first: int, last: int) -> str:
        """The characters `first` to `last` of a line; of one that is long only these are decoded."""
        start, stop = self._starts[index], self.offset(index + 1)
        piece = self._data[start + first : min(start + last, stop)]
        if stop - start <= _CHUNK and not piece.isascii():
            return self.line(index)[first:last]
        return piece.decode("utf-8", "replace").rstrip("\r\n")

    def search(self, pattern: re.Pattern[bytes], start: int, backwards: bool = False) -> int | None:
        """As `find`, for a pattern; one that begins with `^` needs `re.MULTILINE`."""
        if not 0 <= start < len(self._starts):
            return None
        if not backwards:
            match = pattern.search(self._data, self._starts[start])
            return self.line_of(match.start()) if match else None
        found = self.search_all(pattern, len(self._starts), self.offset(start + 1))
        return found[-1] if found else None

    def search_all(self, pattern: re.Pattern[bytes], limit: int, stop: int | None = None) -> array[int]:
        """The first `limit` lines before the offset `stop` in which a pattern matches."""
        found, seen = array("l"), -1
        for match in pattern.finditer(self._data, 0, len(self._data) if stop is None else stop):
            line = self.line_of(match.start())
            if line != seen:
                found.append(line)
                seen = line
                if len(found) >= limit:
                    break
        return found

    def find_all(self, needle: str, limit: int) -> array[int]:
        """The first lines that contain `needle`, at most `limit`."""
        wanted = _utf8(needle)
        found: array[int] = array("l")
        if not wanted:
            return found
        fold, overlap, seen = wanted == wanted.lower(), len(wanted) - 1, -1
        for begin in range(0, len(self._data), _CHUNK):
            piece = self._data[begin : begin + _CHUNK + overlap]
            piece = piece.lower() if fold else piece
            at = piece.find(wanted)
            while at >= 0:
                line = self.line_of(begin + at)
                if line > seen:
                    found.append(line)
                    seen = line
                    if len(found) >= limit:
                        return found
                at = piece.find(wanted, max(at + 1, self.offset(line + 1) - begin))
        return found

    def find(self, needle: str, start: int, backwards: bool = False) -> int | None:
        """The first line from `start` on that contains `needle`; None if none does."""
        wanted = _utf8(needle)
        if not wanted or not len(self._starts) or not 0 <= start < len(self._starts):
            return None
        fold = wanted == wanted.lower()
        if backwards:
            end = self._starts[start + 1] if start + 1 < len(self._starts) else len(self._data)
            at = _rfind(self._data, wanted, end, fold)
        else:
            at = _find(self._data, wanted, self._starts[start], fold)
        return None if at < 0 else bisect_right(self._starts, at) - 1


def _utf8(text: str) -> bytes:
    """The bytes a text was decoded from; half characters that no decoder makes become `?`."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


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
