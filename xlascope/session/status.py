"""A snapshot of a run for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Activity:
    """What the recorder does now: ``activity`` as in a progress message, since ``since_ns`` (`time.time_ns`)."""

    activity: str
    name: str | None = None
    since_ns: int | None = None
    done: float | None = None
    total: float | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """``state``: ``starting``, ``running``, ``idle`` (the script ended, its process serves commands), ``ended``.

    ``exit_code`` and ``signal`` are None until known. ``calls``: calls seen by the hook, by program id. ``bytes``: of
    the run file, 0 when nothing is recorded; ``wall_ns`` runs until the script ended.
    """

    state: str
    pid: int | None
    exit_code: int | None
    signal: int | None
    activity: Activity
    counts: dict[str, int]
    calls: dict[str, int]
    last_line: str
    run_path: Path | None
    bytes: int
    wall_ns: int
    recording: bool
    problems: tuple[str, ...] = field(default=())
    open_line: bool = False
