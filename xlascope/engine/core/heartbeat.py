"""`progress` messages while a command is served: at least twice a second, also in a long compile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

PERIOD_S = 0.25

Send = Callable[[dict[str, Any], dict[str, bytes]], None]


class Heartbeat:
    """A thread that repeats what the command is doing, with the time it has taken so far.

    XLA compiles without holding the interpreter lock, so the thread runs on meanwhile.
    """

    def __init__(
        self, send: Send, command_id: Any, name: str, first: tuple[str, str] = ("measuring", "preparing")
    ) -> None:
        self._send = send
        self._body: dict[str, Any] = {"kind": "progress", "id": command_id, "name": name}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._state: dict[str, Any] = {}
        self._told = 0.0
        self._thread: threading.Thread | None = None
        self.step(*first)

    def step(self, activity: str, detail: str) -> None:
        """Begin a step; it is told at once."""
        with self._lock:
            self._state = {
                "activity": activity,
                "since_ns": time.time_ns(),
                "done": None,
                "total": None,
                "detail": detail,
            }
        self._tell()

    def count(self, done: int, total: int | None, left_s: float) -> None:
        """How far the sampling is; told with the next beat, or now and then from here where there is no thread."""
        with self._lock:
            self._state |= {"done": done, "total": total, "detail": f"{left_s:.1f} s left"}
        if self._thread is None and time.monotonic() - self._told >= PERIOD_S:
            self._tell()

    def far(self, done: int, total: int | None, detail: str) -> None:
        """How far a step is, in words of its own; told with the next beat."""
        with self._lock:
            self._state |= {"done": done, "total": total, "detail": detail}

    def _tell(self) -> None:
        with self._lock:
            body = self._body | self._state
            self._told = time.monotonic()
        self._send(body, {})

    def _run(self) -> None:
        while not self._over.wait(PERIOD_S):
            try:
                self._tell()
            except OSError:  # the other side is gone; the thread that serves the command finds out by itself
                return

    def __enter__(self) -> Heartbeat:
        thread = threading.Thread(target=self._run, name="xlascope-heartbeat", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # Python 3.12 starts no thread once it is ending, which is when a recorder that stays serves: no beat then.
            return self
        self._thread = thread
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
