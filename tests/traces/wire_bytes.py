"""Bytes of protobuf fields, written by hand."""

from __future__ import annotations


def varint(value: int) -> bytes:
    """An unsigned or negative int64 as a varint."""
    value &= 0xFFFFFFFFFFFFFFFF
    made = bytearray()
    while value >= 0x80:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def sized(field: int, body: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(body)) + body
