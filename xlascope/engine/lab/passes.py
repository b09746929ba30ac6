"""Collecting what each XLA pass makes of a program: its dump is read and deleted while XLA still compiles."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...protocol.snapshots import LineStore
from .. import compat
from ..core.heartbeat import Heartbeat

# A pass after which something changed, or the start of a pipeline; numbered by module and by snapshot.
_FILE = re.compile(r"module_(\d+)\.(.+?)\.(\d{4,})\.(.+)\.txt\Z")
_PERIOD_S = 0.05
_TRACE_LEVEL = 3  # at which each HLO pass is an event
_QUIET_S = 1.0
USUAL_PASSES = 60
"""About how many snapshots a compile on CPU gives; only the progress depends on it."""


def dump_options(folder: Path) -> dict[str, Any]:
    """What makes XLA write the module after each pass."""
    return {"xla_dump_to": str(folder), "xla_dump_hlo_pass_re": ".*", "xla_dump_hlo_as_text": True}


class Reader:
    """Reads the snapshots in a thread of its own while the compile runs, so that they never fill the disk."""

    def __init__(self, folder: Path, beat: Heartbeat) -> None:
        self.store = LineStore()
        self.snapshots: dict[str, list[dict[str, Any]]] = {}
        self.names: dict[str, str] = {}
        self.trouble: str | None = None
        self._count, self._grew = 0, time.monotonic()
        self._folder, self._beat = folder, beat
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="xlascope-passes", daemon=True)

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._over.wait(_PERIOD_S):
                self._take(whole=False)
            self._take(whole=True)
        except OSError as error:
            self.trouble = f"the snapshots could not be read: {error.strerror or error}"

    def _take(self, whole: bool) -> None:
        """Read what has been written; the newest of a module may still be being written until the compile is over."""
        found: dict[str, list[tuple[int, str, Path]]] = {}
        before = self._count
        for file in self._folder.iterdir():
            match = _FILE.match(file.name)
            if match:
                found.setdefault(match[1], []).append((int(match[3]), match[4], file))
                self.names[match[1]] = match[2]
        for module, files in found.items():
            files.sort()
            for index, step, file in files if whole else files[:-1]:
                text = self.store.add(file.read_bytes())
                self.snapshots.setdefault(module, []).append({"index": index, "step": step, "text": text})
                file.unlink()
                self._count += 1
                total = max(USUAL_PASSES, self._count)
                self._beat.far(self._count, total, f"pass {self._count} of ~{total}: {step}")
        if self._count != before:
            self._grew = time.monotonic()
        elif self._count and not whole and time.monotonic() - self._grew > _QUIET_S:
            said = f"{self._count} passes so far; XLA goes on, in a long one or making code"
            self._beat.far(self._count, None, said)


def collect(
    compile: Callable[[dict[str, Any]], Any], folder: Path, beat: Heartbeat
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Compile with a dump into ``folder`` (empty, private; who made it removes it); the record's keys and blobs.

    ``compile(options)`` compiles with these XLA options beside its own. Raises CompileError, and ValueError when XLA
    wrote no snapshot.
    """
    beat.step("compiling", "every pass")
    notes = []
    session = None
    try:
        session = compat.open_profile(_TRACE_LEVEL)
    except RuntimeError as error:
        notes.append(f"no durations: {error}")
    data = b""
    started = time.perf_counter_ns()
    with Reader(folder, beat) as reader:
        try:
            compile(dump_options(folder))
            compile_ns = time.perf_counter_ns() - started
        finally:
            if session is not None:
                data = session.stop()
    if reader.trouble is not None:
        raise ValueError(reader.trouble)
    if not reader.snapshots:
        raise ValueError("XLA wrote no pass of this compile")
    # A backend may compile small modules of its own beside the program.
    module = max(reader.snapshots, key=lambda each: len(reader.snapshots[each]))
    events = compat.compile_events(data, reader.names[module]) if data else []
    if data and not events:
        notes.append("no durations: the profile names no pass of this module")
    lines, rows = reader.store.packed()
    body = {
        "snapshots": reader.snapshots[module],
        "lines": reader.store.counts(),
        "module": reader.names[module],
        "compile_ns": compile_ns,
        "notes": notes,
    }
    return body, {"lines": lines, "rows": rows, "events": json.dumps(events).encode()}
