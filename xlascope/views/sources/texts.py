"""The text of a file of HLO or StableHLO: plain, gzipped, or a serialized HloProto."""

from __future__ import annotations

import io
from pathlib import Path

from xlascope.ir import HloModule
from xlascope.traces.expand import MAGIC, expand
from xlascope.traces.hlo_text import hlo_text
from xlascope.traces.wire import ProfileError
from xlascope.views.errors import ViewError
from xlascope.views.sources.dump import Place, Proto

_LARGEST = 2 << 30
_MLIR_BYTECODE = b"ML\xefR"


def read_text(place: Place) -> str:
    """Raises ViewError (exit code 3), with the place where the bytes broke."""
    try:
        if isinstance(place, Proto):
            return hlo_text(place.data)
        data = read_bytes(place)
        if place.name.removesuffix(".gz").endswith(".pb"):
            return hlo_text(data)
    except ProfileError as error:
        raise ViewError(f"{place}: cannot be read: {error}", "", 3) from error
    if data.startswith(_MLIR_BYTECODE):
        raise ViewError(f"{place}: StableHLO as bytecode", "Only its text is read: `stablehlo-opt FILE` prints it.", 3)
    return data.decode("utf-8", "replace")


def read_bytes(file: Path) -> bytes:
    """The bytes of a file, expanded where it is gzipped. Raises ViewError (exit code 3) and ProfileError."""
    try:
        if file.stat().st_size > _LARGEST:
            raise ViewError(f"{file}: larger than {_LARGEST >> 30} GiB", "", 3)
        data = file.read_bytes()
    except OSError as error:
        raise ViewError(f"{file}: cannot be read: {error.strerror}", "", 3) from error
    if not data.startswith(MAGIC):
        return data
    whole = io.BytesIO()
    fault = expand(io.BytesIO(data), whole)
    if fault is not None:
        raise fault
    return whole.getvalue()


def check_braces(module: HloModule, place: Path | str) -> None:
    """Raises ViewError (exit code 3) where computations of a foreign text do not begin and end in pairs.

    Text that was cut, or taken from the middle of something, would else be shown as if it were whole.
    """
    for problem in module.problems:
        if problem.brace:
            advice = "A computation begins with { and ends with } on a line of its own; was the text cut?"
            raise ViewError(f"{place}:{problem.line}: {problem.reason}", advice, 3)
