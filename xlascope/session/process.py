"""Starting the engine's processes and knowing how they ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from xlascope.session.loop import READ, Loop

_LEADER = str(Path(__file__).with_name("leader.py"))


def inherited_descriptors() -> tuple[int, ...]:
    """Descriptors above 2 that whoever started us left for the script: it gets them, as it would from a shell."""
    with contextlib.suppress(OSError):
        found = (int(name) for name in os.listdir("/proc/self/fd"))
        return tuple(fd for fd in found if fd > 2 and _inheritable(fd))
    return ()


def _inheritable(fd: int) -> bool:
    try:
        return os.get_inheritable(fd)
    except OSError:
        return False


class Process:
    """One started program. ``on_exit(status)`` is called once with a wait status, None when it is not known.

    ``on_stop(signal)`` tells that job control stopped it. `pid` is known once ``on_pid`` was called: at once, or, under
    a terminal, when the session's leader has started it.
    """

    def __init__(
        self,
        loop: Loop,
        command: Sequence[str],
        *,
        stdio: Sequence[int | None],
        sock: socket.socket,
        tty: int | None = None,
        bound: bool = False,
        extra: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
        on_exit: Callable[[int | None], None],
        on_stop: Callable[[int], None] = lambda number: None,
        on_pid: Callable[[int], None] = lambda pid: None,
        on_error: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._loop = loop
        self._on_exit = on_exit
        self._on_stop = on_stop
        self._on_pid = on_pid
        self._on_error = on_error
        self._ended = False
        self._report = -1
        self._text = b""
        self.pid: int | None = None
        self.in_terminal = tty is not None
        keep = [sock.fileno(), *extra]
        report = -1
        whole = list(command)
        if tty is not None:
            self._report, report = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(self._report, False)
            keep += [tty, report]
            whole = _through_leader({"mode": "terminal", "tty": tty, "report": report}, command)
        elif bound:
            whole = _through_leader({"mode": "bound"}, command)
        try:
            self._child = _spawn(whole, stdio, keep, tty is not None, environment)
        except BaseException:
            if self._report >= 0:
                os.close(self._report)
            raise
        finally:
            if report >= 0:
                os.close(report)
        self._pidfd = os.pidfd_open(self._child.pid)
        loop.watch(self._pidfd, READ, self._child_ended)
        if tty is not None:
            loop.watch(self._report, READ, self._read_report)
        else:
            self.pid = self._child.pid
            on_pid(self.pid)

    @property
    def ended(self) -> bool:
        """Whether its end is known."""
        return self._ended

    def signal(self, number: int, group: bool = False) -> None:
        """Send a signal to the program, or to its whole process group; one that is gone is fine."""
        if self.pid is None or self._ended:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if group:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End the program and its leader now."""
        self.signal(signal.SIGKILL)
        if self._child.poll() is None and not self.in_terminal:
            self._child.kill()

    def wait(self, seconds: float) -> bool:
        """Wait for the end without turning the loop; False when it still runs."""
        try:
            self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _read_report(self, _: int = 0) -> None:
        try:
            data = os.read(self._report, 4096)
        except BlockingIOError:
            return
        if not data:
            self._loop.forget(self._report)
            return
        *lines, self._text = (self._text + data).split(b"\n")
        for line in lines:
            self._heard(*line.decode("utf-8", "replace").partition(" ")[::2])

    def _heard(self, what: str, value: str) -> None:
        if what == "pid":
            self.pid = int(value)
            self._on_pid(self.pid)
        elif what == "stopped":
            self._on_stop(int(value))
        elif what == "error":
            self._on_error(value)
        elif what == "exit":
            self._finish(int(value))

    def _child_ended(self, _: int = 0) -> None:
        self._loop.forget(self._pidfd)
        code = self._child.wait()
        if self._report >= 0:
            self._read_report()
            self._finish(None)
        else:
            self._finish(-code if code < 0 else code << 8)

    def _finish(self, status: int | None) -> None:
        if not self._ended:
            self._ended = True
            self._on_exit(status)

    def close(self) -> None:
        """Let go of the descriptors. The program itself is not touched."""
        for fd in (self._pidfd, self._report):
            if fd >= 0:
                self._loop.forget(fd)
                os.close(fd)
        self._pidfd = self._report = -1
        self._child.poll()


def _through_leader(options: Mapping[str, object], command: Sequence[str]) -> list[str]:
    return [sys.executable, "-I", "-S", _LEADER, json.dumps(options), *command]


def _spawn(
    command: list[str], stdio: Sequence[int | None], keep: list[int], leads: bool, environment: Mapping[str, str] | None
) -> subprocess.Popen[bytes]:
    # Alone in a group of its own, a signal sent to ours and passed on reaches it once. With a terminal of ours that it
    # does not use, a session of its own: a background group would be stopped when it reads the terminal.
    own_session = leads or _has_terminal()
    return subprocess.Popen(
        command, stdin=stdio[0], stdout=stdio[1], stderr=stdio[2], pass_fds=keep, env=environment,
        start_new_session=own_session, process_group=None if own_session else 0,
    )


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
