"""What becomes of an error of the screen itself: a message, no picture of the program's insides."""

from __future__ import annotations

import traceback
from typing import Any

from textual.app import App, ReturnType


class Failing(App[ReturnType]):
    """An app whose unhandled error is kept for its caller to tell; Textual would print every local variable."""

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()

    @property
    def failed(self) -> str | None:
        """`ImportError: no module named x (live.py:12)` of what ended the app; None when that was the user."""
        error: Any = self._exception
        if error is None:
            return None
        frames = traceback.extract_tb(error.__traceback__)
        where = f" ({frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno})" if frames else ""
        said = str(error).strip().split("\n")[0]
        return f"{type(error).__name__}: {said}{where}"


def raised_by(error: BaseException) -> str:
    """The module whose code raised it; empty where it was never raised."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return "" if last is None else str(last.tb_frame.f_globals.get("__name__", ""))
