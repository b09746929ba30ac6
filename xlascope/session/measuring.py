"""Measurements: one at a time, in the live recorder or in a lab; results go to the run file."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from xlascope.protocol import Message, machines
from xlascope.runfile import RunFileError
from xlascope.session import targets
from xlascope.session.dumping import DumpFolder
from xlascope.session.keeping import keep_failure, keep_result
from xlascope.session.lab import HEARTBEAT_S, Lab, LabSpec, flags_from
from xlascope.session.lab_inputs import (
    Environment,
    LabInputs,
    NotMeasurable,
    beside,
    command_of,
    environment,
    load,
    load_arguments,
)
from xlascope.session.loop import Loop
from xlascope.session.plan import is_python_with_jax
from xlascope.session.store import Store
from xlascope.session.switches import devices_needed
from xlascope.session.targets import Target, TargetError
from xlascope.session.ticket import DUMPED, Ticket, target_of

_IDLE_S = 300.0
_CANCEL_S = 3.0
_CHECK_S = 1.0
_WARM_LABS = 2
_SPARE_AFTER_S = 2.0
"""Seconds after the first lab was started until the spare one is: they are not to import jax at once."""


def _python_for(target: Target, python: str) -> str:
    try:
        return targets.python_for(target.device.platform, python)
    except TargetError as error:
        raise NotMeasurable(str(error), error.advice) from error


class Host(Protocol):
    """What a measurement needs of the keeper."""

    state: str
    run_path: Path

    def recorder_send(self, body: Mapping[str, Any], blobs: Mapping[str, bytes] | None = None) -> bool:
        """Send to the live recorder; False when there is none."""

    def emit(self, event: dict[str, Any]) -> None:
        """Tell all subscribers an event."""

    def keep(self, message: Message, program: str | None = None, variant: str | None = None) -> None:
        """Store a record that a lab has sent."""


class Measurer:
    """A queue of tickets. Events: ``measurement`` (queued, started); ``progress``, ``result`` with ``id``."""

    def __init__(self, loop: Loop, store: Store, host: Host, boot: Path) -> None:
        self._loop = loop
        self._store = store
        self._host = host
        self._boot = boot
        self._queue: deque[Ticket] = deque()
        self._running: Ticket | None = None
        self._place: Lab | str | None = None
        self._cancelled = False
        self._labs: dict[LabSpec, Lab] = {}
        self._spare: Lab | None = None
        self._wants_spare = False
        self._closed = False
        self._dump = DumpFolder()

    def submit(self, ticket: Ticket) -> None:
        """Queue a ticket; nothing happens once it is closed."""
        if self._closed:
            return
        self._queue.append(ticket)
        self._tell(ticket, "queued")
        self._next()

    def cancel(self, ticket_id: int) -> None:
        """Give up a ticket that waits or runs; its ``result`` event says ``cancelled``."""
        for ticket in self._queue:
            if ticket.id == ticket_id:
                self._queue.remove(ticket)
                self._answer(ticket, {"ok": False, "error": "cancelled", "cancelled": True})
                return
        running = self._running
        if running is not None and running.id == ticket_id and not self._cancelled:
            self._cancelled = True
            if running.collect is not None:
                self._insist(running)  # it is one long call of the compiler's, in which nothing is heard
                return
            self._send({"kind": "cancel", "id": running.id})
            self._loop.later(_CANCEL_S, lambda: self._insist(running))

    def close(self) -> None:
        """End all labs; what was asked for is not answered any more."""
        self._closed = True
        self._queue.clear()
        self._running = None
        for lab in [*self._labs.values(), *filter(None, [self._spare])]:
            lab.kill()
        self._labs.clear()
        self._spare = None
        self._dump.remove()

    # --- what the processes say

    def progress(self, place: object, body: Mapping[str, Any]) -> None:
        """Pass on what the measuring process says it is at, if that is the running ticket's."""
        if self._running is not None and self._is(place) and body.get("id") == self._running.id:
            self._host.emit({**body, "kind": "progress", "id": self._running.id})

    def result(self, place: object, message: Message) -> bool:
        """Take an answer; False when it is not for the running ticket."""
        ticket = self._running
        if ticket is None or not self._is(place) or message.body.get("id") != ticket.id:
            return False
        self._running = self._place = None
        body = dict(message.body)
        if self._cancelled and not body.get("ok"):
            body["cancelled"] = True
        elif body.get("ok") and ticket.other is None:
            body |= keep_result(self._store, self._host.run_path, ticket, message)
        elif not body.get("ok"):
            keep_failure(self._store, ticket, body)
        self._answer(ticket, body)
        self._next()
        if self._running is None:
            self._have_spare()
        return True

    def lost(self, place: object, why: str) -> None:
        """The process that was measuring is gone."""
        ticket = self._running
        if ticket is None or not self._is(place):
            return
        self._running = self._place = None
        body: dict[str, Any] = {"ok": False, "error": "cancelled", "cancelled": True}
        if not self._cancelled:
            body = {"ok": False, "error": f"the measuring process is gone: {why}",
                    "advice": "measure again; it starts a new one"}
            keep_failure(self._store, ticket, body)
        self._answer(ticket, body)
        self._next()

    # --- running one

    def _next(self) -> None:
        while self._running is None and self._queue and not self._closed:
            ticket = self._queue.popleft()
            self._running, self._cancelled = ticket, False
            try:
                self._begin(ticket)
            except NotMeasurable as error:
                self._refuse(ticket, str(error), error.advice)
            except (RunFileError, OSError) as error:
                self._refuse(ticket, str(error), "record the script again")

    def _begin(self, ticket: Ticket) -> None:
        self._tell(ticket, "started")
        command = {"kind": "command", "id": ticket.id, "do": "measure", "program": ticket.program,
                   "switches": ticket.switches, "budget_s": ticket.budget_s, "profile": ticket.profile}
        if ticket.consent:
            command["consent"] = True
        if ticket.switches.get("passes_off"):
            command["folder"] = self._dump.make()
        self._store.commit()
        if ticket.collect is not None:
            command = {"kind": "command", "id": ticket.id, "do": "collect", "program": ticket.program,
                       "what": ticket.collect, "switches": ticket.switches}
            dumped = ticket.collect in DUMPED
            if dumped:
                command["folder"] = self._dump.make()
            target = target_of(ticket)
            handed = load(self._host.run_path, ticket.program, arguments=not dumped and target is None,
                          platform=target.device.platform if target is not None else None)
            self._begin_in_lab(command, handed, ticket)
            return
        jit = ticket.switches.get("jit")
        if jit in ("off", "deep-off"):
            self._begin_in_recorder(command, jit)
            return
        target = target_of(ticket)
        chosen = ticket.switches.get("target") if target is None else None
        platform = target.device.platform if target is not None else machines.LOWERED.get(str(chosen))
        handed = load(self._host.run_path, ticket.program, arguments=target is None, platform=platform)
        if "tagged" in handed.blobs:
            # The same instructions, whose names of operations tell the equations they come from.
            handed.blobs["stablehlo"] = handed.blobs.pop("tagged")
        if ticket.other is not None:
            beside(command, handed, load(*ticket.other, arguments=False))
        if target is not None:
            command["folder"] = self._dump.make()
            self._begin_in_lab(command, handed, ticket)
            return
        live = self._host.state in ("running", "idle")
        if live and chosen is None and (handed.needs_python or handed.environment.platform not in (None, "cpu")):
            # An accelerator has one owner: as long as the script's process lives, it is that.
            self._begin_in_recorder(command, jit)
            return
        self._begin_in_lab(command, handed, ticket)

    def _begin_in_recorder(self, command: dict[str, Any], jit: str | None) -> None:
        self._place = "recorder"
        body, blobs = load_arguments(self._host.run_path, str(command["program"]))
        if not self._host.recorder_send({**command, **body}, blobs):
            what = f"jit {jit}, which dispatches each equation by itself," if jit else "this"
            raise NotMeasurable(
                f"{what} needs the live Python process of the script, and that has ended: a run file holds no Python",
                f"start it anew with `{command_of(self._host.run_path)}`, choose {command['program']} and press J; "
                "this run file can be measured with --fusion off, --devices N, --passes-off and other switches")

    def _begin_in_lab(self, command: dict[str, Any], handed: LabInputs, ticket: Ticket) -> None:
        spec = self._spec(handed.environment, command["switches"])
        target = target_of(ticket)
        if target is not None:
            command["target"] = target.command()
            spec = replace(spec, target=target.device.platform, platform="cpu", devices=None,
                           python=_python_for(target, spec.python))
        lab = self._labs.get(spec)
        if lab is None:
            while len(self._labs) >= _WARM_LABS:
                self._drop(next(iter(self._labs.values())))
            lab = self._labs[spec] = self._spare_for(spec) or self._start_lab(spec)
        else:
            self._labs[spec] = self._labs.pop(spec)  # the newest is dropped last
        self._place = lab
        if not lab.ready:
            self._host.emit({"kind": "progress", "id": ticket.id, "name": ticket.program, "activity": "starting",
                             "detail": "a lab, which imports jax", "done": None, "total": None})
        lab.send({**command, **handed.body}, handed.blobs)

    def _spec(self, known: Environment, switches: Mapping[str, Any]) -> LabSpec:
        python = known.python
        if python is None or not is_python_with_jax(python):
            python = sys.executable
        chosen = switches.get("target")
        platform = str(chosen) if machines.is_platform(chosen) else known.platform
        devices = devices_needed(switches, known.device_count) if platform in (None, "cpu") else None
        return LabSpec(python, devices, platform, known.x64, flags_from(known.variables))

    def warm(self) -> None:
        """Start the lab that most measurements will need, so that the first one does not wait for jax."""
        if self._closed or self._labs or self._running is not None:
            return
        try:
            spec = self._spec(environment(self._host.run_path), {})
        except (NotMeasurable, RunFileError):
            return  # whoever measures is told why
        if spec.platform in (None, "cpu"):
            self._labs[spec] = self._start_lab(spec)
            self._wants_spare = True
            self._loop.later(_SPARE_AFTER_S, self._have_spare)

    def _have_spare(self) -> None:
        """Start a lab for the next environment that is asked for, whatever its devices and flags."""
        if self._closed or not self._wants_spare or self._spare is not None or not self._labs:
            return
        python = next(iter(self._labs)).python
        self._spare = self._start_lab(LabSpec(python, None, "cpu", False, ""), spare=True)

    def _spare_for(self, spec: LabSpec) -> Lab | None:
        lab = self._spare
        if lab is None or not lab.fits(spec):
            return None
        self._spare = None
        lab.become(spec)
        return lab

    def _start_lab(self, spec: LabSpec, spare: bool = False) -> Lab:
        def message(message: Message) -> None:
            kind = message.kind
            if kind == "progress":
                self.progress(lab, message.body)
            elif kind == "result":
                self.result(lab, message)
            elif kind not in ("hello", "bye", "idle"):
                ticket = self._running if self._is(lab) else None
                if ticket is not None:
                    self._host.keep(message, ticket.program, ticket.name)

        def lost(why: str) -> None:
            self._drop(lab)
            self.lost(lab, why)

        lab = Lab(self._loop, spec, self._boot, message, lost, spare=spare)
        self._loop.later(_CHECK_S, lambda: self._check(lab))
        return lab

    def _check(self, lab: Lab) -> None:
        if lab is not self._labs.get(lab.spec) and lab is not self._spare:
            return
        silent = time.monotonic() - lab.heard
        if self._is(lab) and silent > HEARTBEAT_S:
            self._drop(lab)
            self.lost(lab, f"no sign of life for {HEARTBEAT_S:.0f} s, so it was ended")
        elif not self._is(lab) and silent > _IDLE_S:
            self._drop(lab)
        else:
            self._loop.later(_CHECK_S, lambda: self._check(lab))

    def _insist(self, ticket: Ticket) -> None:
        """A cancelled lab that does not answer is ended; the recorder is the script's and is left alone."""
        if self._running is ticket and isinstance(self._place, Lab):
            lab = self._place
            self._drop(lab)
            self.lost(lab, "cancelled")

    def _drop(self, lab: Lab) -> None:
        if self._labs.get(lab.spec) is lab:
            del self._labs[lab.spec]
        if self._spare is lab:
            self._spare = None
        lab.kill()

    def _send(self, body: Mapping[str, Any]) -> None:
        if isinstance(self._place, Lab):
            self._place.send(body)
        elif self._place == "recorder":
            self._host.recorder_send(body)

    def _is(self, place: object) -> bool:
        return self._place is place or (isinstance(place, str) and self._place == place)

    # --- answers

    def _refuse(self, ticket: Ticket, error: str, advice: str) -> None:
        self._running = self._place = None
        self._answer(ticket, {"ok": False, "error": error, "advice": advice, "refused": True})

    def _answer(self, ticket: Ticket, body: Mapping[str, Any]) -> None:
        self._dump.remove()
        self._host.emit({**body, "kind": "result", "id": ticket.id, "program": ticket.program, "name": ticket.name})

    def _tell(self, ticket: Ticket, state: str) -> None:
        self._host.emit({"kind": "measurement", "ticket": ticket.id, "state": state, "program": ticket.program,
                         "name": ticket.name})
