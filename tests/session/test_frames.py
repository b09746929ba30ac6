"""The frames: any message, cut anywhere, arrives whole; bytes that are none end in FrameError and never hang."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlascope.protocol import FrameDecoder, FrameError, Message, encode

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=12)
_BODY = st.dictionaries(st.text(max_size=8).filter(lambda key: key != "blob_names"), _JSON, max_size=5)
_MESSAGE = st.tuples(_BODY, st.dictionaries(st.text(max_size=8), st.binary(max_size=200), max_size=4))


@settings(deadline=None)
@given(messages=st.lists(_MESSAGE, max_size=5), data=st.data())
def test_messages_cut_anywhere_arrive_whole(messages, data) -> None:
    stream = b"".join(encode(body, blobs) for body, blobs in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    decoder, found = FrameDecoder(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += decoder.feed(stream[start:end])
    assert found == [Message(body, blobs) for body, blobs in messages]
    assert decoder.pending == 0


def test_one_byte_at_a_time() -> None:
    stream = encode({"kind": "x"}, {"a": b"123", "b": b""})
    decoder = FrameDecoder()
    found = [message for byte in stream for message in decoder.feed(bytes([byte]))]
    assert found == [Message({"kind": "x"}, {"a": b"123", "b": b""})]


@settings(deadline=None, max_examples=300)
@given(noise=st.binary(max_size=300))
def test_noise_is_refused_or_waited_for(noise: bytes) -> None:
    decoder = FrameDecoder()
    try:
        list(decoder.feed(noise))
    except FrameError:
        return
    assert decoder.pending <= len(noise)


def test_mutated_streams_never_hang_or_raise_anything_else() -> None:
    rng = random.Random(3)
    whole = b"".join(encode({"kind": "k", "n": n}, {"b": rng.randbytes(n)}) for n in range(20))
    ends = {"refused": 0, "read": 0}
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 2, 8))):
            data[rng.randrange(len(data))] = rng.randrange(256)
        decoder = FrameDecoder()
        try:
            for message in decoder.feed(bytes(data)):
                assert isinstance(message.body, dict)
            ends["read"] += 1
        except FrameError:
            ends["refused"] += 1
    assert min(ends.values()) > 100


@pytest.mark.parametrize("head", [
    struct.pack("<4sII", b"XLS1", 0xFFFFFFFF, 0),
    struct.pack("<4sII", b"XLS1", 2, 0xFFFFFFFF),
    struct.pack("<4sIIQ", b"XLS1", 2, 1, 1 << 62) + b"{}",
    struct.pack("<4sII", b"XLS2", 2, 0) + b"{}",
    struct.pack("<4sII", b"XLS1", 2, 0) + b"[]",
    struct.pack("<4sII", b"XLS1", 2, 0) + b"{]",
    struct.pack("<4sIIQ", b"XLS1", 2, 1, 0) + b"{}",
    struct.pack("<4sIIQQ", b"XLS1", 24, 2, 0, 0) + b'{"blob_names":["a","a"]}',
    struct.pack("<4sII", b"XLS1", 200_000, 0) + b"[" * 200_000,
], ids=["long JSON", "many blobs", "huge blob", "magic", "list", "no JSON", "no names", "one name twice", "deep"])
def test_frames_that_lie_are_refused(head: bytes) -> None:
    with pytest.raises(FrameError):
        list(FrameDecoder().feed(head))
