"""The run file: one SQLite database for each recorded run (standard library only)."""

from xlascope.runfile.errors import RunFileError, RunFileLocked
from xlascope.runfile.reader import Chunk, Reader, Record
from xlascope.runfile.writer import Writer

__all__ = ["Chunk", "Reader", "Record", "RunFileError", "RunFileLocked", "Writer"]
