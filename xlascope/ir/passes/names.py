"""What the name of a pass snapshot's file says: ``simplification.after_algsimp.before_dce``."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r"(?P<pipeline>.+?)\.(?:after_(?P<after>.+?))?(?:(?:(?<=\.)|\.)before_(?P<before>.+))?\Z")

START = "pipeline-start"
"""What XLA calls the form a pipeline begins with."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where a snapshot was taken: after ``name`` and before ``before``, in ``pipeline``; what is not told is ''."""

    index: int
    pipeline: str
    name: str
    before: str

    @property
    def is_start(self) -> bool:
        """Whether it is the form before any pass."""
        return self.name in (START, "")


def read_step(index: int, text: str) -> Step:
    """The step of a file name without module, number and extension; a name of another form is the pass's own."""
    match = _NAME.match(text)
    if match is None or not (match["after"] or match["before"]):
        return Step(index, "", text, "")
    return Step(index, match["pipeline"], match["after"] or "", match["before"] or "")
