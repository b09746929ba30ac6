"""Views that are text already: the script's output and the stages."""

from __future__ import annotations

import re

from xlascope.tui.text.safe import safe
from xlascope.views.output import Output
from xlascope.views.stage import Stage

# Colours are kept on a terminal; whatever else would steer it is made visible.
_COLOUR = re.compile(r"(\x1b\[[0-9;:]*m)")
_RESET = "\x1b[0m"


def output(answer: Output, terminal: bool, colour: bool) -> str:
    """What the script wrote: as it was when it goes to a file, made harmless when it goes to a terminal."""
    text = "".join(piece.text for piece in answer.chunks)
    if terminal:
        text = "\n".join(_harmless(line, colour) for line in text.replace("\r\n", "\n").split("\n"))
        text += _RESET if colour and "\x1b[" in text else ""
    end = "" if text.endswith("\n") or not text else "\n"
    return text + (f"{end}[some of the output is not in the file]\n" if answer.truncated else "")


def stage(answer: Stage, terminal: bool, colour: bool) -> str:
    """The text of a stage, exact but for control characters on a terminal."""
    text = answer.text
    if terminal:
        text = "\n".join(safe(line) for line in text.split("\n"))
    return text if text.endswith("\n") else text + "\n"


def _harmless(line: str, colour: bool) -> str:
    parts = _COLOUR.split(line.rpartition("\r")[2] if "\r" in line else line)
    return "".join((part if colour else "") if _COLOUR.fullmatch(part) else safe(part) for part in parts)
