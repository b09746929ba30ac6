"""Where a silent script is before its first dispatch, when no thread of ours could tell yet.

A thread would be in the way of a script that still wants to fork. A signal that nobody else uses has `faulthandler`'s
handler, which is C and allocates nothing, write the stacks of all threads to a file in memory; the keeper sends it and
reads the file through ``/proc``. Interrupted system calls are restarted, by the system or by Python.
"""

from __future__ import annotations

import faulthandler
import fcntl
import os
import signal
from typing import Any

FILE = "xlascope-stacks"


def listen(main_thread: int) -> dict[str, Any] | None:
    """What the keeper needs to ask: the signal, the file's descriptor, the main thread. None where it cannot be had."""
    number = signal.SIGRTMAX - 3
    try:
        fd = os.memfd_create(FILE, os.MFD_CLOEXEC)
        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND)
        faulthandler.register(number, file=fd, all_threads=True, chain=False)
    except (OSError, RuntimeError, ValueError):
        return None
    return {"signal": int(number), "fd": fd, "thread": main_thread}
