"""How events open: the id of their metadata, their offset and their duration, read from all of them at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from xlascope.traces.wire import I64, U64, decoded

# Tag, an id of one byte or of two, tag.
_ONE, _ONE_IS = np.uint64(0xFF80FF), np.uint64(0x100008)
_TWO, _TWO_IS = np.uint64(0xFF8080FF), np.uint64(0x10008008)
_SEVEN, _EIGHT, _NINE = np.uint64(0x7F), np.uint64(8), np.uint64(9)
_DURATION = 0x18


def read_heads(words: U64, starts: I64, ends: I64, numbers: Mapping[int, I64]) -> I64:
    """Fill in the numbers, by field, with which the events open; gives where the rest of each begins.

    Nothing is filled in of an event that opens in an unusual way: all of it is its rest.
    """
    word = words[starts]
    one, two = (word & _ONE) == _ONE_IS, (word & _TWO) == _TWO_IS
    identity = (word >> _EIGHT) & _SEVEN
    if two.any():
        identity |= np.where(two, (word >> _NINE) & (_SEVEN << np.uint64(7)), np.uint64(0))
    at = starts + 3 + two
    offset, size = decoded(words[at])
    usual = (one | two) & (size > 0)
    at += size
    word = words[at]
    timed = (word & np.uint64(0xFF)) == _DURATION
    duration, size = decoded(word >> _EIGHT)
    # Seven bytes of the duration are in the word, and its eighth, shifted in, is 0: an end where there is none.
    usual &= ~timed | (size < 8)
    at += np.where(timed, size + 1, 0)
    usual &= at <= ends
    duration = np.where(timed, duration, np.uint64(0))
    if not usual.all():
        at = np.where(usual, at, starts)
        identity, offset, duration = (np.where(usual, each, np.uint64(0)) for each in (identity, offset, duration))
    for field, values in ((1, identity), (2, offset), (3, duration)):
        numbers[field][:] = values.view(np.int64)
    return at
