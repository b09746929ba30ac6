"""View ``output``: what the script wrote, in the order in which it wrote it."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from xlascope.views import fields
from xlascope.views.sources.source import RunSource


@dataclass(frozen=True, slots=True)
class Piece:
    """``id`` grows; ask for what came later with ``after``. ``t_ns`` is `time.time_ns`."""

    stream: str
    t_ns: int | None
    text: str
    id: int


@dataclass(frozen=True, slots=True)
class Output:
    """``truncated``: some of what the script wrote is not in the file."""

    chunks: tuple[Piece, ...]
    truncated: bool


def query(source: RunSource, after: int = 0) -> Output:
    """What was written in chunks with an id above ``after``. A character cut by a chunk's end is put together."""
    pieces = _pieces(source)
    lost = any((fields.text(record.json, "what") or "").startswith("output") for record in source.records("dropped"))
    first = _first_after(pieces, after)
    return Output(tuple(pieces[first:]), lost or any("chunk" in damage for damage in source.damages))


def _pieces(source: RunSource) -> list[Piece]:
    """All pieces so far; only chunks that are new since the last time are read."""

    def read() -> list[Piece]:
        old: list[Piece] = source.keep.get("output") or []
        decoders: dict[str, codecs.IncrementalDecoder] = source.keep.get("decoders") or {}
        found = list(old)
        for chunk in source.chunks("output", after=old[-1].id if old else 0):
            stream = fields.text(chunk.json, "stream") or "stdout"
            decoder = decoders.setdefault(stream, codecs.getincrementaldecoder("utf-8")("replace"))
            t_ns = fields.integer(chunk.json, "t_ns")
            found.append(Piece(stream, chunk.t_ns if t_ns is None else t_ns, decoder.decode(chunk.data), chunk.id))
        source.keep.put("output", found)
        source.keep.put("decoders", decoders)
        return found

    return source.memo("output", read, output=True)


def _first_after(pieces: list[Piece], after: int) -> int:
    low, high = 0, len(pieces)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if pieces[middle].id <= after else (low, middle)
    return low
