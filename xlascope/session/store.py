"""What is put into the run file, and what happens when it cannot be written."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from xlascope.protocol import Message
from xlascope.runfile import RunFileError, Writer
from xlascope.runfile.thinning import make_room

RECORD_KINDS = frozenset({
    "run", "env", "phase", "end", "exception", "function", "source", "program", "stage", "executable", "args",
    "artifact", "compile", "eager", "calls", "child", "not_captured", "dropped", "variant", "failed",
    "passes", "reference", "lowered", "spent",
})
# A program's first forms are on disk before it is executed: a crash in it loses nothing.
_COMMIT_AT = frozenset({"program", "run", "end", "exception", "variant", "failed"})
_COUNTERS: dict[str, tuple[str, ...]] = {"calls": ("program",), "eager": ("name", "file", "line"), "spent": ()}


class Store:
    """The keeper's hand on the run file.

    After an error of the file nothing more is written: ``on_problem(text)`` is called once, and the run goes on.
    ``on_stored(kind, program, variant)`` is called for each record or chunk once a reader of the file can see it.
    """

    def __init__(
        self,
        on_problem: Callable[[str], None],
        on_stored: Callable[[str, str | None, str | None], None] = lambda kind, program, variant: None,
        commit_every: float = 0.5,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.path: Path | None = None
        self._writer: Writer | None = None
        self._on_problem = on_problem
        self._on_stored = on_stored
        self._unseen: list[tuple[str, str | None, str | None]] = []
        self._newest: dict[tuple[Any, ...], int] = {}
        self._dropped: dict[str, tuple[int, int, str]] = {}
        self._commit_every = commit_every
        self._full_until = 0
        self._broke: str | None = None
        self._dirty_since: float | None = None

    @property
    def open(self) -> bool:
        """Whether there is a file that can be written."""
        return self._writer is not None

    @property
    def size(self) -> int:
        """Bytes written so far, before the file system's own rounding."""
        return self._writer.size if self._writer is not None else 0

    def start(self, path: Path, max_size: int, *, create: bool = True) -> None:
        """Open the file for writing. Raises RunFileError (RunFileLocked when another keeper has it)."""
        self._writer = Writer(path, max_size=max_size, create=create, replace=create)
        self.path = self._writer.path

    def put(
        self, kind: str, body: Mapping[str, Any], blobs: Mapping[str, bytes] | None = None,
        program: str | None = None, variant: str | None = None, t_ns: int | None = None,
    ) -> int | None:
        """Store a record; None when it could not be, which is counted in the file where that is possible."""
        number = self._try(lambda writer: writer.put(kind, body, blobs, program=program, variant=variant, t_ns=t_ns),
                           kind, sum(map(len, (blobs or {}).values())))
        if number is not None:
            self._stored(kind, program, variant)
            self._replace(kind, body, number)
        if kind in _COMMIT_AT:
            self.commit()
        return number

    def chunk(
        self, kind: str, data: bytes, meta: Mapping[str, Any],
        program: str | None = None, variant: str | None = None, t_ns: int | None = None,
    ) -> int | None:
        """Store a chunk of bytes; None when it could not be."""
        number = self._try(lambda writer: writer.chunk(kind, data, meta, program=program, variant=variant, t_ns=t_ns),
                           kind, len(data))
        if number is not None:
            self._stored(kind, program, variant)
        return number

    def keep(self, message: Message, program: str | None = None, variant: str | None = None) -> None:
        """Store a message of an engine's process: a record or a chunk. One of an unknown kind is counted as dropped."""
        body, kind = message.body, message.kind
        program = _text(body.get("program")) or program
        variant = _text(body.get("variant")) or variant
        if kind == "chunk":
            meta = body.get("meta")
            self.chunk(str(body.get("chunk")), message.blobs.get("data", b""),
                       meta if isinstance(meta, Mapping) else {}, program, variant)
        elif kind in RECORD_KINDS:
            program = _text(body.get("id")) if kind == "program" else program
            self.put(kind, body, message.blobs, program, variant)
        else:
            self.dropped("messages", 1, f"of an unknown kind: {kind[:80]}")

    def delete_chunks(self, numbers: list[int]) -> None:
        """Remove chunks by their ids."""
        self._guard(lambda writer: writer.delete_chunks(numbers))

    def dropped(self, what: str, count: int, why: str) -> None:
        """Add to the number of ``what`` that are not in the file: one record for each, kept up to date."""
        number, before, _ = self._dropped.get(what, (0, 0, ""))
        body = {"what": what, "count": before + count, "why": why}
        writer = self._writer
        if writer is None:
            return
        if number:
            self._guard(lambda writer: writer.amend(number, body))
        else:
            number = self._guard(lambda writer: writer.put("dropped", body)) or 0
            self._stored("dropped", None, None)
        self._dropped[what] = (number, before + count, why)

    def tick(self) -> None:
        """Call often: makes visible what has waited long enough."""
        if self._dirty_since is not None and time.monotonic() - self._dirty_since >= self._commit_every:
            self.commit()

    def commit(self) -> None:
        """Make all that was put visible to readers, and tell of it."""
        self._dirty_since = None
        self._guard(lambda writer: writer.commit())
        if self._writer is not None:
            unseen, self._unseen = self._unseen, []
            for stored in unseen:
                self._on_stored(*stored)

    def end(self, body: Mapping[str, Any]) -> None:
        """Store the ``end`` record. When the file could not be written before, try again: there may be room by now."""
        if self._writer is None and self._broke is not None and self.path is not None:
            try:
                self._writer = Writer(self.path, create=False)
            except RunFileError:
                return  # as before, and that was told
            self.dropped("everything", 1, f"from some moment on nothing could be written: {self._broke}")
        self.put("end", body)

    def close(self) -> None:
        """Commit and let go of the file."""
        self.commit()
        self._guard(lambda writer: writer.close())
        self._writer = None

    def _replace(self, kind: str, body: Mapping[str, Any], number: int) -> None:
        """Of counters only the newest counts: the older one goes, so that a day's run stays small."""
        names = _COUNTERS.get(kind)
        if names is None:
            return
        key = (kind, *(body.get(name) for name in names))
        old = self._newest.get(key)
        self._newest[key] = number
        if old is not None:
            self._guard(lambda writer: writer.delete_records([old]))

    def _stored(self, kind: str, program: str | None, variant: str | None) -> None:
        self.counts[kind] += 1
        self._unseen.append((kind, program, variant))
        if self._dirty_since is None:
            self._dirty_since = time.monotonic()

    def _try(self, write: Callable[[Writer], int | None], kind: str, size: int) -> int | None:
        number = self._guard(write)
        if number is None and self._writer is not None:
            if self._make_room(size):
                number = self._guard(write)
            if number is None and self._writer is not None:
                self.dropped(f"{kind} records", 1, "the run file reached its limit (--max-size)")
        return number

    def _make_room(self, size: int) -> bool:
        """False when nothing could be spared; it is not searched for again before the file has changed by much."""
        if self._writer is None or self._writer.size < self._full_until:
            return False
        freed = self._guard(lambda writer: make_room(writer, size)) or {}
        for what, count in freed.items():
            self.dropped(what, count, "the run file reached its limit (--max-size)")
        if not freed and self._writer is not None:
            self._full_until = self._writer.size + self._writer.max_size // 100
        return bool(freed)

    def _guard(self, call: Callable[[Writer], Any]) -> Any:
        if self._writer is None:
            return None
        try:
            return call(self._writer)
        except RunFileError as error:
            self._fail(error)
            return None

    def _fail(self, error: RunFileError) -> None:
        writer, self._writer = self._writer, None
        self._unseen.clear()
        again, self._broke = self._broke is not None, str(error)
        if writer is not None:
            try:
                writer.close()
            except RunFileError:
                pass  # the same trouble again; the first one is what is told
        if again:
            return
        self._on_problem(f"{error}; the script runs on, what it does from here is not recorded")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
