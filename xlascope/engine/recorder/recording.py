"""One recorded run: what is alive from the first line of the script to the last message."""

from __future__ import annotations

import _thread
import atexit
import os
import signal
import sys
import time
import traceback as traceback_module
from collections.abc import Callable
from types import TracebackType
from typing import Any

from .. import compat
from .children import Children
from .environment import environment, variables
from .hook import Hook
from .link import Link
from .reference import Reference
from .service import Service
from .spending import Spending
from .watch_import import unwatch, watch
from .whereabouts import listen
from .windows import Windows

VARIABLE_PREFIXES = ("JAX_", "XLA_", "TPU_", "LIBTPU_", "CUDA_VISIBLE", "TF_XLA", "TF_CPP", "NCCL_")
LAST_EXECUTION = 1.0  # seconds to wait for what the script left running, if a window is there to see its end


class Recording:
    """Owns the link and what is built on it once the script imports jax."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.script_path: str | None = config.get("script")
        self.link = Link(int(config["fd"]))
        self.pid = os.getpid()
        self.main_thread = _thread.get_ident()
        self.spending = Spending()
        self.own_part = "xlascope"  # what work of ours is counted as
        self.hook: Any = None
        window = float(config.get("profile_window") or 0)
        self.windows = Windows(
            self.link,
            window,
            lambda: self.hook is not None and self.hook.clock.busy(),
            lambda: self.hook.clock.compiling() if self.hook is not None else 0.0,
            lambda: self.reference.take("window"),
        )
        self.reference = Reference(self.link)
        self.service = Service(self)
        self.exit_code = 0
        self._interrupted = False
        self._began = time.monotonic()
        self._import_started = 0
        self._variables: dict[str, str] | None = None
        self._set_by_jax: dict[str, str] = {}

    def start(self) -> None:
        """Says hello and begins to watch: forks, child processes, the end, the import of jax."""
        stacks = listen(self.main_thread) if self.config.get("stay") else None
        self.link.send({"kind": "hello", "pid": self.pid, "role": "recorder", "stacks": stacks})
        self.spending.begin("start python")
        os.register_at_fork(after_in_child=self.link.abandon)
        Children(self).install()
        atexit.register(self._last)
        if "jax" in sys.modules:  # by a .pth file or sitecustomize, before us
            self._import_started = time.time_ns()
            self.attempt("hook", self._jax_imported)
        watch(lambda name: self.attempt("import", self._import_began, name),
              lambda name: self.attempt("import", self._import_ended, name))  # fmt: skip

    def script_begins(self) -> None:
        """The script's first line is next."""
        self.spending.end("start python")

    def started(self) -> None:
        """The first function of the script's is compiled: what it imports from now on is part of its run."""
        unwatch()

    def _import_began(self, name: str) -> None:
        package = name.partition(".")[0]
        if name == "jax" and self.hook is None:
            self._jax_import_began()
        self.spending.begin(self._importing(package), package)

    def _import_ended(self, name: str) -> None:
        package = name.partition(".")[0]
        self.spending.end(self._importing(package), package)
        if name == "jax" and self.hook is None and "jax" in sys.modules:
            self.attempt("hook", self._jax_imported)

    def _importing(self, package: str) -> str:
        """Which part of the time an import is: jax's takes with it what jax imports."""
        if _thread.get_ident() != self.main_thread:
            return "import others"
        return "import jax" if package == "jax" or self.spending.within("import jax") else "import others"

    def _jax_import_began(self) -> None:
        self._import_started = time.time_ns()
        self._variables = variables(VARIABLE_PREFIXES)
        self.progress("importing", "jax")

    def _jax_imported(self) -> None:
        ended = time.time_ns()
        if not self.link.alive:
            return
        self.phase("import jax", self._import_started, ended - self._import_started)
        if self._variables is not None:
            before = self._variables
            self._set_by_jax = {k: v for k, v in variables(VARIABLE_PREFIXES).items() if k not in before}
        self.hook = Hook(self)
        self.hook.install()
        self.send_env()
        self.windows.open_first()
        atexit.register(self._finish)
        self.progress("running", None)

    def backend_is_up(self) -> None:
        """After the first lowering: devices are known, and XLA has threads of its own."""
        self.send_env()
        self.service.start()

    def send_env(self) -> None:
        """Sends the `env` record as far as it is known now."""
        self.link.send({"kind": "env", **environment(VARIABLE_PREFIXES, self._set_by_jax)})

    def progress(self, activity: str, name: str | None, **more: Any) -> None:
        """Tells what the process is doing from now on; it is never stored."""
        self.link.send({"kind": "progress", "activity": activity, "name": name, "since_ns": time.time_ns(), **more})

    def phase(self, name: str, start_ns: int, ns: int) -> None:
        """Sends a phase that is over; `start_ns` is `time.time_ns`, `ns` its length."""
        self.link.send({"kind": "phase", "name": name, "start_ns": start_ns, "ns": ns})

    def send_spent(self) -> None:
        """A ``spent`` record, unless the last one tells the same."""
        body = self.spending.record()
        if body is not None:
            self.link.send(body)

    def script_raised(self, error: BaseException, traceback: TracebackType | None) -> None:
        """Send the traceback that Python is about to print."""
        # As a shell tells it of Python, which ends itself by the signal when nobody handled the key.
        self._interrupted = isinstance(error, KeyboardInterrupt)
        self.exit_code = 128 + signal.SIGINT if self._interrupted else 1
        self.attempt("exception", self._send_exception, error, traceback)

    def _send_exception(self, error: BaseException, traceback: TracebackType | None) -> None:
        text = "".join(traceback_module.format_exception(type(error), error, traceback))
        self.link.send({"kind": "exception", "type": type(error).__qualname__, "text": text})

    def script_exits(self, code: object) -> None:
        """``SystemExit`` leaves the script."""
        self.exit_code = 0 if code is None else code & 0xFF if isinstance(code, int) else 1

    def attempt(self, what: str, step: Callable[..., Any], *args: Any) -> Any:
        """Run a step of ours; its failure is recorded as something dropped and never reaches the script.

        An exception that a signal handler of the script raised in our code is the script's, and goes on.
        """
        try:
            return step(*args)
        except Exception as error:
            if self.raised_by_script(error):
                raise
            self.link.drop(what, f"{type(error).__name__}: {error}"[:300])
            return None

    def raised_by_script(self, error: BaseException) -> bool:
        """Whether an error that came up in our code is the script's: its signal handler ran there and raised."""
        handlers = set()
        for number in signal.valid_signals():
            handler = signal.getsignal(number)
            while hasattr(handler, "__func__") or hasattr(handler, "func"):
                handler = getattr(handler, "__func__", None) or getattr(handler, "func", None)
            handlers.add(getattr(handler, "__code__", None))
        handlers.discard(None)
        traceback = error.__traceback__
        while traceback is not None:
            if traceback.tb_frame.f_code in handlers:
                return True
            traceback = traceback.tb_next
        return False

    def _finish(self) -> None:
        """At exit, after the handlers that the script registered since it imported jax, before JAX's own."""
        if os.getpid() == self.pid and self.hook is not None:
            self.hook.local.ours = True
            self._at_exit(self._finish_here)
            self._at_exit(self.service.join)

    def _at_exit(self, step: Callable[[], None]) -> None:
        """Run a step when the script is over: a Ctrl-C now ends the step, and would have found no script to end."""
        try:
            self.attempt("end of the run", step)
        except BaseException as error:
            self.link.drop("end of the run", f"interrupted by {type(error).__name__}")

    def _finish_here(self) -> None:
        started = time.time_ns()
        self.own_part = "finish"
        self.spending.begin("finish")
        self.progress("finishing", None)
        self.windows.off = True  # what runs from here on is not the script
        budget = self.config.get("finish_budget")
        self.windows.close_after(LAST_EXECUTION if budget is None else min(float(budget), LAST_EXECUTION))
        self.service.join()
        self.windows.close()
        self.attempt("reference", self.reference.take, "end")
        ran, now = time.monotonic() - self._began, time.monotonic()
        # What a lab can do as well is done here only where it is next to nothing beside the run.
        compiling = max(0.3, 0.05 * ran) if budget is None else float(budget)
        if budget is None:
            budget = max(2.0, 0.1 * ran)
        with compat.unnoticed():
            self.hook.finish(now + float(budget), now + compiling)
        self.phase("finish", started, time.time_ns() - started)
        self.spending.end("finish")
        self.send_spent()
        if self.config.get("stay"):
            self._flush_output()
            self.service.stay(self.exit_code)

    @staticmethod
    def _flush_output() -> None:
        """The script has ended for whoever looks on, so its last lines must be out; at exit Python does the same."""
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (AttributeError, OSError, ValueError):
                pass  # closed or replaced by the script; Python itself will say what there is to say

    def _last(self) -> None:
        if os.getpid() == self.pid:
            self._at_exit(self._say_bye)
            self._dies_of_interrupt()

    def _dies_of_interrupt(self) -> None:
        """Python ends itself by the signal where the last text it ran was interrupted; ours, run since, was not."""
        if self._interrupted:
            try:
                exec("raise KeyboardInterrupt")
            except KeyboardInterrupt:
                pass  # noted by Python itself, which looks at nothing else

    def _say_bye(self) -> None:
        if self.hook is None:
            self.send_spent()
        if self.hook is None and self.config.get("stay"):
            self._flush_output()
            self.service.stay(self.exit_code)
        self.link.flush_dropped()
        self.link.send({"kind": "bye"})
        self.link.close()
