"""One recorded run: what is alive from the first line of the script to the last message."""

from __future__ import annotations

import atexit
import os
import sys
import time
import traceback as traceback_module
from types import TracebackType
from typing import Any

from xlascope.engine.recorder.link import Link
from xlascope.engine.recorder.watch_import import watch

VARIABLE_PREFIXES = ("JAX_", "XLA_", "TPU_", "LIBTPU_", "CUDA_VISIBLE", "TF_XLA", "TF_CPP", "NCCL_")


class Recording:
    """Owns the link and what is built on it once the script imports jax."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.script_path: str | None = config.get("script")
        self.link = Link(int(config["fd"]))
        self.pid = os.getpid()
        self.hook: Any = None
        self._import_started = 0

    def start(self) -> None:
        self.link.send({"kind": "hello", "pid": self.pid, "role": "recorder"})
        os.register_at_fork(after_in_child=self.link.abandon)
        atexit.register(self._last)
        watch("jax", self._jax_import_began, self._jax_imported)

    def _jax_import_began(self) -> None:
        self._import_started = time.time_ns()
        self.progress("importing", "jax")

    def _jax_imported(self) -> None:
        ended = time.time_ns()
        if not self.link.alive:
            return
        self.phase("import jax", self._import_started, ended - self._import_started)
        from xlascope.engine.recorder.hook import Hook

        self.hook = Hook(self)
        self.hook.install()
        self.send_env()
        atexit.register(self._finish)
        self.progress("running", None)

    def send_env(self) -> None:
        from xlascope.engine.recorder.environment import environment

        self.link.send({"kind": "env", **environment(VARIABLE_PREFIXES)})

    def progress(self, activity: str, name: str | None, **more: Any) -> None:
        self.link.send({"kind": "progress", "activity": activity, "name": name, "since_ns": time.time_ns(), **more})

    def phase(self, name: str, start_ns: int, ns: int) -> None:
        self.link.send({"kind": "phase", "name": name, "start_ns": start_ns, "ns": ns})

    def script_raised(self, error: BaseException, traceback: TracebackType | None) -> None:
        """Send the traceback that Python is about to print."""
        text = "".join(traceback_module.format_exception(type(error), error, traceback))
        self.link.send({"kind": "exception", "type": type(error).__qualname__, "text": text})

    def _finish(self) -> None:
        """At exit, after the handlers that the script registered since it imported jax, before JAX's own."""
        if os.getpid() == self.pid and self.hook is not None:
            self.hook.finish()

    def _last(self) -> None:
        if os.getpid() == self.pid:
            self.link.flush_dropped()
            self.link.send({"kind": "bye"})
            self.link.close()


def main_thread_stack() -> str:
    """Where the main thread is now."""
    import threading

    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    return "" if frame is None else "".join(traceback_module.format_stack(frame))
