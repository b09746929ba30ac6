"""A gzipped profile, expanded piece by piece."""

from __future__ import annotations

import zlib
from typing import IO, Final

from xlascope.traces.wire import ProfileError

MAGIC: Final = b"\x1f\x8b"
_PIECE = 1 << 20
_GZIP = 16 + zlib.MAX_WBITS


def expand(packed: IO[bytes], into: IO[bytes]) -> ProfileError | None:
    """Write what `packed` holds to `into`, as far as it can be expanded; returns what stopped it, with the place."""
    opened = zlib.decompressobj(_GZIP)
    place, rest, begun = 0, b"", False
    while piece := rest or packed.read(_PIECE):
        try:
            into.write(opened.decompress(piece, _PIECE))
            begun = True
            while opened.unconsumed_tail:
                into.write(opened.decompress(opened.unconsumed_tail, _PIECE))
        except zlib.error:
            # What follows the end of a whole file is padding, or another one that cannot be read.
            return ProfileError("the gzip is broken in what follows", place)
        rest = opened.unused_data
        place += len(piece) - len(rest)
        if opened.eof:
            if not rest.strip(b"\0"):
                rest = b""
            opened, begun = zlib.decompressobj(_GZIP), False
    return ProfileError("the gzip is cut off", place) if begun else None
