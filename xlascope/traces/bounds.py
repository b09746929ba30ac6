"""Where the events of a line begin and end: guessed for all of them at once, then proved by their lengths."""

from __future__ import annotations

import numpy as np

from xlascope.traces.wire import I64, U64, chain, words_of

EVENT_TAG = 0x22
"""XLine.events: field 4, bytes."""

_ID, _OFFSET = 0x08, 0x10
"""An event opens with the id of its metadata, and its offset comes next; no stat inside of an event opens so."""
_BEFORE, _BEHIND = 3, 5
"""Bytes of a guess before its body, tag and a length of two bytes, and in it: tag, an id of three bytes, tag."""
# Masks of the word that starts three bytes before a body, and what it is under them: tag and length of one byte or two,
_HEADS = ((0x80FF00, 0x002200), (0x8080FF, 0x008022))
# and the tag that follows an id of one byte, of two, of three.
_IDS = ((0xFF80 << 32, 0x1000 << 32), (0xFF8080 << 32, 0x100080 << 32), (0xFF808080 << 32, 0x10008080 << 32))
_BLOCK = 1 << 17
"""So many bytes are looked through at a time that what is made of them stays in the processor's cache."""
_LOOSE = 8
"""Where more than one guess in so many is wrong, guessing does not pay."""


def bounds(chunk: bytes, end: int) -> tuple[I64, I64, int]:
    """As `wire.chain` of the events in chunk[:end], and equal to it: starts and ends of bodies, offset after the last.

    `chunk` has at least 8 bytes more. A guess is right when it is the first byte, or when the event before it is right
    and ends there. What no guess is right about is walked one after the other.
    """
    guesses, body, after = _guessed(chunk, end)
    loose = np.flatnonzero(after[:-1] != guesses[1:])
    if len(loose) * _LOOSE > len(guesses):
        guesses = guesses[:0]
    starts, ends = [body[:0]], [body[:0]]
    pos, moved = 0, True
    while moved:
        here = int(np.searchsorted(guesses, pos))
        if here < len(guesses) and guesses[here] == pos:
            wrong = int(np.searchsorted(loose, here))
            beyond = (int(loose[wrong]) if wrong < len(loose) else len(guesses) - 1) + 1
            beyond -= int(after[beyond - 1]) > end
            found = body[here:beyond], after[here:beyond]
        else:
            found = _walked(chunk, pos, end, guesses[here:])
        starts.append(found[0])
        ends.append(found[1])
        moved = bool(len(found[1]))
        pos = int(found[1][-1]) if moved else pos
    return np.concatenate(starts), np.concatenate(ends), pos


def _guessed(chunk: bytes, end: int) -> tuple[I64, I64, I64]:
    """Where an event may begin, its body, and its end if it is one: what has a whole opening of the usual form."""
    body = _likely(np.frombuffer(chunk, np.uint8, end))
    word = words_of(chunk)[body - _BEFORE]
    # Most have the first of both forms, and are told by one look at the word.
    good = _is(word, _HEADS[0][0] | _IDS[0][0], _HEADS[0][1] | _IDS[0][1])
    rest = np.flatnonzero(~good)
    others = word[rest]
    short, long = (_is(others, *form) for form in _HEADS)
    good[rest] = (short | long) & (_is(others, *_IDS[0]) | _is(others, *_IDS[1]) | _is(others, *_IDS[2]))
    if not good.all():
        body, word = body[good], word[good]
    at = body - 2
    size = (word >> np.uint64(16)) & np.uint64(0x7F)
    if long.any():
        of_two = _is(word, *_HEADS[1])
        size = np.where(of_two, (word >> np.uint64(8)) & np.uint64(0x7F) | size << np.uint64(7), size)
        at -= of_two
    return at, body, body + size.view(np.int64)


def _is(word: U64, mask: int, value: int) -> np.ndarray:
    return (word & np.uint64(mask)) == np.uint64(value)


def _likely(octets: np.ndarray) -> I64:
    """Where the two tags that open an event stand as far apart as an id of up to three bytes makes them."""
    found = [np.zeros(0, np.int64)]
    last = len(octets) - _BEHIND
    for start in range(_BEFORE, last, _BLOCK):
        part = octets[start : min(start + _BLOCK, last) + _BEHIND]
        offset = part == _OFFSET
        near = offset[2:-2] | offset[3:-1]
        near |= offset[4:]
        near &= part[:-4] == _ID
        found.append(np.flatnonzero(near[:-1]) + start)
    return np.concatenate(found)


def _walked(chunk: bytes, pos: int, end: int, guesses: I64) -> tuple[I64, I64]:
    """Bodies from `pos` on up to one of the later guesses, or as far as events go."""
    starts: list[int] = []
    ends: list[int] = []
    skip = 0
    while True:
        stop = int(guesses[skip]) if skip < len(guesses) else end
        found, after, pos = chain(chunk, pos, stop, EVENT_TAG)
        starts += found
        ends += after
        if pos == stop or stop == end or chunk[pos] != EVENT_TAG:
            return np.asarray(starts, np.int64), np.asarray(ends, np.int64)
        skip = 2 * skip + 1
