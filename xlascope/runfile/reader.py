"""Reading a run file, also a stranger's: read-only, bounded, nothing in it is executed.

A file that is being recorded can be followed: each query sees what is committed by then.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlascope.runfile import parts
from xlascope.runfile.errors import RunFileError
from xlascope.runfile.lock import is_held, lock_of
from xlascope.runfile.schema import APPLICATION_ID, FORMAT, MAX_BLOB, MAX_JSON, TABLES

# What SQLite's module raises on a damaged file: a broken name of a table ends in its own error message, undecodable.
_DAMAGE = (sqlite3.Error, UnicodeError, OverflowError)


@dataclass(frozen=True, slots=True)
class Record:
    """A fact: ``json`` is its body; ``json["blobs"]`` maps blob names to hashes for `Reader.blob`."""

    id: int
    kind: str
    program: str | None
    variant: str | None
    version: int
    t_ns: int
    json: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes described by ``json``."""

    id: int
    kind: str
    program: str | None
    variant: str | None
    t_ns: int
    json: dict[str, Any]
    data: bytes


class Reader:
    """Reads one run file. Raises RunFileError for what is not one, is newer, or is damaged."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).absolute()
        if not self.path.is_file():
            raise RunFileError(f"{path}: no such file")
        # Never open the file by other means: closing such a handle drops the locks of a writer in this process.
        try:
            self._db = self._connect()
        except _DAMAGE as error:
            if "not a database" in str(error):
                raise RunFileError(f"{path}: not an xlascope run file") from error
            raise RunFileError(f"{path}: cannot be read: {_cut_short(self.path) or error}") from error
        try:
            self._check()
        except _DAMAGE as error:
            self._db.close()
            raise RunFileError(f"{path}: damaged: {_cut_short(self.path) or error}") from error
        except BaseException:
            self._db.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        # mode=rw lets SQLite roll back a hot journal that a killed writer left; query_only forbids all else.
        uri = self.path.as_uri()
        db = None
        for mode in ("?mode=rw", "?mode=ro", "?mode=ro&immutable=1"):
            try:
                db = sqlite3.connect(uri + mode, uri=True, isolation_level=None, check_same_thread=False, timeout=20)
                db.execute("PRAGMA query_only=ON")
                db.execute("PRAGMA trusted_schema=OFF")
                db.execute("PRAGMA cell_size_check=ON")
                db.execute("SELECT count(*) FROM sqlite_master").fetchone()
                return db
            except BaseException as error:
                if db is not None:
                    db.close()
                if not isinstance(error, sqlite3.OperationalError) or mode.endswith("immutable=1"):
                    raise
        raise AssertionError("unreachable")

    def _check(self) -> None:
        objects = self._db.execute("SELECT type, name FROM sqlite_master").fetchall()
        if not objects:
            raise RunFileError(f"{self.path}: empty: its recording was stopped before it began")
        if self._db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise RunFileError(f"{self.path}: not an xlascope run file")
        if self._db.execute("PRAGMA user_version").fetchone()[0] > FORMAT:
            raise RunFileError(f"{self.path}: written by a newer xlascope; update xlascope to read it")
        bad = [name for kind, name in objects if kind in ("trigger", "view")]
        tables = {name for kind, name in objects if kind == "table"}
        if bad or not set(TABLES) <= tables or any(t not in TABLES and not t.startswith("sqlite_") for t in tables):
            raise RunFileError(f"{self.path}: holds tables or triggers that no run file has; not opened")

    @property
    def run_id(self) -> str:
        """A random id, other for each run; empty where the file has none."""
        row = self._one("SELECT value FROM meta WHERE key='run_id'", ())
        return str(row[0]) if row else ""

    @property
    def generation(self) -> int:
        """Grows with each record and chunk: equal means that nothing was added."""
        b = self._one("SELECT coalesce(max(id),0) FROM chunks", ())
        return self.newest_record + (b[0] if b else 0)

    @property
    def newest_record(self) -> int:
        """The id of the newest record, 0 when there is none."""
        row = self._one("SELECT coalesce(max(id),0) FROM records", ())
        return row[0] if row else 0

    def being_written(self) -> bool:
        """Whether a keeper holds this file now."""
        return is_held(lock_of(self.path))

    def records(
        self, kind: str, program: str | None = None, variant: str | None = None, after: int = 0
    ) -> Iterator[Record]:
        """Records of one kind, oldest first; of one program or variant where given; with an id above ``after``."""
        return self._select(kind, program, variant, after, "ASC")

    def _select(
        self, kind: str, program: str | None, variant: str | None, after: int, order: str
    ) -> Iterator[Record]:
        where = "kind=? AND id>?"
        values: list[Any] = [kind, after]
        for column, value in (("program", program), ("variant", variant)):
            if value is not None:
                where += f" AND {column}=?"
                values.append(value)
        rows = self._all(
            "SELECT id, kind, program, variant, version, t_ns, "
            f"CASE WHEN length(json)<={MAX_JSON} THEN json END FROM records WHERE {where} ORDER BY id {order}", values)
        for number, name, of_program, of_variant, version, t_ns, text in rows:
            yield Record(number, name, of_program, of_variant, version, t_ns, self._json(text, f"record {number}"))

    def last(self, kind: str, program: str | None = None, variant: str | None = None) -> Record | None:
        """The newest record of a kind."""
        return next(self._select(kind, program, variant, 0, "DESC LIMIT 1"), None)

    def chunks(self, kind: str, program: str | None = None, after: int = 0, data: bool = True) -> Iterator[Chunk]:
        """Chunks of one kind, oldest first; with ``data`` false their bytes are left out: see `chunk_data`."""
        where = "kind=? AND id>?"
        values: list[Any] = [kind, after]
        if program is not None:
            where += " AND program=?"
            values.append(program)
        ids = self._all(f"SELECT id, kind, program, variant, t_ns, json, codec, size FROM chunks WHERE {where} "
                        "ORDER BY id", values)
        for *head, codec, size in ids:
            body = self._json(head[5], f"chunk {head[0]}")
            if not data:
                yield Chunk(head[0], head[1], head[2], head[3], head[4], body, b"")
                continue
            row = self._one("SELECT data FROM chunks WHERE id=?", (head[0],))
            if row is not None:
                yield Chunk(head[0], head[1], head[2], head[3], head[4], body, self._whole(codec, size, row[0]))

    def chunk_data(self, identity: int) -> bytes:
        """The bytes of one chunk. Raises RunFileError when it is missing or damaged."""
        row = self._one("SELECT codec, size, data FROM chunks WHERE id=?", (identity,))
        if row is None:
            raise RunFileError(f"{self.path}: the chunk {identity} is missing")
        return self._whole(*row)

    def blob(self, digest: str) -> bytes:
        """The bytes of a blob. Raises RunFileError when it is missing, too large or damaged."""
        row = self._one("SELECT codec, size FROM blobs WHERE hash=?", (digest,))
        if row is None:
            raise RunFileError(f"{self.path}: the blob {digest[:12]} is missing")
        data = self._one("SELECT data FROM blobs WHERE hash=?", (digest,))
        assert data is not None
        return self._whole(row[0], row[1], data[0])

    def _whole(self, codec: Any, size: Any, data: Any) -> bytes:
        """Unpacked; of what is in parts these together, which are in no parts themselves."""
        if codec != "parts":
            return _unpack(codec, size, data)
        if not isinstance(data, bytes) or not isinstance(size, int) or not 0 <= size <= MAX_BLOB:
            raise RunFileError("a blob is not bytes, or announces more than a blob may have")
        try:
            listed, packing, packed = parts.unpack(data)
        except (ValueError, RecursionError) as error:
            raise RunFileError(f"a blob is damaged: {error}") from error
        # Before anything is unpacked: one small part may be named a million times.
        if sum(length for _, length in listed) != size:
            raise RunFileError("a blob has another size than it announces")
        literals = _unpack(packing, sum(length for name, length in listed if not name), packed)
        made, at = bytearray(), 0
        for name, length in listed:
            if name:
                row = self._one("SELECT codec, size, data FROM blobs WHERE hash=? AND size=?", (name, length))
                if row is None:
                    raise RunFileError(f"{self.path}: the part {name[:12]} of a blob is missing")
                made += _unpack(*row)
            else:
                made += literals[at : at + length]
                at += length
        return bytes(made)

    def text(self, record: Record, name: str) -> str | None:
        """A record's blob as text, None when it has none of that name."""
        digest = record.json.get("blobs", {}).get(name)
        return None if digest is None else self.blob(digest).decode("utf-8", "replace")

    def close(self) -> None:
        """Lets go of the file."""
        self._db.close()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _all(self, query: str, values: list[Any]) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(query, values).fetchall()
        except _DAMAGE as error:
            raise RunFileError(f"{self.path}: damaged: {error}") from error

    def _one(self, query: str, values: tuple[Any, ...]) -> tuple[Any, ...] | None:
        try:
            return self._db.execute(query, values).fetchone()
        except _DAMAGE as error:
            raise RunFileError(f"{self.path}: damaged: {error}") from error

    def _json(self, text: Any, place: str) -> dict[str, Any]:
        try:
            body = json.loads(text)
        except (TypeError, ValueError, RecursionError) as error:
            raise RunFileError(f"{self.path}: {place} cannot be read: {error}") from error
        if not isinstance(body, dict):
            raise RunFileError(f"{self.path}: {place} is not an object")
        return body


def _cut_short(path: Path) -> str | None:
    """Of a file that SQLite gives up, what is missing of it by its own header; None where nothing is."""
    with path.open("rb") as file:
        head = file.read(100)
    page = int.from_bytes(head[16:18], "big")
    wanted = int.from_bytes(head[28:32], "big") * (65536 if page == 1 else page)
    has = path.stat().st_size
    if len(head) < 100 or has >= wanted:
        return None
    return f"cut short: it has {has:,} of {wanted:,} bytes. Copy it again from where it was recorded"


def _unpack(codec: Any, size: Any, data: Any) -> bytes:
    """Decompress with the announced size as a bound, so that a crafted file cannot fill the memory."""
    if not isinstance(data, bytes) or not isinstance(size, int) or not 0 <= size <= MAX_BLOB:
        raise RunFileError("a blob is not bytes, or announces more than a blob may have")
    if codec == "raw":
        out = data
    elif codec == "zlib":
        unpacker = zlib.decompressobj()
        try:
            out = unpacker.decompress(data, size + 1)
        except zlib.error as error:
            raise RunFileError(f"a blob is damaged: {error}") from error
    else:
        raise RunFileError(f"a blob has the unknown codec {codec!r}")
    if len(out) != size:
        raise RunFileError("a blob has another size than it announces")
    return out
