"""Events whose stats have the same form as others' are read by that form: no field of theirs is looked for.

Most events of a line are of few forms: the same stats in the same order, each of the same number of bytes. A mold is
such a form, taken from the first event that shows it; an event fits when all but its values is the same, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from xlascope.traces.cells import Cells
from xlascope.traces.wire import BYTES, I64, U64, ProfileError, fields, fixed_varints, read_varint

_FEW = 48
"""Fewer events than this of one length are not worth a mold."""
_MOST = 8
"""Molds kept of one length."""
_LONGEST = 512
_STAT, _ID = 4, 0x08
_NUMBERS = (0x18, 0x20, 0x38)
_REF = 0x38
_UNUSED = (0x11, 0x32)
"""Doubles and raw bytes, of no use here and of no harm."""


@dataclass(frozen=True, slots=True)
class Mold:
    """The form of the stats of an event: words under masks, and the wanted stats: name, offset, bytes, is it an id."""

    masks: U64
    words: U64
    numbers: tuple[tuple[str, int, int, bool], ...]

    def fits(self, words: U64, at: I64) -> np.ndarray:
        """Mask of the events whose stats, at these offsets, have this form."""
        good = np.ones(len(at), bool)
        for number, (mask, word) in enumerate(zip(self.masks, self.words, strict=True)):
            good &= (words[at + 8 * number] & mask) == word
        return good

    def read(self, words: U64, at: I64, events: I64, cells: Cells) -> None:
        """Fill in the stats of events that fit."""
        for name, offset, size, is_ref in self.numbers:
            cells.set(name, events, fixed_varints(words, at + offset, size).view(np.int64), is_ref)


class Molds:
    """The molds met so far, by the length of the stats."""

    def __init__(self, wanted: Mapping[int, str]) -> None:
        self._wanted = wanted
        self._known: dict[int, list[Mold]] = {}

    def read(self, chunk: bytes, words: U64, at: I64, end: I64, cells: Cells) -> I64:
        """Fill in the stats at [at, end) of each event of a padded chunk; gives those that fit no mold, in order."""
        length = np.minimum(end - at, _LONGEST).astype(np.int16)
        count = np.bincount(length, minlength=_LONGEST + 1)
        order = np.argsort(length, kind="stable")
        upto = np.cumsum(count)
        left = [order[int(upto[_LONGEST - 1]) :]]
        for size in np.flatnonzero(count[:_LONGEST]).tolist():
            if size:
                events = order[int(upto[size - 1]) : int(upto[size])]
                left.append(self._read(chunk, words, at, size, events, cells))
        return np.sort(np.concatenate(left))

    def _read(self, chunk: bytes, words: U64, at: I64, size: int, events: I64, cells: Cells) -> I64:
        """As `read`, of events with stats of one length."""
        molds = self._known.setdefault(size, [])
        for number in range(_MOST):
            if len(events) < _FEW:
                break
            if number == len(molds):
                first = int(at[events[0]])
                made = mold_of(chunk, first, first + size, self._wanted)
                if made is None:
                    break
                molds.append(made)
            here = at[events]
            fit = molds[number].fits(words, here)
            if fit.all():
                molds[number].read(words, here, events, cells)
                return events[:0]
            molds[number].read(words, here[fit], events[fit], cells)
            events = events[~fit]
        return events


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
    row = np.frombuffer(chunk[start:end] + bytes(len(mask) - (end - start)), "<u8")
    return Mold(masks, row & masks, tuple(numbers))
