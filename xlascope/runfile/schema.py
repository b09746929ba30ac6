"""Tables and limits of a run file, shared by its writer and its reader."""

from __future__ import annotations

APPLICATION_ID = 0x584C5343  # "XLSC"
FORMAT = 2
"""2: blobs and chunks may be in parts (`parts.py`). A file says so only once it holds such; all else is as in 1."""
TABLES = {
    "meta": ("key", "value"),
    "records": ("id", "kind", "program", "variant", "version", "t_ns", "json"),
    "blobs": ("hash", "codec", "size", "data"),
    "chunks": ("id", "kind", "program", "variant", "t_ns", "json", "codec", "size", "data"),
}
CREATE = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE records(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, program TEXT, variant TEXT,
                     version INTEGER NOT NULL, t_ns INTEGER NOT NULL, json TEXT NOT NULL);
CREATE INDEX records_kind ON records(kind, program);
CREATE TABLE blobs(hash TEXT PRIMARY KEY, codec TEXT NOT NULL, size INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE chunks(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, program TEXT, variant TEXT, t_ns INTEGER NOT NULL,
                    json TEXT NOT NULL, codec TEXT NOT NULL, size INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX chunks_kind ON chunks(kind, program);
"""
MAX_JSON = 256 << 20
MAX_BLOB = 2 << 30
DEFAULT_MAX_SIZE = 1 << 30
