"""Framed messages: a fixed header, a JSON object, and raw bytes beside it; never pickle.

Layout, little endian::

    magic b"XLS1" | u32 json length | u32 number of blobs | u64 length of each blob … | json | blobs …

A message is the JSON object plus the blobs by name. Its key ``kind`` names what it is; the kinds are listed in
ARCHITECTURE.md.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MAGIC = b"XLS1"
_HEAD = struct.Struct("<4sII")
MAX_JSON = 256 << 20
MAX_BLOBS = 100_000
MAX_BLOB = 4 << 30
# Bound now: the script that shares our process may replace what the module `json` offers.
_to_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, allow_nan=True).encode
_from_json = json.JSONDecoder().decode


class FrameError(ValueError):
    """Bytes that are not a frame: the stream cannot be read any further."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message: ``body`` is the JSON object (``body["kind"]`` says what), ``blobs`` the bytes beside it."""

    body: dict[str, Any]
    blobs: dict[str, bytes] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind of the message; empty where it has none."""
        return str(self.body.get("kind", ""))


def encode(body: Mapping[str, Any], blobs: Mapping[str, bytes] | None = None) -> bytes:
    """The bytes of one frame. Raises TypeError when ``body`` is not JSON."""
    names = list(blobs) if blobs else []
    payload = dict(body)
    if names:
        payload["blob_names"] = names
    text = _to_json(payload).encode("ascii")
    parts = [_HEAD.pack(MAGIC, len(text), len(names))]
    if blobs:
        parts.append(struct.pack(f"<{len(names)}Q", *(len(blobs[name]) for name in names)))
    parts.append(text)
    if blobs:
        parts.extend(blobs[name] for name in names)
    return b"".join(parts)


class FrameDecoder:
    """Turns a byte stream, fed in any pieces, into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """Bytes of an unfinished frame: not 0 at the end of a stream means that the sender died in a frame."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[Message]:
        """Add bytes; yield each message that is complete. Raises FrameError on a stream that is not ours."""
        self._buffer += data
        while (message := self._take()) is not None:
            yield message

    def _take(self) -> Message | None:
        buffer = self._buffer
        if len(buffer) < _HEAD.size:
            return None
        magic, json_length, count = _HEAD.unpack_from(buffer)
        if magic != MAGIC or json_length > MAX_JSON or count > MAX_BLOBS:
            raise FrameError("not an xlascope frame")
        sizes_end = _HEAD.size + 8 * count
        if len(buffer) < sizes_end:
            return None
        sizes = struct.unpack_from(f"<{count}Q", buffer, _HEAD.size)
        if any(size > MAX_BLOB for size in sizes):
            raise FrameError("a frame announces more bytes than any frame may have")
        total = sizes_end + json_length + sum(sizes)
        if len(buffer) < total:
            return None
        body = _load(bytes(buffer[sizes_end : sizes_end + json_length]))
        names = body.pop("blob_names", [])
        if not isinstance(names, list) or len(names) != count or len(set(map(str, names))) != count:
            raise FrameError("a frame names other blobs than it has")
        blobs, at = {}, sizes_end + json_length
        for name, size in zip(names, sizes, strict=True):
            blobs[str(name)] = bytes(buffer[at : at + size])
            at += size
        del buffer[:total]
        return Message(body, blobs)


def _load(text: bytes) -> dict[str, Any]:
    try:
        body = _from_json(text.decode())
    except (ValueError, RecursionError) as error:
        raise FrameError(f"a frame's JSON cannot be read: {error}") from error
    if not isinstance(body, dict):
        raise FrameError("a frame's JSON is not an object")
    return body
