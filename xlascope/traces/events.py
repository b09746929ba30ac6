"""The events of one XLine, parsed in lockstep: an array for each field and each wanted stat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from xlascope.traces.bounds import EVENT_TAG, bounds
from xlascope.traces.cells import Cells
from xlascope.traces.heads import read_heads
from xlascope.traces.molds import Molds
from xlascope.traces.wire import (
    FIXED64,
    I64,
    U64,
    VARINT,
    ProfileError,
    exact_varints,
    fields,
    varints,
    words_of,
)
from xlascope.traces.wire import text as decode

CHUNK_BYTES = 1 << 20
"""So much is parsed at a time that what is made of it stays in the processor's cache."""
_PAD = bytes(24)
_SHORT_IDS = 1 << 14
_MAX_PS = np.int64(1) << 58
"""80 hours: a time beyond it is no time of a profile."""


@dataclass(slots=True)
class EventColumns:
    """Events of a stretch of a line. Arrays have one element for each event.

    `stats[name]` is (values, present): int64 numbers, or, where `is_ref` holds, ids of the plane's stat metadata;
    ids below 0 are -1-k for the k-th of `strings`, texts that stood in the events themselves.
    """

    metadata: I64
    offset_ps: I64
    duration_ps: I64
    stats: dict[str, tuple[I64, np.ndarray]]
    refs: dict[str, np.ndarray]
    strings: list[str]
    broken: int


def stretches(data: memoryview, pos: int, end: int) -> Iterator[tuple[bytes, I64, I64, int]]:
    """Cut data[pos:end], a run of events, into padded chunks: (chunk, starts, ends, offset in `data` after them).

    The last offset tells where the run of whole events stopped.
    """
    while pos < end and data[pos] == EVENT_TAG:
        size = CHUNK_BYTES
        while True:
            stop = min(end, pos + size)
            chunk = b"".join((data[pos:stop], _PAD))
            starts, ends, used = bounds(chunk, stop - pos)
            if starts.size or stop == end:
                break
            size *= 4  # one event larger than the chunk
        if not starts.size:
            return
        yield chunk, starts, ends, pos + used
        pos += used


def parse(chunk: bytes, starts: I64, ends: I64, wanted: Mapping[int, str], molds: Molds) -> EventColumns:
    """Parse the events at chunk[starts:ends]; `wanted` names the stats to keep by metadata id, `molds` is made for it.

    Events that are no valid protobuf keep what was read before the fault and are counted in `broken`.
    """
    words = words_of(chunk)
    n = len(starts)
    numbers = {field: np.zeros(n, np.int64) for field in (1, 2, 3, 5)}
    names = sorted(set(wanted.values()))
    cells = Cells.empty(names, n)
    at = read_heads(words, starts, ends, numbers)
    rest = molds.read(chunk, at, ends, cells)
    owners, stat_starts, stat_ends, odd = _walk_events(words, chunk, rest, at[rest], ends[rest], numbers)
    odd_events = set(odd.tolist())
    odd_stats = _read_stats(words, chunk, owners, stat_starts, stat_ends, wanted, cells)
    odd_events.update(owners[odd_stats].tolist())
    broken = 0
    for index in sorted(odd_events):
        broken += _slow_event(chunk, int(starts[index]), int(ends[index]), index, numbers, wanted, cells)
    stats = {name: (cells.values[name], cells.present[name]) for name in names}
    for column in (numbers[2], numbers[3]):
        absurd = (column > _MAX_PS) | (column < -_MAX_PS)
        broken += int(np.count_nonzero(absurd))
        column[absurd] = 0
    return EventColumns(numbers[1], numbers[2], numbers[3], stats, cells.refs, cells.strings, broken)


def _walk_events(
    words: U64, chunk: bytes, event: I64, at: I64, end: I64, numbers: Mapping[int, I64]
) -> tuple[I64, I64, I64, I64]:
    """Step through the rest, from `at` on, of all these events at once, one field a step.

    Returns stats as (event, start, end) and the odd events.
    """
    octets = np.frombuffer(chunk, np.uint8)
    found: list[tuple[I64, I64, I64]] = []
    odd: list[I64] = []
    while True:
        alive = at < end
        if not alive.all():
            event, at, end = event[alive], at[alive], end[alive]
        if not event.size:
            break
        tag = octets[at]
        is_stat = tag == EVENT_TAG
        if is_stat.all():
            # Most steps: a stat of fewer than 128 bytes in every event.
            length = octets[at + 1].astype(np.int64)
            after = at + 2
            stop = after + length
            if (length < 0x80).all() and (stop <= end).all():
                found.append((event, after, stop))
                at = stop
                continue
        value, size = varints(words, at + 1)
        after = at + 1 + size
        length = np.where(is_stat, np.minimum(value, np.uint64(1 << 40)).astype(np.int64), 0)
        stop = after + length
        number = is_stat.copy()
        for field, column in numbers.items():
            hit = tag == field << 3
            if hit.any():
                rows = np.flatnonzero(hit)
                column[event[rows]] = value[rows].view(np.int64)
                number |= hit
        good = number & (size > 0) & (stop <= end)
        rows = np.flatnonzero(is_stat & good)
        if rows.size:
            found.append((event[rows], after[rows], stop[rows]))
        if not good.all():
            odd.append(event[~good])
            event, end, stop = event[good], end[good], stop[good]
        at = stop
    empty = np.zeros(0, np.int64)
    if not found:
        return empty, empty, empty, np.concatenate(odd) if odd else empty
    owners, stat_starts, stat_ends = (np.concatenate(part) for part in zip(*found, strict=True))
    return owners, stat_starts, stat_ends, np.concatenate(odd) if odd else empty


def _kinds(wanted: Mapping[int, str], names: Sequence[str]) -> np.ndarray:
    """For each id of one or two bytes the position of its name, -1 for one that is not wanted."""
    table = np.full(_SHORT_IDS, -1, np.int16)
    for identity, name in wanted.items():
        if 0 <= identity < _SHORT_IDS:
            table[identity] = names.index(name)
    return table


def _kinds_of(wanted: Mapping[int, str], names: Sequence[str], identity: U64) -> np.ndarray:
    """As `_kinds` of ids of any size."""
    ids = np.asarray(sorted(each for each in wanted if each >= 0) or [0], np.uint64)
    kinds = np.asarray([names.index(wanted[each]) if each in wanted else -1 for each in ids.tolist()])
    slot = np.minimum(np.searchsorted(ids, identity), len(ids) - 1)
    return np.where(ids[slot] == identity, kinds[slot], -1)


def _read_stats(
    words: U64, chunk: bytes, owners: I64, starts: I64, ends: I64, wanted: Mapping[int, str], cells: Cells
) -> I64:
    """Fill `cells` from the stats of a stretch; returns the positions of the stats of an unusual form."""
    if not wanted or not owners.size:
        return np.zeros(0, np.int64)
    octets = np.frombuffer(chunk, np.uint8)
    names = list(cells.values)
    low, high = octets[starts + 1], octets[starts + 2]
    long = low >= 0x80
    identity = np.where(long, (low & 0x7F) | ((high & 0x7F).astype(np.int16) << 7), low)
    of_id = _kinds(wanted, names)[identity]
    usual = (octets[starts] == 0x08) & (ends - starts >= 2)
    at = starts + np.where(long, 3, 2)
    longer = np.flatnonzero(long & (high >= 0x80))
    if longer.size:
        numbers, size = varints(words, starts[longer] + 1)
        of_id[longer] = _kinds_of(wanted, names, numbers)
        usual[longer] &= size > 0
        at[longer] = starts[longer] + 1 + size
    odd = [np.flatnonzero(~usual)]
    rows = np.flatnonzero(usual & (of_id >= 0) & (at < ends))
    at, stop, event, kind = at[rows], ends[rows], owners[rows], of_id[rows]
    tag = octets[at]
    is_number = (tag == 0x18) | (tag == 0x20) | (tag == 0x38)
    is_text = tag == 0x2A
    value, whole = exact_varints(words, at + 1, stop - at - 1)
    plain = is_number & whole
    texts = np.flatnonzero(is_text)
    text_size, size = varints(words, at[texts] + 1)
    begin = at[texts] + 1 + size
    plain[texts] = (size > 0) & (begin + np.minimum(text_size, np.uint64(1 << 40)).astype(np.int64) == stop[texts])
    # doubles and raw bytes are of no use here and of no harm
    odd.append(rows[~plain & (tag != 0x11) & (tag != 0x32)])
    for position, name in enumerate(names):
        mine = np.flatnonzero(plain & is_number & (kind == position))
        cells.set(name, event[mine], value[mine].view(np.int64), tag[mine] == 0x38)
    for i, first in zip(texts.tolist(), begin.tolist(), strict=True):
        if plain[i]:
            cells.set_text(names[int(kind[i])], int(event[i]), chunk[first : int(stop[i])].decode("utf-8", "replace"))
    return np.concatenate(odd)


def _slow_event(
    chunk: bytes, start: int, end: int, event: int, numbers: Mapping[int, I64], wanted: Mapping[int, str], cells: Cells
) -> int:
    """Read one event of an unusual form field by field; 1 if it is broken, else 0."""
    view = memoryview(chunk)
    try:
        for field in fields(view, start, end):
            if field.wire == VARINT and field.number in numbers:
                numbers[field.number][event] = np.uint64(field.value).astype(np.int64)
            elif field.number == 4 and field.end:
                _slow_stat(view, field.start, field.end, event, wanted, cells)
    except ProfileError:
        return 1
    return 0


def _slow_stat(view: memoryview, start: int, end: int, event: int, wanted: Mapping[int, str], cells: Cells) -> None:
    parts = list(fields(view, start, end))
    name = next((wanted.get(part.value) for part in parts if part.number == 1 and part.wire == VARINT), None)
    if name is None:
        return
    for part in parts:
        if part.number in (3, 4, 7) and part.wire == VARINT:
            cells.set(name, event, int(np.uint64(part.value).astype(np.int64)), part.number == 7)
        elif part.number == 5 and part.wire not in (VARINT, FIXED64):
            cells.set_text(name, event, decode(view, part.start, part.end))
