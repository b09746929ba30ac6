"""Processes that the script starts: they run plain, and are listed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

MOST = 1_000
ARGUMENT_TEXT = 300


class Children:
    """Listens to Python's audit events for new processes; a listener cannot be removed, so it does next to nothing."""

    def __init__(self, recording: Any) -> None:
        self._recording = recording
        self._link = recording.link
        self._count = 0

    def install(self) -> None:
        """Starts noticing forks and started processes; it cannot be undone."""
        os.register_at_fork(after_in_parent=self._forked)
        sys.addaudithook(self._audit)

    def _forked(self) -> None:
        if not _is_subprocess(sys._getframe(1)):
            self._seen(None, "fork")

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event in WAYS and self._link.alive:
            how, position = WAYS[event]
            if how == "posix_spawn" and _is_subprocess(sys._getframe(1)):
                return
            self._told(lambda: self._seen(args[position], how))
        elif event == "import" and args[0] in STARTERS and self._link.alive:
            self._told(self._watch_processes)

    def _told(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:
            self._link.drop("child", f"{type(error).__name__}: {error}")

    def _watch_processes(self) -> None:
        """`multiprocessing` raises no event when it starts a new Python: it adds the process to its set of children."""
        module = sys.modules.get("multiprocessing.process")
        known = getattr(module, "_children", None)
        if type(known) is set:
            module._children = _Children(known)  # type: ignore[union-attr]
            module._children.told = lambda process: self._told(lambda: self._started(process))  # type: ignore[union-attr]

    def _started(self, process: Any) -> None:
        how = getattr(getattr(process, "_popen", None), "method", None)
        if how != "fork" and process.pid is not None:  # a fork has been told of
            self._seen(_command() if how == "spawn" else None, str(how), process.pid)

    def _seen(self, argv: Any, how: str, pid: int | None = None) -> None:
        if not self._link.alive or os.getpid() != self._recording.pid:
            return
        self._count += 1
        if self._count > MOST:
            self._link.drop("children", f"more than {MOST}")
            return
        if how == "exec":
            self._recording.windows.close()
        self._link.send({"kind": "child", "pid": pid, "argv": _texts(argv), "how": how})


def _is_subprocess(frame: FrameType) -> bool:
    """Whether `subprocess` forks (with ``preexec_fn``) or spawns (from Python 3.13 on): it raised its own event."""
    return frame.f_globals.get("__name__") == "subprocess"


WAYS = {
    "subprocess.Popen": ("subprocess", 1),
    "os.posix_spawn": ("posix_spawn", 1),
    "os.system": ("system", 0),
    "os.exec": ("exec", 1),
}


# Imported by `multiprocessing`, and by what joblib starts its workers with, before the first process is started so.
STARTERS = {
    "multiprocessing.popen_spawn_posix", "multiprocessing.popen_forkserver",
    "loky.backend.popen_loky_posix", "joblib.externals.loky.backend.popen_loky_posix",
}


class _Children(set[Any]):
    """The set of a script's child processes; what is added is told of."""

    told: Callable[[Any], None]

    def add(self, process: Any) -> None:
        super().add(process)
        self.told(process)


def _command() -> list[str | bytes] | None:
    """The words that start a Python by `spawn`, but for the numbers of the pipes it gets."""
    spawn = sys.modules.get("multiprocessing.spawn")
    return list(spawn.get_command_line()) if spawn is not None else None


def _texts(argv: Any) -> list[str] | None:
    if argv is None:
        return None
    items = [argv] if isinstance(argv, (str, bytes)) or not hasattr(argv, "__iter__") else list(argv)[:100]
    return [os.fsdecode(each)[:ARGUMENT_TEXT] if isinstance(each, (str, bytes, os.PathLike)) else "?" for each in items]
