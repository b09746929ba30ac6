"""The one writer of a run file.

Rollback journal, short transactions: when the writer is killed at any moment the file opens with all that was
committed. (A power cut while a run is recorded can damage it.) The writer holds a lock on the file (``flock``) for its
whole life, so that a second one is told who has it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
import uuid
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlascope.runfile import parts
from xlascope.runfile.errors import RunFileError
from xlascope.runfile.lock import create, hold, let_go
from xlascope.runfile.schema import APPLICATION_ID, CREATE, DEFAULT_MAX_SIZE, FORMAT

COMMIT_EVERY_S = 0.5
COMMIT_EVERY_BYTES = 16 << 20  # of what was written since: it stays in memory until then
_COMPRESS_FROM = 256
_SAMPLE = 32 << 10
# SQLite refuses a value of 1e9 bytes, and with it the transaction.
_LARGEST = 900_000_000
_ANOTHER_PLACE, _A_COPY = "choose another place with -o FILE", "use a copy of it where you can write"
# What must always fit: the end of the run, what was dropped, and small facts about programs.
_RESERVE = 4 << 20
_PLAIN_FORMAT = 1  # of a file without anything in parts
_MOSTLY = 0.75  # of a chunk: with more of it new, references are not worth it
# A row's own cost beside its JSON or bytes: header, index entries, its share of partly filled pages.
_ROW = 160


@dataclass(frozen=True, slots=True)
class _Packed:
    """What is to be stored under a hash; ``before`` are the parts that it refers to and the file lacks."""

    name: str
    size: int
    codec: str
    data: bytes
    before: tuple[_Packed, ...] = ()

    @property
    def cost(self) -> int:
        return len(self.data) + sum(each.cost for each in self.before)


class Writer:
    """Writes records, blobs and chunks; commits at least each 0.5 s while it is used and on `commit`.

    ``max_size`` bounds the file in bytes: what does not fit is refused (`put` and `chunk` return None) and counted
    in `refused`, while records without blobs still fit in a reserve. ``replace``: a new run takes the place of a run
    file that is there; a file of another kind is never touched.
    Raises RunFileLocked when another process writes the file, RunFileError when it cannot be written.
    """

    def __init__(
        self, path: Path | str, *, max_size: int = DEFAULT_MAX_SIZE, create: bool = True, replace: bool = False
    ) -> None:
        self.path = Path(path).absolute()
        self.max_size = max_size
        self.refused: dict[str, int] = {}
        self._bytes = self._committed = 0
        self._in_parts = False
        self._last_commit = time.monotonic()
        self._dirty = False
        existed = self.path.exists()
        # An empty one was made for this run: were it replaced, another run could take its name meanwhile.
        begun = existed and self.path.stat().st_size > 0
        if not create and not existed:
            raise RunFileError(f"{self.path}: no such run file")
        self._advice = _ANOTHER_PLACE if create else _A_COPY
        self._lock = hold(self.path, self._advice)
        try:
            self._db = self._open(existed)
            if replace and begun:
                self._db = self._instead()
        except sqlite3.Error as error:
            self._abandon()
            raise _explain(self.path, error, self._advice) from error
        except BaseException:
            self._abandon()
            raise

    def _abandon(self) -> None:
        """Leave nothing behind of a file that could not be begun."""
        if self.path.is_file() and self.path.stat().st_size == 0:
            self.path.unlink()
        self._unlock()

    def _unlock(self) -> None:
        let_go(self.path, self._lock)

    def _instead(self) -> sqlite3.Connection:
        """A new file in the place of the run file that was opened; who reads the old one keeps it."""
        self._db.close()
        try:
            self.path.unlink()
            create(self.path)
        except OSError as error:
            raise RunFileError(f"{self.path}: the run file there cannot be replaced: {error.strerror}") from error
        return self._open(existed=False)

    def _open(self, existed: bool) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=20)
        db.execute("PRAGMA journal_mode=DELETE")
        # Against a killed process the journal is enough. Waiting for the disk at each commit, which is against a power
        # cut, took 5 to 20 ms; it is done once, in `close`.
        db.execute("PRAGMA synchronous=OFF")
        db.execute("PRAGMA trusted_schema=OFF")
        # What its cache cannot hold SQLite would write before the commit, and shut out readers from then on: one in the
        # writer's own thread would wait for itself.
        db.execute("PRAGMA cache_spill=OFF")
        empty = not existed or os.path.getsize(self.path) == 0
        if empty:
            db.execute(f"PRAGMA application_id={APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={_PLAIN_FORMAT}")
            db.executescript("BEGIN;" + CREATE + "COMMIT;")
            db.execute("INSERT INTO meta VALUES('run_id', ?)", (uuid.uuid4().hex,))
        elif db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise RunFileError(f"{self.path}: not an xlascope run file; nothing was written to it")
        elif db.execute("PRAGMA user_version").fetchone()[0] > FORMAT:
            raise RunFileError(f"{self.path}: written by a newer xlascope; update xlascope to add to it")
        pages, free, size = (
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size"))
        self._bytes = self._committed = (pages - free) * size
        self._in_parts = db.execute("PRAGMA user_version").fetchone()[0] > _PLAIN_FORMAT
        return db

    def put(
        self,
        kind: str,
        body: Mapping[str, Any],
        blobs: Mapping[str, bytes] | None = None,
        *,
        program: str | None = None,
        variant: str | None = None,
        t_ns: int | None = None,
        version: int = 1,
    ) -> int | None:
        """Add a record; its blobs are stored once by hash, ``json["blobs"]`` maps name to hash. Returns its id."""
        payload = {key: value for key, value in body.items() if key != "kind"}
        packed = {name: self._packed(data) for name, data in (blobs or {}).items()}
        if not self._fits(kind, sum(each.cost for each in packed.values() if each is not None), reserve=not packed):
            return None
        try:
            self._begin()
            if packed:
                payload["blobs"] = {name: self._blob(each) for name, each in packed.items()}
            text = json.dumps(payload)
            cursor = self._db.execute(
                "INSERT INTO records(kind, program, variant, version, t_ns, json) VALUES(?,?,?,?,?,?)",
                (_column(kind), _column(program), _column(variant), version,
                 time.time_ns() if t_ns is None else t_ns, text),
            )
            self._bytes += len(text) + _ROW
            self._maybe_commit()
        except sqlite3.Error as error:
            raise _explain(self.path, error, self._advice) from error
        return cursor.lastrowid

    def chunk(
        self,
        kind: str,
        data: bytes,
        meta: Mapping[str, Any],
        *,
        program: str | None = None,
        variant: str | None = None,
        t_ns: int | None = None,
    ) -> int | None:
        """Add a chunk of bytes described by ``meta``. Returns its id, None when the file is full."""
        codec, packed = self._referring(data) or _pack(data)
        if not self._fits(kind, len(packed), reserve=False):
            return None
        try:
            self._begin()
            cursor = self._db.execute(
                "INSERT INTO chunks(kind, program, variant, t_ns, json, codec, size, data) VALUES(?,?,?,?,?,?,?,?)",
                (_column(kind), _column(program), _column(variant), time.time_ns() if t_ns is None else t_ns,
                 json.dumps(meta), codec, len(data), packed),
            )
            self._bytes += len(packed) + _ROW
            self._maybe_commit()
        except sqlite3.Error as error:
            raise _explain(self.path, error, self._advice) from error
        return cursor.lastrowid

    @property
    def size(self) -> int:
        """Bytes of what the file holds, a close estimate from above of what a fresh file of it would take."""
        return self._bytes

    def amend(self, number: int, body: Mapping[str, Any]) -> None:
        """Replace the body of a record that has no blobs. Readers that only ask for newer ids do not see it."""
        self._write("UPDATE records SET json=? WHERE id=?", [(json.dumps(dict(body)), number)])

    def delete_records(self, numbers: Sequence[int]) -> None:
        """Forget records that newer ones replace; their blobs stay."""
        for (size,) in self._read("SELECT length(json) FROM records WHERE id=?", numbers):
            self._bytes -= size + _ROW
        self._write("DELETE FROM records WHERE id=?", [(number,) for number in numbers])

    def delete_chunks(self, numbers: Sequence[int]) -> int:
        """Forget chunks; returns the bytes that this made free for others. Unknown ids are fine."""
        freed = sum(size + _ROW for (size,) in self._read("SELECT length(data) FROM chunks WHERE id=?", numbers))
        self._write("DELETE FROM chunks WHERE id=?", [(number,) for number in numbers])
        self._bytes -= freed
        return freed

    def chunk_sizes(self, kind: str) -> list[tuple[int, int, dict[str, Any]]]:
        """(id, bytes as announced, description) of each chunk of a kind, oldest first."""
        try:
            rows = self._db.execute("SELECT id, size, json FROM chunks WHERE kind=? ORDER BY id", (kind,)).fetchall()
        except sqlite3.Error as error:
            raise _explain(self.path, error, self._advice) from error
        return [(number, size, json.loads(text)) for number, size, text in rows]

    def _read(self, query: str, numbers: Sequence[int]) -> list[tuple[Any, ...]]:
        try:
            return [row for number in numbers for row in self._db.execute(query, (number,))]
        except sqlite3.Error as error:
            raise _explain(self.path, error, self._advice) from error

    def _write(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        try:
            self._begin()
            self._db.executemany(statement, rows)
            self._maybe_commit()
        except sqlite3.Error as error:
            raise _explain(self.path, error, self._advice) from error

    def commit(self) -> None:
        """Make all that was written durable now."""
        if not self._dirty:
            return
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise _explain(self.path, error, self._advice) from error
        finally:
            self._dirty = False
            self._committed = self._bytes
            self._last_commit = time.monotonic()

    def tick(self) -> None:
        """Call now and then (the keeper's loop does): commits what is older than half a second, or much."""
        old = time.monotonic() - self._last_commit >= COMMIT_EVERY_S
        if self._dirty and (old or self._bytes - self._committed >= COMMIT_EVERY_BYTES):
            self.commit()

    def close(self) -> None:
        """Commits what is waiting and closes the file; raises RunFileError when that cannot be written."""
        try:
            self.commit()
        finally:
            self._db.close()
            _to_disk(self.path)
            self._unlock()

    def _begin(self) -> None:
        if not self._dirty:
            self._db.execute("BEGIN")
            self._dirty = True

    def _maybe_commit(self) -> None:
        self.tick()

    def _packed(self, raw: bytes) -> _Packed:
        """Of what the file has already only the name counts."""
        name = hashlib.sha256(raw).hexdigest()
        if self._holds(name):
            return _Packed(name, len(raw), "raw", b"")
        pieces = parts.split(raw) if len(raw) >= parts.LEAST else []
        if len(pieces) < 2:
            return _Packed(name, len(raw), *_pack(raw))
        names = [hashlib.sha256(piece).hexdigest() for piece in pieces]
        new = {part: piece for part, piece in zip(names, pieces, strict=True) if not self._holds(part)}
        made = parts.pack([(part, len(piece)) for part, piece in zip(names, pieces, strict=True)])
        worth = _worth_compressing(raw)  # told of the whole: part by part it would take longer than all else
        before = tuple(
            _Packed(part, len(piece), *(_pack(piece) if worth else ("raw", piece))) for part, piece in new.items()
        )
        return _Packed(name, len(raw), "parts", made, before)

    def _holds(self, name: str) -> bool:
        return self._db.execute("SELECT 1 FROM blobs WHERE hash=?", (name,)).fetchone() is not None

    def _referring(self, data: bytes) -> tuple[str, bytes] | None:
        """A chunk whose parts are largely blobs of the file: these by their names; what is new stays in the chunk, so
        that it goes when the chunk is deleted."""
        if not self._in_parts or len(data) < parts.LEAST:
            return None
        pieces = parts.split(data)
        names = [hashlib.sha256(piece).hexdigest() for piece in pieces]
        known = [name if self._holds(name) else "" for name in names]
        literals = [piece for piece, name in zip(pieces, known, strict=True) if not name]
        if sum(map(len, literals)) > _MOSTLY * len(data):
            return None
        listed = [(name, len(piece)) for piece, name in zip(pieces, known, strict=True)]
        return "parts", parts.pack(listed, *_pack(b"".join(literals)))

    def _blob(self, packed: _Packed) -> str:
        for each in (*packed.before, packed):
            if each.codec == "parts" and not self._in_parts:
                self._db.execute(f"PRAGMA user_version={FORMAT}")
                self._in_parts = True
            row = each.name, each.codec, each.size, each.data
            if each.data or not each.size:
                self._bytes += len(each.data) if self._db.execute("INSERT OR IGNORE INTO blobs VALUES(?,?,?,?)",
                                                                  row).rowcount else 0
        return packed.name

    def _fits(self, kind: str, size: int, *, reserve: bool) -> bool:
        limit = self.max_size if reserve else self.max_size - min(_RESERVE, self.max_size // 8)
        if self._bytes + size <= limit and size < _LARGEST:
            return True
        self.refused[kind] = self.refused.get(kind, 0) + 1
        return False


def _worth_compressing(data: bytes) -> bool:
    """Judge large data by samples: an array of random floats takes a second for each 60 MB and shrinks by nothing."""
    if len(data) <= 3 * _SAMPLE:
        return True
    starts = (0, (len(data) - _SAMPLE) // 2, len(data) - _SAMPLE)
    return any(len(zlib.compress(data[at:at + _SAMPLE], 1)) < 0.85 * _SAMPLE for at in starts)


def _to_disk(path: Path) -> None:
    """Wait until the file is on the disk, as far as the file system can tell."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return  # removed meanwhile
    try:
        os.fsync(handle)
    except OSError:
        pass  # not every file system can; the data is with the kernel
    finally:
        os.close(handle)


def _column(text: str | None) -> str | None:
    """As text that a database can hold: a lone surrogate becomes a question mark."""
    return text if text is None else text.encode("utf-8", "replace").decode("utf-8")


def _pack(data: bytes) -> tuple[str, bytes]:
    if len(data) < _COMPRESS_FROM or not _worth_compressing(data):
        return "raw", data
    packed = zlib.compress(data, 1)
    return ("zlib", packed) if len(packed) < len(data) else ("raw", data)


def _explain(path: Path, error: sqlite3.Error, advice: str) -> RunFileError:
    text = str(error)
    if "full" in text:
        return RunFileError(f"{path}: the disk is full; free some space, or {advice}")
    if "readonly" in text:
        return RunFileError(f"{path}: the folder or file is read-only; {advice}")
    if "I/O" in text:
        return RunFileError(f"{path}: cannot be written any more ({text}): a quota, a size limit or a failing disk; "
                            f"{advice}")
    return RunFileError(f"{path}: {text}")
