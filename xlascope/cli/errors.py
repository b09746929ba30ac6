"""What ends a command early."""

from __future__ import annotations


class CommandError(Exception):
    """``str()`` says what is wrong and what to do; ``code`` is the exit code (2: wrong usage)."""

    def __init__(self, text: str, code: int = 2) -> None:
        super().__init__(text)
        self.code = code
