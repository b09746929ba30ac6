"""Runs a program under a pseudo-terminal with job control, or bound to the life of its parent.

Started as a file by the keeper with ``python -I -S``; standard library only, never imported. Arguments: a JSON object
{``mode``, ``tty``, ``report``} and the command.

* ``terminal``: this process leads the session whose terminal is descriptor ``tty``; the program is its child, alone in
  the foreground group. So Ctrl-Z stops it as a shell's job, and its background children outlive it without a SIGHUP:
  both are untrue when the program leads the session itself. What happens is written to descriptor ``report``:
  ``pid N``, ``stopped SIGNAL``, ``continued``, ``exit STATUS`` (a wait status), ``error TEXT``.
* ``bound``: the command replaces this process and is killed when the thread that started it ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import termios


def lead(tty: int, report: int, command: list[str]) -> int:
    """Start ``command`` on the terminal ``tty``; tell ``report`` its pid, its stops and its end. Returns 0 then."""
    fcntl.ioctl(tty, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    child = os.fork()
    if child == 0:
        _become(tty, report, command)
    for fd in (0, 1, 2):
        os.close(fd)
    _close_others(tty, report)
    _set_group(child, child)
    _foreground(tty, child)
    _tell(report, f"pid {child}")
    while True:
        _, status = os.waitpid(child, os.WUNTRACED | os.WCONTINUED)
        if os.WIFSTOPPED(status):
            _tell(report, f"stopped {os.WSTOPSIG(status)}")
        elif os.WIFCONTINUED(status):
            _tell(report, "continued")
        else:
            break
    # The end of a session's leader hangs up the foreground group: let that be this process, not what the script left.
    _foreground(tty, os.getpgrp())
    _tell(report, f"exit {status}")
    return 0


def _become(tty: int, report: int, command: list[str]) -> None:
    _set_group(0, 0)
    _foreground(tty, os.getpid())
    # Python ignores these two; a program started by a shell does not.
    for number in (signal.SIGTTOU, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.set_inheritable(report, False)
    if tty > 2:
        os.set_inheritable(tty, False)
    try:
        os.execv(command[0], command)
    except OSError as error:
        _tell(report, f"error {command[0]}: {error.strerror}")
    os._exit(127)


def _close_others(tty: int, report: int) -> None:
    """Leave the script's pipes and socket to the script: their ends are seen when it closes them."""
    for name in os.listdir("/proc/self/fd"):
        fd = int(name)
        if fd not in (tty, report):
            try:
                os.close(fd)
            except OSError:
                pass  # the descriptor of the listing itself is gone by now


def _set_group(pid: int, group: int) -> None:
    try:
        os.setpgid(pid, group)
    except (PermissionError, ProcessLookupError):
        pass  # parent and child both do it; the second may come after the exec or the end


def _foreground(tty: int, group: int) -> None:
    try:
        os.tcsetpgrp(tty, group)
    except OSError:
        pass  # the terminal was hung up, or the group is gone: then nobody is in front


def _tell(report: int, text: str) -> None:
    try:
        os.write(report, f"{text}\n".encode("utf-8", "replace"))
    except OSError:
        pass  # the keeper is gone; the script goes on


def bind(command: list[str]) -> None:
    """Become ``command``, in a process that the kernel kills when its parent ends."""
    import ctypes

    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.execv(command[0], command)


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    if options["mode"] == "terminal":
        sys.exit(lead(options["tty"], options["report"], sys.argv[2:]))
    bind(sys.argv[2:])
