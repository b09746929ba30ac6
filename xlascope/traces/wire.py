"""The protobuf wire format: one message field by field, and many small messages in lockstep with numpy.

Nothing here knows XSpace. A walk that meets bytes that are no protobuf raises ProfileError with their place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

_MSB = np.uint64(0x8080808080808080)
_LOW7 = np.uint64(0x7F7F7F7F7F7F7F7F)
_ONE = np.uint64(1)
# By number of bytes: the seven low bits of each, their stop bits, and these as all but the last byte have them set.
_FIRST = np.asarray([0x7F7F7F7F7F7F7F7F & ((1 << 8 * size) - 1) for size in range(9)], np.uint64)
_STOPS = np.asarray([0x8080808080808080 & ((1 << 8 * size) - 1) for size in range(9)], np.uint64)
_GOES_ON = np.asarray([0x8080808080808080 & ((1 << 8 * max(size - 1, 0)) - 1) for size in range(9)], np.uint64)

_PUSHES = (
    (1, np.uint64(0x007F007F007F007F), np.uint64(0x7F007F007F007F00), np.uint64(1)),
    (2, np.uint64(0x00003FFF00003FFF), np.uint64(0x3FFF00003FFF0000), np.uint64(2)),
    (4, np.uint64(0x000000000FFFFFFF), np.uint64(0x0FFFFFFF00000000), np.uint64(4)),
)
"""Pairs of groups of seven bits, then of four of them, then of eight: more than so many, low ones, high ones, shift."""

I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]


class ProfileError(Exception):
    """A profile that cannot be read; `place` is the byte offset where it broke."""

    def __init__(self, message: str, place: int) -> None:
        super().__init__(f"{message} (byte {place})")
        self.place = place


class Field(NamedTuple):
    """One field of a message: `value` of a number, or `start` and `end` of bytes; `after`: the offset behind it."""

    number: int
    wire: int
    value: int
    start: int
    end: int
    after: int


def read_varint(data: memoryview, pos: int, end: int) -> tuple[int, int]:
    """The unsigned varint at `pos` and the offset after it. Raises ProfileError when it leaves `end` or 10 bytes."""
    result = 0
    for shift in range(0, 70, 7):
        if pos >= end:
            raise ProfileError("a number is cut off", pos)
        byte = data[pos]
        pos += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result & 0xFFFFFFFFFFFFFFFF, pos
    raise ProfileError("a number has more than 10 bytes", pos)


def fields(data: memoryview, pos: int, end: int, on_cut: Callable[[int], None] | None = None) -> Iterator[Field]:
    """The fields of the message in data[pos:end], in order. Raises ProfileError where the bytes are no protobuf.

    With `on_cut`, a bytes field that leaves the message is told to it by its offset and given as far as it goes.
    """
    while pos < end:
        at = pos
        tag = data[pos]  # mostly of one byte
        tag, pos = (tag, pos + 1) if tag < 0x80 else read_varint(data, pos, end)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise ProfileError("a field has the number 0", at)
        if wire == VARINT:
            value, pos = read_varint(data, pos, end)
            yield Field(number, wire, value, 0, 0, pos)
        elif wire == BYTES:
            size = data[pos] if pos < end else 0x80
            size, pos = (size, pos + 1) if size < 0x80 else read_varint(data, pos, end)
            if pos + size > end:
                if on_cut is None:
                    raise ProfileError("a field is longer than its message", at)
                on_cut(at)
                size = end - pos
            yield Field(number, wire, 0, pos, pos + size, pos + size)
            pos += size
        elif wire in (FIXED64, FIXED32):
            size = 8 if wire == FIXED64 else 4
            if pos + size > end:
                raise ProfileError("a number is cut off", at)
            value = int.from_bytes(data[pos : pos + size], "little")
            yield Field(number, wire, value, pos, pos + size, pos + size)
            pos += size
        else:
            raise ProfileError(f"unknown wire type {wire}", at)


def signed(value: int) -> int:
    """A protobuf int64, which the wire carries as an unsigned number."""
    return value - (1 << 64) if value >= 1 << 63 else value


def text(data: memoryview, start: int, end: int) -> str:
    """A field as text; bytes that are no UTF-8 are replaced."""
    return bytes(data[start:end]).decode("utf-8", "replace")


def words_of(chunk: bytes) -> U64:
    """An 8-byte little-endian word starting at every byte of `chunk`, which must end in 16 bytes of padding."""
    return np.ndarray((len(chunk) - 7,), "<u8", chunk, 0, (1,))


def exact_varints(words: U64, at: I64, size: I64) -> tuple[U64, NDArray[np.bool_]]:
    """The varints at the offsets `at` that are known to take `size` bytes, and whether they do."""
    fits = (size > 0) & (size <= 8)
    few = np.where(fits, size, 0)
    word = words[at]
    value = _join7(word & _FIRST[few])
    good = fits & (word & _STOPS[few] == _GOES_ON[few])
    long = np.flatnonzero(size > 8)
    if long.size:
        value[long], found = varints(words, at[long])
        good[long] = found == size[long]
    return value, good


def varints(words: U64, at: I64) -> tuple[U64, I64]:
    """The varints at the offsets `at`, and their lengths in bytes; length 0 marks one longer than 10 bytes."""
    value, size = decoded(words[at])
    long = np.flatnonzero(size == 0)
    if long.size:
        _finish_long(words, at, long, value, size)
    return value, size


def decoded(word: U64) -> tuple[U64, I64]:
    """The varints that begin in the lowest byte of each word, and their lengths: 0 where it does not hold the end."""
    stop = ~word
    stop &= _MSB
    upto = stop - _ONE
    upto ^= stop
    size = (np.bitwise_count(upto) >> 3).astype(np.int64)
    size *= stop != 0
    upto &= word
    upto &= _LOW7
    return _join7(upto, int(size.max(initial=0)) or 8), size


def varints_of(word: U64, size: int) -> U64:
    """The varints that begin in the lowest byte of each word, all known to take `size` bytes, of 1 to 8."""
    return _join7(word & _FIRST[size], size)


def _join7(word: U64, size: int = 8) -> U64:
    """Up to eight groups of seven bits, one in each byte, pushed together in place; `size`: at most so many groups."""
    for least, low, high, shift in _PUSHES:
        if size > least:
            up = word & high
            up >>= shift
            word &= low
            word |= up
    return word


def _finish_long(words: U64, at: I64, long: I64, value: U64, size: I64) -> None:
    """Complete, in place, the varints whose first eight bytes hold no end (negative numbers take ten)."""
    at_long = at[long]
    # The padding is shorter than a varint that runs off the end: such a one is cut off, not read.
    safe = np.minimum(at_long + 8, len(words) - 1)
    tail = words[safe]
    eighth, ninth = tail & np.uint64(0xFF), (tail >> np.uint64(8)) & np.uint64(0xFF)
    nine = eighth < 0x80
    ten = ~nine & (ninth < 0x80)
    joined = _join7(words[at_long] & _LOW7) | ((eighth & np.uint64(0x7F)) << np.uint64(56))
    value[long] = np.where(nine, joined, joined | ((ninth & _ONE) << np.uint64(63)))
    size[long] = np.where(nine, 9, np.where(ten, 10, 0))


def chain(chunk: bytes, pos: int, end: int, tag: int) -> tuple[list[int], list[int], int]:
    """Walk fields that all carry the one-byte `tag` of a bytes field: their starts, their ends, the offset after.

    Stops, without raising, at another tag or at a field that does not lie whole in chunk[pos:end].
    """
    starts: list[int] = []
    ends: list[int] = []
    add_start, add_end = starts.append, ends.append
    while pos + 1 < end and chunk[pos] == tag:
        size = chunk[pos + 1]
        start = pos + 2
        if size >= 0x80:
            size, start, shift = size & 0x7F, pos + 2, 7
            while start < end and chunk[start] >= 0x80 and shift < 63:
                size |= (chunk[start] & 0x7F) << shift
                start += 1
                shift += 7
            if start >= end or shift >= 63:
                break
            size |= chunk[start] << shift
            start += 1
        stop = start + size
        if stop > end:
            break
        add_start(start)
        add_end(stop)
        pos = stop
    return starts, ends, pos
