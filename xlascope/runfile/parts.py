"""Large bytes as parts that begin and end by what is in them, so that what several of them hold is kept once.

A constant that a script captures lies in each program's StableHLO, text and bytecode, and in each profile's HLO, every
time at another offset. A part ends behind a certain pair of bytes (or four hexadecimal digits, as texts write them), so
that equal stretches have equal parts wherever they lie; what has none, or too many of them, is cut by size.

The codec ``parts``: four bytes that tell the length of what follows, the JSON ``[codec, [[hash, size], …]]``, then
literals in that codec. A part with a hash is the blob of that name, one without is the next ``size`` bytes of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

LEAST = 256 << 10
"""Smaller data is kept whole."""
_SHORTEST, _LONGEST = 16 << 10, 1 << 20
_ENDS = (b"\x9a\x5c", b"9A5C")

Part = tuple[str, int]
"""Hash (empty for a literal) and size."""


def split(data: bytes) -> list[bytes]:
    """The parts of data, one after the other."""
    found: list[bytes] = []
    begin = 0
    following = [data.find(end) for end in _ENDS]
    while len(data) - begin > _LONGEST or (len(data) - begin > _SHORTEST and max(following) >= 0):
        for which, end in enumerate(_ENDS):
            if 0 <= following[which] < begin + _SHORTEST:
                following[which] = data.find(end, begin + _SHORTEST)
        near = [at + len(end) for at, end in zip(following, _ENDS, strict=True) if at >= 0]
        cut = min([*near, begin + _LONGEST])
        if cut >= len(data):
            break
        found.append(data[begin:cut])
        begin = cut
    found.append(data[begin:])
    return found


def pack(parts: Sequence[Part], codec: str = "raw", literals: bytes = b"") -> bytes:
    """What is stored under the codec; ``literals`` are packed with another one, ``codec``."""
    head = json.dumps([codec, parts], separators=(",", ":")).encode()
    return len(head).to_bytes(4, "little") + head + literals


def unpack(data: bytes) -> tuple[list[Part], str, bytes]:
    """Parts, and the literals with their codec. Raises ValueError for what is no such list."""
    end = 4 + int.from_bytes(data[:4], "little")
    if len(data) < end:
        raise ValueError("its list of parts is cut short")
    head = json.loads(data[4:end])
    if not (isinstance(head, list) and len(head) == 2 and isinstance(head[0], str) and isinstance(head[1], list)):
        raise ValueError("its parts are no list")
    for each in head[1]:
        if not (isinstance(each, list) and len(each) == 2 and isinstance(each[0], str) and type(each[1]) is int):
            raise ValueError("one of its parts is no pair of a name and a size")
        if each[1] < 0:
            raise ValueError("one of its parts has no size")
    return [(name, size) for name, size in head[1]], head[0], data[end:]
