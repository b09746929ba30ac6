"""A profile window around a few calls of one subject."""

from __future__ import annotations

import time

from .. import compat
from .measure import COPY_LIMIT, Subject

WINDOW_NS = 100_000_000
MAX_CALLS = 20
HOST_LEVEL = 2


def window(subject: Subject, call_ns: int) -> tuple[bytes, int, int]:
    """XSpace bytes of a window of about 0.1 s, at least one call; and when it began and ended (`time.time_ns`).

    Raises RuntimeError when the process has another profile open.
    """
    calls = min(MAX_CALLS, WINDOW_NS // max(call_ns, 1), COPY_LIMIT // max(subject.copied_bytes, 1))
    prepared = subject.prepare(max(calls, 1))
    started = time.time_ns()
    session = compat.open_profile(HOST_LEVEL)
    try:
        for arguments in prepared:
            subject.call(arguments)
    finally:
        data = session.stop()
    return data, started, time.time_ns()
