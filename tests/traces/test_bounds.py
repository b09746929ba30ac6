"""Events found by guessing where they begin are those found by walking them one after the other, whatever the bytes."""

from __future__ import annotations

import random

import pytest

from tests.traces.wire_bytes import number, sized
from xlascope.traces.bounds import EVENT_TAG, bounds
from xlascope.traces.wire import chain


def stat(rng: random.Random) -> bytes:
    value = number(rng.choice((3, 4, 7)), rng.choice((0, 8, 16, 34, 300, -1)))
    text = sized(5, rng.randbytes(rng.choice((1, 3, 90, 300, 20_000 if rng.random() < 0.01 else 2))))
    return sized(4, number(1, rng.choice((3, 8, 16, 34, 200))) + rng.choice((value, text)))


def event(rng: random.Random) -> bytes:
    opening = number(1, rng.choice((1, 8, 16, 34, 127, 128, 5000, 20_000, 3_000_000)))
    opening += number(2, rng.choice((0, 16, 1 << 20, 1 << 40))) if rng.random() < 0.95 else number(5, 3)
    return sized(4, opening + number(3, rng.randrange(1 << 30)) + b"".join(stat(rng) for _ in range(rng.randrange(6))))


def run(seed: int, count: int) -> bytes:
    rng = random.Random(seed)
    return b"".join(event(rng) for _ in range(count))


def same(chunk: bytes) -> int:
    starts, ends, after = bounds(chunk + bytes(24), len(chunk))
    assert (starts.tolist(), ends.tolist(), after) == chain(chunk, 0, len(chunk), EVENT_TAG)
    return len(starts)


@pytest.mark.parametrize("count", [0, 1, 2, 40, 6000])
def test_whole_events(count: int) -> None:
    assert same(run(count, count)) == count


def test_a_cut_anywhere_near_the_end() -> None:
    chunk = run(7, 400)
    assert len({same(chunk[:-less]) for less in range(1, 900)}) > 2


def test_another_field_ends_the_run() -> None:
    assert same(run(8, 300) + number(9, 16) + run(9, 300)) == 300


def test_what_looks_like_events_inside_of_a_text() -> None:
    decoy = run(10, 40)
    inside = [sized(4, number(1, 5) + number(2, 7) + sized(4, number(1, 3) + sized(5, decoy)))]
    assert same(b"".join((run(11, 500), *inside * 3, run(12, 500)))) == 1003
    assert same(b"".join(inside * 300)) == 300


def test_damaged_bytes() -> None:
    whole = run(13, 300)
    rng = random.Random(14)
    for _ in range(1500):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 5, 60))):
            data[rng.randrange(len(data))] = rng.choice((0, EVENT_TAG, 0x80, 0xFF, 0x08, 0x10, rng.randrange(256)))
        same(bytes(data))
