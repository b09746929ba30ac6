"""Events whose stats have the same form as others' are read by that form: no field of theirs is looked for.

Most events of a line are of few forms: the same stats in the same order, each of the same number of bytes. A mold is
such a form, taken from the first event that shows it; an event fits when all but its values is the same, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from xlascope.traces.cells import Cells
from xlascope.traces.wire import BYTES, I64, U64, ProfileError, fields, read_varint, varints_of

_FEW = 48
"""Fewer events than this of one length are not worth a mold."""
_MOST = 8
"""Molds kept, and forms tried, of one length."""
_TRIAL = 40_000
"""Where after so many events of a line fewer than a quarter fit, the rest is not tried."""
_LONGEST = 512
_STAT, _ID = 4, 0x08
_NUMBERS = (0x18, 0x20, 0x38)
_REF = 0x38
_UNUSED = (0x11, 0x32)
"""Doubles and raw bytes, of no use here and of no harm."""


@dataclass(frozen=True, slots=True)
class Mold:
    """The form of the stats of an event: words under masks, and the wanted stats: name, offset, bytes, is it an id."""

    masks: tuple[np.uint64, ...]
    words: tuple[np.uint64, ...]
    numbers: tuple[tuple[str, int, int, bool], ...]

    def fits(self, rows: U64) -> np.ndarray:
        """Mask of the events whose stats, a row of words each, have this form."""
        good = np.ones(len(rows), bool)
        for number, (mask, word) in enumerate(zip(self.masks, self.words, strict=True)):
            good &= (rows[:, number] & mask) == word
        return good

    def read(self, rows: U64, events: I64, cells: Cells) -> None:
        """Fill in the stats of events that fit."""
        for name, offset, size, is_ref in self.numbers:
            number, shift = offset // 8, np.uint64(offset % 8 * 8)
            word = rows[:, number] >> shift
            if offset % 8 + size > 8:
                word |= rows[:, number + 1] << np.uint64(64 - shift)
            cells.set(name, events, varints_of(word, size).view(np.int64), is_ref)


class Molds:
    """The molds met so far in a line, by the length of the stats."""

    def __init__(self, wanted: Mapping[int, str]) -> None:
        self._wanted = wanted
        self._known: dict[int, list[Mold]] = {}
        self._seen = self._fitted = 0

    def read(self, chunk: bytes, at: I64, end: I64, cells: Cells) -> I64:
        """Fill in the stats at [at, end) of each event of a padded chunk; gives those that fit no mold, in order."""
        if self._seen > _TRIAL and self._fitted * 4 < self._seen:
            return np.arange(len(at))
        length = np.minimum(end - at, _LONGEST).astype(np.int16)
        count = np.bincount(length, minlength=_LONGEST + 1)
        order = np.argsort(length, kind="stable")
        upto = np.cumsum(count)
        left = [order[int(upto[_LONGEST - 1]) :]]
        for size in np.flatnonzero(count[:_LONGEST]).tolist():
            if size:
                events = order[int(upto[size - 1]) : int(upto[size])]
                left += self._read(chunk, at, size, events, cells)
        rest = np.sort(np.concatenate(left))
        self._seen += len(at)
        self._fitted += len(at) - len(rest)
        return rest

    def _read(self, chunk: bytes, at: I64, size: int, events: I64, cells: Cells) -> list[I64]:
        """As `read`, of events with stats of one length."""
        if len(events) < _FEW:
            return [events]
        molds = self._known.setdefault(size, [])
        rows = _rows(chunk, at[events], size)
        left: list[I64] = []
        number = 0
        for _ in range(_MOST):
            if number == len(molds):
                first = int(at[events[0]])
                made = mold_of(chunk, first, first + size, self._wanted)
                if made is None:
                    left.append(events[:1])
                    events, rows = events[1:], rows[1:]
                    continue
                molds.append(made)
            fit = molds[number].fits(rows)
            if fit.all():
                molds[number].read(rows, events, cells)
                return left
            molds[number].read(rows[fit], events[fit], cells)
            events, rows = events[~fit], rows[~fit]
            number += 1
            if len(events) < _FEW:
                break
        return [*left, events]


def _rows(chunk: bytes, at: I64, size: int) -> U64:
    """The words at these offsets of a padded chunk, a row of as many as hold `size` bytes for each."""
    width = -(-size // 8)
    # One move of many bytes for each row is quicker than many of eight.
    whole = np.ndarray((len(chunk) - 8 * width + 1,), f"V{8 * width}", chunk, 0, (1,))
    return whole[at].view("<u8").reshape(len(at), width)


def mold_of(chunk: bytes, start: int, end: int, wanted: Mapping[int, str]) -> Mold | None:
    """The mold of the stats in chunk[start:end]; None where they are of an unusual form."""
    view = memoryview(chunk)
    mask = bytearray(b"\xff" * (end - start) + bytes(-(end - start) % 8))
    numbers = []
    try:
        for stat in fields(view, start, end):
            if stat.number != _STAT or stat.wire != BYTES or stat.end - stat.start < 2 or view[stat.start] != _ID:
                return None
            identity, at = read_varint(view, stat.start + 1, stat.end)
            name = wanted.get(identity)
            if name is None or (at < stat.end and view[at] in _UNUSED):
                mask[at - start : stat.end - start] = bytes(stat.end - at)
                continue
            if at == stat.end or view[at] not in _NUMBERS:
                return None
            after = read_varint(view, at + 1, stat.end)[1]
            size = after - at - 1
            if after != stat.end or size > 8:
                return None
            mask[at + 1 - start : after - start] = b"\x80" * size
            numbers.append((name, at + 1 - start, size, view[at] == _REF))
    except ProfileError:
        return None
    masks = np.frombuffer(bytes(mask), "<u8")
    words = np.frombuffer(chunk[start:end] + bytes(len(mask) - (end - start)), "<u8")
    return Mold(tuple(masks), tuple(words & masks), tuple(numbers))
