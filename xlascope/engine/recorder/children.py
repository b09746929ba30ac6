"""Processes that the script starts: they run plain, and are listed."""

from __future__ import annotations

import os
import sys
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
        os.register_at_fork(after_in_parent=lambda: self._seen(None, "fork"))
        sys.addaudithook(self._audit)

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event in WAYS and self._link.alive:
            how, position = WAYS[event]
            try:
                self._seen(args[position], how)
            except Exception as error:
                self._link.drop("child", f"{type(error).__name__}: {error}")

    def _seen(self, argv: Any, how: str) -> None:
        if not self._link.alive or os.getpid() != self._recording.pid:
            return
        self._count += 1
        if self._count > MOST:
            self._link.drop("children", f"more than {MOST}")
            return
        if how == "exec":
            self._recording.windows.close()
        self._link.send({"kind": "child", "pid": None, "argv": _texts(argv), "how": how})


WAYS = {
    "subprocess.Popen": ("subprocess", 1),
    "os.posix_spawn": ("posix_spawn", 1),
    "os.system": ("system", 0),
    "os.exec": ("exec", 1),
}


def _texts(argv: Any) -> list[str] | None:
    if argv is None:
        return None
    items = [argv] if isinstance(argv, (str, bytes)) or not hasattr(argv, "__iter__") else list(argv)[:100]
    return [os.fsdecode(each)[:ARGUMENT_TEXT] if isinstance(each, (str, bytes, os.PathLike)) else "?" for each in items]
