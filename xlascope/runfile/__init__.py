"""The run file: one SQLite database for each recorded run (standard library only)."""

from typing import TYPE_CHECKING, Any

from xlascope.runfile.errors import RunFileError, RunFileLocked
from xlascope.runfile.reader import Chunk, Reader, Record

if TYPE_CHECKING:
    from xlascope.runfile.writer import Writer

__all__ = ["Chunk", "Reader", "Record", "RunFileError", "RunFileLocked", "Writer"]


def __getattr__(name: str) -> Any:
    """The writer is imported where something is written: what only reads is there sooner."""
    if name != "Writer":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from xlascope.runfile.writer import Writer

    return Writer
