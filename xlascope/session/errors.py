"""What keeps a run from being started."""

from __future__ import annotations


class PlanError(Exception):
    """Nothing was started: ``str()`` says why and what to do; ``code`` is the exit code."""

    def __init__(self, text: str, code: int = 2) -> None:
        super().__init__(text)
        self.code = code
