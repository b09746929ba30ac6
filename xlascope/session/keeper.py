"""The keeper: owns the recorder's process, its terminal and its time, and is the only writer of the run file."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from xlascope.protocol import Message
from xlascope.runfile.schema import DEFAULT_MAX_SIZE
from xlascope.session.channel import Channel, socket_pair
from xlascope.session.listeners import Event, Listeners
from xlascope.session.loop import Loop
from xlascope.session.measuring import Measurer, Ticket
from xlascope.session.outputs import OutputLog
from xlascope.session.pauses import Pauses
from xlascope.session.plan import ENGINE, LaunchPlan, engine_command
from xlascope.session.process import Process, inherited_descriptors
from xlascope.session.script_streams import ScriptStreams
from xlascope.session.status import Activity, Status
from xlascope.session.store import Store
from xlascope.session.terminal import window_size
from xlascope.session.whereabouts import ANSWER_S, answer, ask
from xlascope.session.wiring import Wiring, owned

_TICK_S = 0.1
_STOP_S = 3.0
ENGINE_FAILED = 4
# The first compiles of a script have the cores for themselves.
_WARM_AFTER_S = 3.0


class Keeper:
    """One run: from the start of the recorder, or reopened from its file, until `stop`.

    Two ways to use it: `start` gives it a thread of its own, `run` uses the caller's. Callbacks given to `subscribe`
    get an event from the keeper's thread: ``{"kind": "state", "state"}``, ``{"kind": "progress", …}`` (as the message),
    ``{"kind": "output", "stream", "data"}``, ``{"kind": "record", "record", "program", "variant"}`` (once a reader sees
    it), ``{"kind": "measurement", "ticket", "state"}`` (queued, started), ``{"kind": "result", "id", "ok", …}``
    (answers to `measure` and `send`), ``{"kind": "problem", "text"}``. What stands under *from any thread* below may be
    called from any thread.
    """

    def __init__(
        self,
        plan: LaunchPlan | None,
        run_path: Path,
        *,
        size: tuple[int, int] = (24, 80),
        wiring: Callable[[], Wiring] | None = None,
        commit_every: float = 0.25,
        boot: Path = ENGINE,
        warm: bool = False,
    ) -> None:
        """``size``: (rows, columns) of the script's terminal; ``wiring`` replaces it by other streams. ``warm``: have a
        lab ready before the first measurement."""
        self.plan = plan
        self.run_path = run_path
        self.loop = Loop()
        self.state = "starting"
        self.exit_code: int | None = None
        self.signal_number: int | None = None
        self.process: Process | None = None
        self.streams: ScriptStreams | None = None
        self.on_stopped: Callable[[int], None] = lambda number: None
        self.on_close: Callable[[], None] = lambda: None
        self._make_wiring = wiring or (lambda: owned(window_size(*size)))
        self._boot = boot
        self._warm = warm
        self._started_at_all = True
        self._said_bye = False
        self._pauses = Pauses()
        self._stacks: Any = None
        self._listeners = Listeners()
        self._store = Store(self._listeners.problem, self._stored, commit_every)
        self._log = OutputLog(self._store)
        self._channel: Channel | None = None
        self._activity = Activity("starting")
        self._calls: dict[str, int] = {}
        self._started_ns = time.time_ns()
        self._started = time.monotonic_ns()
        self._wall_ns: int | None = None
        self._ids = itertools.count(1)
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._finished = threading.Event()
        self._pending_signals: list[tuple[int, bool]] = []
        self._measurer = Measurer(self.loop, self._store, self, boot)

    @classmethod
    def reopen(cls, path: Path, *, boot: Path = ENGINE, warm: bool = False) -> Keeper:
        """A keeper for a finished run: measures in labs, starts no script. `start` raises RunFileError."""
        return cls(None, path, boot=boot, warm=warm)

    # --- life

    def open(self) -> None:
        """Open the run file. Raises RunFileError, RunFileLocked."""
        size = DEFAULT_MAX_SIZE if self.plan is None else self.plan.max_size
        self._store.start(self.run_path, size, create=self.plan is not None)
        self.run_path = self._store.path or self.run_path

    def start(self) -> None:
        """Open the run file, start the script, and turn in a thread of our own."""
        self.open()
        self._thread = threading.Thread(target=self._turn, name="keeper", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Start the script and turn until it has ended; the caller has called `open`, or goes on without a file."""
        self._turn()

    def stop(self, seconds: float = _STOP_S + 5) -> None:
        """End the script if it still runs, and all labs; close the run file. Returns when that is done."""
        if self._thread is None:
            return
        self.loop.post(self._stop)
        self._finished.wait(seconds)
        self._thread.join(seconds)

    def _turn(self) -> None:
        try:
            self._tick()
            if self.plan is not None:
                self._launch(self.plan)
            else:
                self._set_state("ended")
                self._warm_up()
            self.loop.run(self._done)
        finally:
            self._close()

    def _done(self) -> bool:
        if self._thread is None and self.plan is not None:
            return self.state == "ended" and not (self.streams is not None and self.streams.waiting)
        return self._stopping and (self.process is None or self.process.ended)

    def _close(self) -> None:
        self._measurer.close()
        self._log.flush()
        self._store.close()
        for closable in (self._channel, self.process):
            if closable is not None:
                closable.close()
        if self.streams is not None:
            self.streams.end()
            self.streams.give_up()
        self.on_close()
        self.loop.close()
        self._finished.set()

    def _warm_up(self, seconds: float = 0.0) -> None:
        if self._warm:
            self._warm = False
            self.loop.later(seconds, self._measurer.warm)

    def _stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        self._measurer.close()
        if self.process is None or self.process.ended:
            return
        if self._channel is not None:
            self._channel.send({"kind": "stop"})
        if self.state == "running" or self.state == "starting":
            self.process.signal(signal.SIGHUP, group=True)
            self.process.signal(signal.SIGCONT, group=True)
            self.loop.later(_STOP_S / 3, lambda: self._end_with(signal.SIGTERM))
        self.loop.later(_STOP_S, lambda: self._end_with(signal.SIGKILL))

    def _end_with(self, number: int) -> None:
        if self.process is not None:
            self.process.signal(number, group=True)

    # --- the recorder

    def _launch(self, plan: LaunchPlan) -> None:
        wiring = self._make_wiring()
        ours, theirs = socket_pair()
        config = {**plan.config(), "fd": theirs.fileno()}
        self._store.put("run", plan.record(self._started_ns))
        self._channel = Channel(self.loop, ours, self._message, self._recorder_gone)
        self.streams = ScriptStreams(self.loop, wiring, self._output)
        try:
            self.process = self._start_process(plan, wiring, theirs, config)
        except OSError as error:
            self._no_start(f"{plan.python}: {error.strerror or error}")
            self._script_ended(None)
        finally:
            theirs.close()
            for fd in wiring.theirs:
                os.close(fd)

    def _start_process(
        self, plan: LaunchPlan, wiring: Wiring, theirs: socket.socket, config: Mapping[str, Any]
    ) -> Process:
        return Process(
            self.loop, engine_command(plan.python, config, self._boot, plan.argv), stdio=wiring.stdio, sock=theirs,
            tty=wiring.tty, extra=inherited_descriptors(), on_exit=self._script_ended,
            on_stop=lambda number: self.on_stopped(number), on_pid=self._has_pid, on_error=self._no_start,
        )

    def _no_start(self, why: str) -> None:
        self._started_at_all = False
        self._listeners.problem(f"the script was not started: {why}; choose another Python with --python")

    def _output(self, stream: str, data: bytes) -> None:
        self._log.add(stream, data)
        self.emit({"kind": "output", "stream": stream, "data": data})

    def _has_pid(self, pid: int) -> None:
        pending, self._pending_signals = self._pending_signals, []
        for number, group in pending:
            self.pass_on(number, group)

    def _message(self, message: Message) -> None:
        body, kind = message.body, message.kind
        if kind == "progress":
            self._progress(body)
        elif kind == "hello":
            self._stacks = body.get("stacks")
            self._set_state("running")
            took = time.time_ns() - self._started_ns
            self._store.put("phase", {"name": "start python", "start_ns": self._started_ns, "ns": took})
        elif kind == "idle":
            self._idle(body)
        elif kind == "result":
            if not self._measurer.result("recorder", message):
                self.emit({**body, "kind": "result"})
        elif kind == "bye":
            self._said_bye = True
        else:
            self.keep(message)

    def keep(self, message: Message, program: str | None = None, variant: str | None = None) -> None:
        """Store a message of an engine's process; what it does not say itself is of ``program`` and ``variant``."""
        body, kind = message.body, message.kind
        named = body.get("program")
        if kind == "calls" and isinstance(named, str) and isinstance(body.get("hook_calls"), int):
            self._calls[named] = body["hook_calls"]
        elif kind == "env" and body.get("devices") is not None:
            self._stacks = None  # from here on the recorder has a thread that answers
        elif kind == "program":
            self._warm_up(_WARM_AFTER_S)
        self._store.keep(message, program, variant)

    def _progress(self, body: Mapping[str, Any]) -> None:
        if "id" in body and body["id"] is not None:
            self._measurer.progress("recorder", body)
            return
        self._activity = Activity(
            str(body.get("activity", "")), _text(body.get("name")), body.get("since_ns"), body.get("done"),
            body.get("total"), _text(body.get("detail")))
        self.emit({**body, "kind": "progress"})

    def _idle(self, body: Mapping[str, Any]) -> None:
        code = body.get("exit_code")
        self.exit_code = code if isinstance(code, int) else None
        if self.streams is not None:
            self.streams.drain()
        self._activity = Activity("idle")
        self._put_end("ended")
        self._set_state("idle")

    def _recorder_gone(self, why: str) -> None:
        self._measurer.lost("recorder", "the recorder is gone")
        if why:
            self._listeners.problem(f"the recorder stopped recording: {why}; the script runs on")

    def _script_ended(self, status: int | None) -> None:
        if self.streams is not None:
            self.streams.drain()
        if self._channel is not None:
            self._channel.drain()
            self._channel.close()
        self._measurer.lost("recorder", "the script's process has ended")
        if self.state != "idle":
            if status is not None and os.WIFSIGNALED(status):
                self.signal_number = os.WTERMSIG(status)
            elif not self._started_at_all:
                self.exit_code = ENGINE_FAILED
            elif status is not None:
                self.exit_code = os.waitstatus_to_exitcode(status)
            if self._started_at_all and self.state == "starting":
                self._listeners.problem("the script was not recorded: the engine ended before it began; "
                              "it needs Python 3.11 to 3.13")
            if not self._said_bye and (why := self._pauses.missing()) is not None:
                self._store.dropped("recording", 1, why)
            self._put_end("ended" if self.exit_code is not None else "killed")
        if self.streams is not None:
            self.streams.end()
        self._set_state("ended")

    def _put_end(self, state: str) -> None:
        self._wall_ns = time.monotonic_ns() - self._started
        self._log.flush()
        self._store.end({
            "state": state, "exit_code": self.exit_code, "signal": self.signal_number, "wall_ns": self._wall_ns,
            "ended_ns": time.time_ns(),
        })

    # --- from any thread

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Call ``callback`` for each event, in the keeper's thread; returns what ends that."""
        return self._listeners.add(callback)

    def status(self) -> Status:
        """What is known of the run now; may be asked from any thread."""
        wall = self._wall_ns if self._wall_ns is not None else time.monotonic_ns() - self._started
        return Status(
            self.state, self.process.pid if self.process is not None else None, self.exit_code, self.signal_number,
            self._activity, dict(self._store.counts), dict(self._calls), self._log.last_line, self.run_path,
            self._store.size, wall, self._store.open, tuple(self._listeners.problems), self._log.open_line)

    def send(self, command: Mapping[str, Any]) -> int:
        """Send the recorder a command; its answer comes as an event of kind ``result`` with the id returned."""
        number = next(self._ids)
        self.loop.post(lambda: self._send({"kind": "command", **command, "id": number}))
        return number

    def write_input(self, data: bytes) -> None:
        """Type ``data`` on the script's terminal."""
        self.loop.post(lambda: self.streams.type(data) if self.streams is not None else None)

    def resize(self, rows: int, columns: int) -> None:
        """Tells the script's terminal its size in characters."""
        size = window_size(rows, columns)
        self.loop.post(lambda: self.streams.set_window(size) if self.streams is not None else None)

    def interrupt(self) -> None:
        """Ctrl-C for the script and its foreground children."""
        self.loop.post(lambda: self.pass_on(signal.SIGINT, True))

    def measure(
        self, program: str, switches: Mapping[str, Any], budget_s: float = 5.0, *,
        profile: bool = True, consent: bool = False, name: str | None = None, other: tuple[Path, str] | None = None,
    ) -> int:
        """Queue the measurement of a variant beside its baseline. Returns the ticket that its events (``progress`` and
        at last ``result``) carry as ``id``. ``consent``: execute it though it has ordered effects;
        ``name``: keep the switches under it; ``other``: measure that program of that run file in the variant's place,
        with this one's arguments, and keep nothing of it."""
        ticket = Ticket(
            next(self._ids), program, dict(switches), budget_s, profile, consent, set_name=name, other=other)
        self.loop.post(lambda: self._measurer.submit(ticket))
        return ticket.id

    def collect(self, program: str, what: str, switches: Mapping[str, Any] | None = None) -> int:
        """Queue the making of what the run file lacks in a lab: a stage (``hlo``, ``tagged``), or the ``passes`` of a
        program, with ``switches`` those of a variant. Returns the ticket, as `measure` does; a ``record`` event of kind
        ``stage`` or ``passes`` follows when it is in the file."""
        ticket = Ticket(next(self._ids), program, dict(switches or {}), 0.0, profile=False, collect=what)
        self.loop.post(lambda: self._measurer.submit(ticket))
        return ticket.id

    def cancel(self, ticket: int) -> None:
        """Gives up a ticket of `measure` or `collect`, waiting or running; a ``result`` event tells."""
        self.loop.post(lambda: self._measurer.cancel(ticket))

    # --- in the keeper's thread

    def recorder_send(self, body: Mapping[str, Any], blobs: Mapping[str, bytes] | None = None) -> bool:
        """Send to the live recorder; False when there is none."""
        return self._channel is not None and self._channel.send(body, blobs)

    def pass_on(self, number: int, group: bool) -> None:
        """Send the script a signal, as soon as it has started."""
        if self.process is None or self.process.pid is None:
            self._pending_signals.append((number, group))
        else:
            self.process.signal(number, group)

    def emit(self, event: Event) -> None:
        """Tell all subscribers."""
        self._listeners.tell(event)

    def _send(self, body: Mapping[str, Any]) -> None:
        pid, stacks = self.process.pid if self.process is not None else None, self._stacks
        if body.get("what") == "stack" and isinstance(stacks, Mapping) and pid is not None:
            if ask(pid, stacks):
                told = {"kind": "result", "id": body["id"], "ok": True}
                self.loop.later(ANSWER_S, lambda: self.emit({**told, "stack": answer(pid, stacks)}))
            return
        if not self.recorder_send(body):
            self.emit({"kind": "result", "id": body["id"], "ok": False, "error": "the script's process has ended",
                       "advice": "measure on the run file instead"})

    def _set_state(self, state: str) -> None:
        self.state = state
        self.emit({"kind": "state", "state": state, "exit_code": self.exit_code, "signal": self.signal_number})

    def _tick(self) -> None:
        self._pauses.look()
        self._log.tick()
        self._store.tick()
        if not self._finished.is_set():
            self.loop.later(_TICK_S, self._tick)

    def _stored(self, kind: str, program: str | None, variant: str | None) -> None:
        self.emit({"kind": "record", "record": kind, "program": program, "variant": variant})


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
