"""What matters most of a Python traceback: the exception, and the user's line that led to it."""

from __future__ import annotations

import re

_FRAME = re.compile(r'  File "(?P<file>[^"]*)", line (?P<line>\d+)(?:, in (?P<where>.*))?$')
_INSTALLED = ("/site-packages/", "/dist-packages/", "/lib/python3", "\\site-packages\\", "\\Lib\\", "<frozen ")
_RULE = "--------------------"
"""JAX's own notes on an exception begin below such a line."""


def is_installed(file: str) -> bool:
    """Whether a frame of that file is one of Python's library or of an installed package."""
    return any(part in file for part in _INSTALLED)


def headline(text: str) -> list[str]:
    """The exception with its message, then `train.py:5 in layer`: the last frame that is in no installed package.

    Of chained exceptions the last one. `text` is what Python wrote; where it has no exception, its last line.
    """
    lines = [line.rstrip() for line in text.rstrip().split("\n")]
    begin = max((at for at, line in enumerate(lines) if line.startswith("Traceback (most recent")), default=-1) + 1
    raised = next((at for at in range(begin, len(lines)) if lines[at] and not lines[at].startswith("  ")), None)
    if raised is None:
        return lines[-1:]
    message = lines[raised:]
    if _RULE in message:
        message = message[: message.index(_RULE)]
    frames = [found for line in lines[begin:raised] if (found := _FRAME.match(line)) is not None]
    own = [found for found in frames if not is_installed(found["file"])]
    for found in own[-1:]:
        name = re.split(r"[/\\]", found["file"])[-1]
        message.append(f"{name}:{found['line']}" + (f" in {found['where']}" if found["where"] else ""))
    return message
