"""What views are asked of: a run file, or HLO text (files or an XLA dump folder); a profile: `profile_source`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TypeVar

from xlascope.runfile import Chunk, Reader, Record, RunFileError
from xlascope.views.cache import Cache, Keep
from xlascope.views.sources.dump import DumpModule, Place
from xlascope.views.sources.texts import read_text

T = TypeVar("T")
# Kinds of which the writer replaces or amends records: they are read anew each time. There are few of each.
_REWRITTEN = frozenset({"calls", "eager", "dropped"})
_ALL = None


class Source:
    """Base of all sources. ``kind`` is what `View.needs` names; ``says`` names it in messages.

    ``keep`` and ``large`` hold what never changes (op times of a window; modules of a text), ``large`` the big things.
    """

    kind = ""
    says = ""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._answers = Cache(256)
        self.keep = Keep(4096)
        self.large = Keep(48)

    @property
    def generation(self) -> int:
        """Grows when something was added; equal means that every answer is still the same."""
        return 0

    @property
    def facts_generation(self) -> int:
        """As `generation`, but the script's output does not count: while a script only writes, nothing changes."""
        return self.generation

    def memo(self, key: Hashable, compute: Callable[[], T], *, output: bool = False) -> T:
        """``compute()``, kept until the file has new facts; with ``output`` until it has anything new."""
        return self._answers.get(key, compute, self.generation if output else self.facts_generation)

    def close(self) -> None:
        """Let go of files."""

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RunSource(Source):
    """A run file, finished or still being recorded. Safe to use from several threads.

    ``damages`` are the sentences about what could not be read; the rest is read all the same.
    """

    kind = "run"
    says = "a run file"

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader.path)
        self._reader = reader
        self._lock = threading.RLock()
        self._records: dict[str, dict[str | None, list[Record]]] = {}
        self._record_ids: dict[str, int] = {}
        self._read_at: dict[str, int] = {}
        self._newest_profile = self._facts = 0
        self._facts_at = -1
        self.damages: list[str] = []

    @property
    def run_id(self) -> str:
        """The id of the run."""
        with self._lock:
            return self._reader.run_id

    @property
    def generation(self) -> int:
        """Grows with what is added to the file."""
        with self._lock:
            return self._reader.generation

    @property
    def facts_generation(self) -> int:
        """Grows with what is added to the file, the script's output left out."""
        with self._lock:
            generation = self._reader.generation
            if generation != self._facts_at:
                heads = self.chunks("profile", after=self._newest_profile, data=False)
                self._newest_profile = heads[-1].id if heads else self._newest_profile
                self._facts_at, self._facts = generation, self._reader.newest_record + self._newest_profile
            return self._facts

    def being_written(self) -> bool:
        """Whether a keeper holds the file now."""
        with self._lock:
            return self._reader.being_written()

    def records(self, kind: str, program: str | None = None, variant: str | None = None) -> list[Record]:
        """Records of a kind, oldest first, of one program or variant where given. Only new ones are read."""
        with self._lock:
            if kind in _REWRITTEN:
                self._records.pop(kind, None)
                self._record_ids.pop(kind, None)
                self._read_at.pop(kind, None)
            known = self._records.setdefault(kind, {_ALL: []})
            generation = self._reader.generation
            if self._read_at.get(kind) != generation:
                self._read_new(kind, known)
                self._read_at[kind] = generation
            found = known.get(_ALL if program is None else program, [])
            return [record for record in found if variant is None or record.variant == variant]

    def _read_new(self, kind: str, known: dict[str | None, list[Record]]) -> None:
        try:
            for record in self._reader.records(kind, after=self._record_ids.get(kind, 0)):
                known[_ALL].append(record)
                if record.program is not None:
                    known.setdefault(record.program, []).append(record)
                self._record_ids[kind] = record.id
        except RunFileError as error:
            self._damaged(error)

    def last(self, kind: str, program: str | None = None, variant: str | None = None) -> Record | None:
        """The newest record of a kind, of one program or variant where given."""
        found = self.records(kind, program, variant)
        return found[-1] if found else None

    def chunks(self, kind: str, after: int = 0, data: bool = True) -> list[Chunk]:
        """Chunks of a kind with an id above ``after``; without ``data`` their bytes are left out."""
        found: list[Chunk] = []
        with self._lock:
            try:
                for chunk in self._reader.chunks(kind, after=after, data=data):
                    found.append(chunk)
            except RunFileError as error:
                self._damaged(error)
        return found

    def chunk_data(self, identity: int) -> bytes | None:
        """The bytes of one chunk, None when they cannot be read."""
        with self._lock:
            try:
                return self._reader.chunk_data(identity)
            except RunFileError as error:
                self._damaged(error)
                return None

    def blob(self, record: Record, name: str) -> bytes | None:
        """A blob of a record, None when it has none of that name or it cannot be read."""
        digest = self.digest(record, name)
        if digest is None:
            return None
        with self._lock:
            try:
                return self._reader.blob(digest)
            except RunFileError as error:
                self._damaged(error)
                return None

    def text(self, record: Record, name: str = "text") -> str | None:
        """A blob as text."""
        found = self.blob(record, name)
        return None if found is None else found.decode("utf-8", "replace")

    @staticmethod
    def digest(record: Record, name: str) -> str | None:
        """The hash that names a blob of a record, None when it has none of that name."""
        blobs = record.json.get("blobs")
        found = blobs.get(name) if isinstance(blobs, dict) else None
        return found if isinstance(found, str) else None

    def _damaged(self, error: RunFileError) -> None:
        sentence = str(error)
        if sentence not in self.damages:
            self.damages.append(sentence)

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._reader.close()


class HloSource(Source):
    """HLO and StableHLO texts: those of single files (kind ``hlo``), or the modules of an XLA dump (kind ``dump``)."""

    def __init__(self, path: Path, modules: tuple[DumpModule, ...], is_folder: bool) -> None:
        super().__init__(path)
        self.kind = "dump" if is_folder else "hlo"
        self.says = "an XLA dump folder" if is_folder else "an HLO text file"
        self._modules = modules

    @property
    def modules(self) -> tuple[DumpModule, ...]:
        """In the order in which they were compiled."""
        return self._modules

    def read(self, place: Place) -> str:
        """The text of a stage. Raises ViewError (exit code 3)."""
        return self.large.get_or(("text", str(place)), lambda: read_text(place))
