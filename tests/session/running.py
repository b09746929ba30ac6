"""Starting `record` and keepers with the stand-in engine."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from xlascope.runfile import Reader
from xlascope.session.keeper import Keeper
from xlascope.session.plan import LaunchPlan

FAKE = Path(__file__).with_name("fake_engine.py")
ROOT = Path(__file__).parents[2]
COMMAND = Path(__file__).with_name("fake_xlascope.py")


def record_command(script: Path, run: Path, *arguments: str) -> list[str]:
    """`xlascope record -o RUN SCRIPT …` with the stand-in."""
    return [sys.executable, str(COMMAND), "record", "-o", str(run), str(script), *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def record(script: Path, run: Path, *arguments: str, **how: Any) -> subprocess.CompletedProcess[bytes]:
    """Run it redirected."""
    how = {"stdin": subprocess.DEVNULL, **how} if "input" not in how else how
    return subprocess.run(record_command(script, run, *arguments), capture_output=True, timeout=60, env=environment(),
                          check=False, **how)


def script(folder: Path, text: str, name: str = "script.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def plan(path: Path, **changes: Any) -> LaunchPlan:
    return replace(LaunchPlan(str(path), None, (), sys.executable), **changes)


class Events:
    """A keeper's events, to be waited for."""

    def __init__(self, keeper: Keeper) -> None:
        self.all: list[dict[str, Any]] = []
        self._queue: queue.Queue[dict[str, Any]] = queue.Queue()
        keeper.subscribe(self._queue.put)

    def until(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 30) -> dict[str, Any]:
        """The next event that is wanted. Raises queue.Empty when it does not come."""
        while True:
            event = self._queue.get(timeout=seconds)
            self.all.append(event)
            if wanted(event):
                return event

    def state(self, name: str) -> dict[str, Any]:
        return self.until(lambda event: event["kind"] == "state" and event["state"] == name)

    def result(self, ticket: int) -> dict[str, Any]:
        return self.until(lambda event: event["kind"] == "result" and event["id"] == ticket)


def end_of(run: Path) -> dict[str, Any]:
    with Reader(run) as reader:
        last = reader.last("end")
        assert last is not None
        return last.json


def output_of(run: Path, stream: str) -> bytes:
    with Reader(run) as reader:
        return b"".join(chunk.data for chunk in reader.chunks("output") if chunk.json["stream"] == stream)
