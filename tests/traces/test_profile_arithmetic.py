"""Interval arithmetic and the wire format against slow ones that are plainly right."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.traces.naive import length
from xlascope.traces import ProfileError
from xlascope.traces.sweep import split, union_length
from xlascope.traces.wire import chain, fields, read_varint, signed, varints, words_of

INTERVALS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)), max_size=14)
VARINTS = st.lists(st.integers(0, 2**64 - 1) | st.sampled_from([0, 127, 128, 2**56 - 1, 2**56, 2**63]), max_size=40)


def encode(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = value >> 7, value & 127
        out.append(low | (128 if value else 0))
        if not value:
            return bytes(out)


@given(INTERVALS)
def test_union(intervals: list[tuple[int, int]]) -> None:
    start = np.array([a for a, _ in intervals], np.int64)
    end = np.array([a + n for a, n in intervals], np.int64)
    assert union_length(start, end) == length([(a, a + n) for a, n in intervals])


@st.composite
def forests(draw) -> tuple[list[int], list[int], list[int]]:
    """Events in order of start, some inside an earlier one that is still active when they start; ends may stick out."""
    starts, ends, parents = [], [], []
    for begin, size in sorted(draw(INTERVALS)):
        candidates = [i for i in range(len(starts)) if starts[i] <= begin <= ends[i]]
        parents.append(draw(st.sampled_from([-1, *candidates])))
        starts.append(begin)
        ends.append(begin + size)
    return starts, ends, parents


@settings(max_examples=300)
@given(forests())
def test_split_by_every_instant(forest: tuple[list[int], list[int], list[int]]) -> None:
    starts, ends, parents = forest
    expected = [Fraction(0)] * len(starts)
    covered = 0
    for now in range(100):
        active = {i for i in range(len(starts)) if starts[i] <= now < ends[i]}
        holders = set()
        for i in active:
            up = parents[i]
            while up >= 0:
                holders.add(up)
                up = parents[up]
        inner = active - holders
        covered += bool(active)
        for i in inner:
            expected[i] += Fraction(1, len(inner))
    found = split(np.array(starts, np.int64), np.array(ends, np.int64), np.array(parents, np.int64))
    assert found.covered == covered
    assert found.own.tolist() == pytest.approx([float(x) for x in expected])
    assert found.own.sum() == pytest.approx(covered)


@given(VARINTS)
def test_varints_in_lockstep(values: list[int]) -> None:
    encoded = [encode(value) for value in values]
    chunk = b"".join(encoded) + bytes(24)
    at = np.cumsum([0, *map(len, encoded)])[:-1].astype(np.int64)
    found, size = varints(words_of(chunk), at)
    assert found.tolist() == values
    assert size.tolist() == [len(e) for e in encoded]
    assert [read_varint(memoryview(e), 0, len(e)) for e in encoded] == [
        (v, len(e)) for v, e in zip(values, encoded, strict=True)
    ]


def test_a_varint_of_eleven_bytes_is_none() -> None:
    chunk = b"\xff" * 11 + bytes(24)
    assert varints(words_of(chunk), np.zeros(1, np.int64))[1].tolist() == [0]
    with pytest.raises(ProfileError):
        read_varint(memoryview(chunk), 0, 11)


@given(st.lists(st.binary(max_size=300), max_size=20), st.binary(max_size=4))
def test_chain_stops_where_the_run_ends(parts: list[bytes], rest: bytes) -> None:
    run = b"".join(b"\x22" + encode(len(part)) + part for part in parts)
    data = run + b"\x28" + rest
    starts, ends, used = chain(data, 0, len(data), 0x22)
    assert [data[a:b] for a, b in zip(starts, ends, strict=True)] == parts
    assert used == len(run)
    cut = chain(run, 0, max(len(run) - 1, 0), 0x22)
    assert len(cut[0]) == max(len(parts) - 1, 0)


@given(st.binary(max_size=60))
def test_fields_never_leave_the_message(data: bytes) -> None:
    try:
        for field in fields(memoryview(data), 0, len(data)):
            assert 0 <= field.start <= field.end <= len(data)
    except ProfileError as error:
        assert 0 <= error.place <= len(data)


@given(st.integers(-(2**63), 2**63 - 1))
def test_signed(value: int) -> None:
    assert signed(value % 2**64) == value
