"""Asking a script's process where it is, by the signal that its recorder listens to until its first dispatch."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

ANSWER_S = 0.2
"""By when the stacks are written; a process that is stopped answers the next time."""
_FILE = "/memfd:xlascope-stacks"
_BLOCK = r"(?:Thread|Current thread) 0x0*{:x}\b[^\n]*\n((?:  File [^\n]*\n)+)"
_FRAME = re.compile(r'  File (".*"), line (\d+) in (.*)')


def ask(pid: int, told: Mapping[str, Any]) -> bool:
    """Have the stacks written anew. False when the process has not, or no more, what was ``told`` of it.

    The descriptor is looked at first: a script that closed it or became another program must not get the signal.
    """
    place = f"/proc/{pid}/fd/{told['fd']}"
    try:
        if not os.readlink(place).startswith(_FILE):
            return False
        os.truncate(place, 0)
        os.kill(pid, int(told["signal"]))
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


def answer(pid: int, told: Mapping[str, Any]) -> str:
    """The main thread's stack as Python prints one, innermost frame last; empty when none was written."""
    try:
        with open(f"/proc/{pid}/fd/{told['fd']}", encoding="utf-8", errors="replace") as file:
            return main_stack(file.read(1 << 20), int(told["thread"]))
    except (OSError, ValueError):
        return ""


def main_stack(text: str, thread: int) -> str:
    """Of what `faulthandler` wrote the stack of one thread, in a traceback's order and words."""
    blocks = re.findall(_BLOCK.format(thread), text)
    frames = _FRAME.findall(blocks[-1]) if blocks else []
    return "".join(f"  File {file}, line {line}, in {function}\n" for file, line, function in reversed(frames))
