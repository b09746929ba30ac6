"""What a live run is doing now: fed by the keeper's thread, read by the screen a few times a second."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from xlascope.tui.text.tracebacks import is_installed


class Keeper(Protocol):
    """What the screen needs of the process that records and measures."""

    def subscribe(self, callback: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        """Calls for each event, in the keeper's thread; returns what ends that."""

    def status(self) -> Any:
        """A snapshot of the run."""

    def send(self, command: Mapping[str, Any]) -> int:
        """Sends the recorder a command; returns its id."""

    def write_input(self, data: bytes) -> None:
        """Types on the script's terminal."""

    def interrupt(self) -> None:
        """Ctrl-C for the script."""

    def measure(self, program: str, switches: Mapping[str, Any], budget_s: float = ...) -> int:
        """Queues a measurement of at most about `budget_s` seconds of samples; returns its ticket."""

    def collect(self, program: str, what: str, switches: Mapping[str, Any] | None = None) -> int:
        """Queues the making of what the file lacks; returns its ticket."""

    def cancel(self, ticket: int) -> None:
        """Gives a ticket up."""

    def stop(self) -> None:
        """Ends the script and the labs."""


@dataclass(frozen=True, slots=True)
class RunAtHand:
    """What the screen is started with: a path to read, the keeper if there is one, what to call the script."""

    path: Path
    keeper: Keeper | None = None
    script: str = ""
    live: bool = False
    """Whether the script is being run by `keeper` now."""
    note: str = ""
    """A demo's note: what to press and what will be seen."""
    against: Path | None = None
    """Another run to compare this one with, at once."""

    @property
    def is_there(self) -> bool:
        """Whether there is a file to read: that of a live run comes later. Several that are joined are all there."""
        return self.path.exists() or not (self.live or self.keeper is not None)


@dataclass(frozen=True, slots=True)
class Measuring:
    """A measurement under way."""

    ticket: int
    program: str
    name: str
    started: float
    activity: str = ""
    detail: str = "starting"
    done: int | None = None
    total: int | None = None

    @property
    def share(self) -> float | None:
        """How far it is, from 0 to 1; None where that is not told."""
        return self.done / self.total if self.total and self.done is not None else None


@dataclass(frozen=True, slots=True)
class LiveNow:
    """A snapshot. `since` is on `time.monotonic`'s clock; `changed` counts what was added to the file."""

    activity: str = ""
    name: str = ""
    detail: str = ""
    since: float = 0.0
    changed: int = 0
    measuring: tuple[Measuring, ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()
    recording: bool = True
    """False once the run file cannot be written any more."""
    state: str = "starting"
    ended: bool = False
    exit_code: int | None = None
    signal: int | None = None
    wall_ns: int | None = None
    last_line: str = ""
    heard: float = 0.0
    """When the script last wrote, on `time.monotonic`'s clock."""
    open_line: bool = False
    """Whether its last output ended within a line, as a prompt does."""
    pid: int | None = None
    undone: frozenset[int] = frozenset()
    """Tickets of measurements that were refused, cancelled or failed."""
    calls: Mapping[str, int] = field(default_factory=dict)
    """Calls that the hook saw, by program."""
    where: str = ""
    """Where the main thread of a silent script was when last asked: `train.py:40 in load`."""


def long_lasting(now: LiveNow, moment: float, least: float = 2.0) -> str | None:
    """The function that has been compiled or run for `least` seconds now; None when there is none."""
    lasts = now.activity in ("compiling", "running") and moment - now.since >= least
    return now.name if lasts and now.name and not now.ended else None


def is_silent(now: LiveNow, moment: float, least: float = 5.0) -> bool:
    """Whether a running script has neither written nor begun anything else for `least` seconds."""
    return now.state == "running" and not now.ended and moment - max(now.heard, now.since) >= least


def innermost(stack: str) -> str:
    """`train.py:40 in load` of the last frame of a traceback's text; empty when there is none.

    Of what a library does the user's own line is told that asked for it, and the library's function.
    """
    frames = re.findall(r'File "([^"]*)", line (\d+), in (.*)', stack)
    if not frames:
        return ""
    own = [each for each in frames if _is_own(each[0])]
    file, line, function = (own or frames)[-1]
    inside = f" ({frames[-1][2]})" if own and own[-1] is not frames[-1] else ""
    return f"{os.path.basename(file)}:{line} in {function}{inside}"


def _is_own(file: str) -> bool:
    """Whether a file is the user's; a demo is, the recorder in its process is not."""
    file = file.replace("\\", "/")
    return "/xlascope/demo/" in file or not (is_installed(file) or "/xlascope/engine/" in file)


def waits_for_input(now: LiveNow, reads: Callable[[int], bool | None], moment: float) -> bool:
    """Whether the script seems to wait for its standard input.

    It does when it reads (`reads` tells of a process id, None where nobody can say) and has been silent for a second
    after a prompt; or when it has been silent for 5 seconds after one, while nothing is compiled.
    """
    if now.ended or not now.open_line or now.state != "running":
        return False
    silent = moment - now.heard
    if silent < 1:
        return False
    reading = reads(now.pid) if now.pid is not None else None
    return reading is True or (reading is None and silent >= 5 and now.activity in ("", "running"))


def reads_terminal(pid: int) -> bool | None:
    """Whether a process is in a read of its standard input, as Linux tells of one's own; None where it does not."""
    try:
        with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
            words = file.read().split()
    except OSError:
        return None
    if len(words) < 2:
        return False
    read = {"x86_64": "0", "aarch64": "63"}.get(os.uname().machine)
    return None if read is None else words[0] == read and int(words[1], 16) == 0


@dataclass
class LiveState:
    """Collects events; safe to feed from any thread."""

    now: LiveNow = field(default_factory=LiveNow)
    _early: dict[object, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    """Results that came before the screen was told their ticket: a refusal is quick."""
    _begun: dict[object, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    """What is done for tickets that the screen was not told yet."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self, event: Mapping[str, Any]) -> None:
        """One event of the keeper; kinds it does not know only count as a change."""
        with self._lock:
            kind = event.get("kind")
            if kind == "progress":
                self.now = self._progress(event)
            elif kind == "state":
                self.now = self._state(event)
            elif kind == "result" and "stack" in event:
                self.now = replace(self.now, where=innermost(str(event["stack"])))
            elif kind == "result":
                self.now = self._result(event)
            elif kind == "output":
                self.now = self._output(event)
            elif kind == "problem":
                self.now = replace(self.now, problems=(*self.now.problems[-9:], str(event.get("text"))))
            else:
                self.now = replace(self.now, changed=self.now.changed + 1)

    def typed(self) -> None:
        """A line was typed to the script."""
        with self._lock:
            self.now = replace(self.now, heard=time.monotonic(), open_line=False)

    def take_status(self, status: Any) -> None:
        """The keeper's own snapshot: what was said before this state was subscribed."""
        activity = status.activity
        with self._lock:
            since = self.now.since
            if activity is not None and (activity.activity, activity.name or "") != (self.now.activity, self.now.name):
                age = max(time.time_ns() - activity.since_ns, 0) / 1e9 if activity.since_ns else 0.0
                since = time.monotonic() - age
            early = not self.now.heard and bool(status.last_line)
            self.now = replace(
                self.now,
                state=status.state,
                ended=self.now.ended or status.state in ("idle", "ended"),
                exit_code=status.exit_code,
                signal=status.signal,
                pid=status.pid,
                recording=status.recording,
                activity=activity.activity if activity is not None else "",
                name=(activity.name or "") if activity is not None else "",
                detail=(activity.detail or "") if activity is not None else "",
                since=since,
                wall_ns=status.wall_ns,
                last_line=status.last_line,
                heard=time.monotonic() if early else self.now.heard,
                open_line=status.open_line if early else self.now.open_line,
                calls=dict(status.calls),
            )

    def measuring(self, ticket: int, program: str, name: str) -> None:
        """A measurement was asked for."""
        with self._lock:
            entry = Measuring(ticket, program, name, time.monotonic())
            self.now = replace(self.now, measuring=(*self.now.measuring, entry))
            begun, early = self._begun.pop(ticket, None), self._early.pop(ticket, None)
            if begun is not None:
                self.now = self._progress(begun)
            if early is not None:
                self.now = self._result(early)

    def failed(self, name: str, why: str) -> None:
        """A measurement could not be asked for."""
        with self._lock:
            self.now = replace(self.now, failures=(*self.now.failures[-4:], (name, why)))

    def forget_failures(self) -> None:
        """The user has seen them."""
        with self._lock:
            self.now = replace(self.now, failures=())

    def _output(self, event: Mapping[str, Any]) -> LiveNow:
        data = event.get("data")
        last = data.rpartition(b"\n")[2] if isinstance(data, bytes) else b""
        # A line that a carriage return starts again is a progress bar.
        return replace(
            self.now,
            changed=self.now.changed + 1,
            heard=time.monotonic(),
            open_line=bool(last.strip()) and b"\r" not in last,
        )

    def _progress(self, event: Mapping[str, Any]) -> LiveNow:
        now, ticket = self.now, event.get("id")
        if any(entry.ticket == ticket for entry in now.measuring):
            doing, detail = str(event.get("activity") or "measuring"), str(event.get("detail") or "")
            entries = tuple(
                replace(entry, activity=doing, detail=detail, done=event.get("done"), total=event.get("total"))
                if entry.ticket == ticket
                else entry
                for entry in now.measuring
            )
            return replace(now, measuring=entries)
        if ticket is not None:
            self._begun[ticket] = event
            return now
        activity, name = str(event.get("activity") or ""), str(event.get("name") or "")
        same = (activity, name) == (now.activity, now.name)
        since = now.since if same else time.monotonic()
        return replace(now, activity=activity, name=name, detail=str(event.get("detail") or ""), since=since)

    def _state(self, event: Mapping[str, Any]) -> LiveNow:
        state = event.get("state")
        ended = self.now.ended or state in ("ended", "killed", "idle")
        code = event.get("exit_code")
        return replace(
            self.now,
            state=str(state),
            ended=ended,
            exit_code=self.now.exit_code if code is None else code,
            signal=event.get("signal") or self.now.signal,
            changed=self.now.changed + 1,
        )

    def _result(self, event: Mapping[str, Any]) -> LiveNow:
        ticket = event.get("id")
        done = [entry for entry in self.now.measuring if entry.ticket == ticket]
        left = tuple(entry for entry in self.now.measuring if entry.ticket != ticket)
        failures, undone = self.now.failures, self.now.undone
        self._begun.pop(ticket, None)
        if not done:
            self._early[ticket] = event
        elif not event.get("ok", True):
            undone |= {done[0].ticket}
        if done and not event.get("ok", True) and not event.get("cancelled"):
            words = [str(event[key]) for key in ("error", "advice") if event.get(key)]
            failures = (*failures[-4:], (done[0].name, ". ".join(words) or "failed"))
        return replace(self.now, measuring=left, failures=failures, undone=undone, changed=self.now.changed + 1)
