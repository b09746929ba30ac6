"""The recorder's second thread: window times and the keeper's commands, while the script runs and after it."""

from __future__ import annotations

import _thread
import os
import time
from typing import Any

from ...protocol.frames import Message
from .. import compat
from . import commands


class Service:
    """Serves in a raw thread, which `threading.enumerate` does not list, from the first dispatch to the script's end.

    After that the main thread serves. ``started`` before the first dispatch would add a thread to a process that may
    still want to fork; by then XLA has started its own.
    """

    def __init__(self, recording: Any) -> None:
        self.recording = recording
        self.link = recording.link
        self.cancelled: set[int] = set()
        self.stop_asked = False
        self._waiting: list[Message] = []
        self._running: Any = None
        self._native_id = 0
        self._leave = False

    def start(self) -> None:
        """Begins to serve commands in a thread of its own, unless it does so already."""
        if self._running is None and not self._leave:
            self._running = _thread.allocate_lock()
            self._running.acquire()
            self.link.allow_wake()
            _thread.start_new_thread(self._run, ())

    def _run(self) -> None:
        self._native_id = _thread.get_native_id()
        self.recording.hook.local.ours = True
        running = self._running
        try:
            self._guarded("reference", lambda: self.recording.reference.take("start"))
            while self.link.alive and not self._leave and os.getpid() == self.recording.pid:
                self.turn(self.recording.windows.patience)
        finally:
            running.release()

    def turn(self, seconds: float) -> None:
        """Wait for a command for at most ``seconds``, do what has come, then what is due."""
        self._take(self.link.receive(0 if self._waiting else seconds))
        if self._waiting:
            message = self._waiting.pop(0)
            self.recording.windows.meanwhile(lambda: self._do(message))
        if self.recording.hook is not None:
            self._guarded("profile window", self.recording.windows.tick)
            later = self.recording.hook.now_and_then
            self._guarded("record", lambda: self.recording.windows.meanwhile(later))

    def _take(self, messages: list[Message]) -> None:
        for message in messages:
            if message.kind == "cancel":
                self.cancelled.add(int(message.body.get("id", -1)))
            elif message.kind == "stop":
                self.stop_asked = True
                self.cancelled.update(int(each.body.get("id", -1)) for each in self._waiting)
            elif message.kind == "command":
                self._waiting.append(message)

    def is_cancelled(self, number: int) -> bool:
        """Whether the keeper took the command back; asked from inside long commands, so it reads the socket."""
        self._take(self.link.receive(0))
        return number in self.cancelled or self.stop_asked or not self.link.alive

    def _do(self, message: Message) -> None:
        number = int(message.body.get("id", -1))
        if number in self.cancelled:
            self.cancelled.discard(number)
            self.link.send({"kind": "result", "id": number, "ok": False, "error": "Cancelled.", "advice": None})
            return
        try:
            with compat.unnoticed():
                commands.do(self, message)
        except Exception as error:
            self.link.send({
                "kind": "result", "id": number, "ok": False,
                "error": f"The recorder could not do it: {type(error).__name__}: {error}", "advice": None,
            })
        self.cancelled.discard(number)

    def _guarded(self, what: str, step: Any) -> None:
        try:
            step()
        except Exception as error:
            self.link.drop(what, f"{type(error).__name__}: {error}")

    def join(self, seconds: float = 60.0) -> None:
        """End the second thread; the caller serves from here on.

        Waits until the system has no such thread: JAX's thread-local state is destroyed at a thread's very end, with
        the interpreter's lock held, and a thread that waits for that lock while Python shuts down aborts the process.
        """
        self._leave = True
        running, self._running = self._running, None
        if running is None:
            return
        self.link.wake()
        if not running.acquire(timeout=seconds):
            return
        task = f"/proc/self/task/{self._native_id}"
        for _ in range(2000):
            if not os.path.exists(task):
                break
            time.sleep(0.0005)

    def stay(self, exit_code: int) -> None:
        """Serve until told to stop or until the link is gone. ``exit_code`` is the script's."""
        self.link.send({"kind": "idle", "exit_code": exit_code})
        while self.link.alive and not self.stop_asked:
            self.turn(1.0)
