"""Where a script's standard streams lead: to a pseudo-terminal, through pipes, or straight to the user's own."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from xlascope.session.terminal import UserTerminal, open_pair, set_line_endings, type_quietly


@dataclass(frozen=True, slots=True)
class Wiring:
    """``stdio``: the script's descriptors 0, 1, 2 (None: as ours). ``outs``: (stream, end to read, the user's
    descriptor that gets a copy or None). ``theirs``: ends to close once the script has them."""

    stdio: tuple[int | None, int | None, int | None]
    tty: int | None
    master: int | None
    outs: tuple[tuple[str, int, int | None], ...]
    theirs: tuple[int, ...]
    user: UserTerminal | None = None


def owned(size: bytes) -> Wiring:
    """All three streams on one new pseudo-terminal, shown by nobody but our own screen."""
    master, slave = open_pair(None, size)
    return Wiring((slave, slave, slave), slave, master, (("terminal", master, None),), (slave,))


def hold_closed_streams() -> frozenset[int]:
    """Of descriptors 0, 1, 2 those the user closed. Their numbers are held, so that nothing of ours gets them, until
    the script starts, which then finds them closed. To be called before anything is opened."""
    return frozenset(fd for fd in (0, 1, 2) if not _hold(fd))


def relayed(closed: frozenset[int] = frozenset()) -> Wiring:
    """As the user's own streams are: terminals become one pseudo-terminal, redirected output goes through pipes,
    redirected input is handed on, and so is a device as output (``/dev/full``): only it can refuse what is written
    as it does. Closed ones stay closed."""
    present = [fd not in closed for fd in (0, 1, 2)]
    terminals = [fd for fd in (0, 1, 2) if present[fd] and os.isatty(fd)]
    stdio: list[int | None] = [None, None, None]
    outs: list[tuple[str, int, int | None]] = []
    theirs: list[int] = []
    user = master = slave = None
    if terminals:
        shown = next((fd for fd in (1, 2) if fd in terminals), 0)
        user = UserTerminal(shown, reads=0 in terminals)
        master, slave = open_pair(user.attributes(), user.size())
        theirs.append(slave)
        typed = user.typed_ahead()
        if not user.enter():
            set_line_endings(slave, False)
        if typed:
            type_quietly(master, slave, typed)
        outs.append(("terminal", master, shown))
        for fd in terminals:
            stdio[fd] = slave
    for fd, name in ((1, "stdout"), (2, "stderr")):
        if stdio[fd] is not None or not present[fd] or _is_device(fd):
            continue
        if fd == 2 and len(theirs) > (slave is not None) and _same(1, 2):
            stdio[2] = stdio[1]  # `2>&1`: one pipe keeps the order of the two
            continue
        read, write = os.pipe2(os.O_CLOEXEC)
        theirs.append(write)
        outs.append((name, read, fd))
        stdio[fd] = write
    return Wiring((stdio[0], stdio[1], stdio[2]), slave, master, tuple(outs), tuple(theirs), user)


def _hold(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        return False
    return True


def _is_device(fd: int) -> bool:
    """A character device that does more than forget what is written to it."""
    found = os.fstat(fd)
    return stat.S_ISCHR(found.st_mode) and found.st_rdev != os.stat(os.devnull).st_rdev


def _same(a: int, b: int) -> bool:
    one, two = os.fstat(a), os.fstat(b)
    return (one.st_dev, one.st_ino) == (two.st_dev, two.st_ino)
