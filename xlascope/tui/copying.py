"""Copies of a pane's text in a file, for terminals whose clipboard cannot be reached."""

from __future__ import annotations

import os
import re
from pathlib import Path

from xlascope.session.places import state_folder
from xlascope.tui.widgets.line_view import LineView

_LARGEST = 64 << 20


def copies_folder() -> Path:
    """`$XDG_STATE_HOME/xlascope/copies`."""
    return state_folder() / "copies"


def copy_out(view: LineView, name: str) -> Path:
    """Writes all rows of a pane (up to 64 MiB) to a private file named after it. Raises OSError."""
    folder = copies_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / (re.sub(r"[^\w.#-]+", "_", name) + ".txt")
    written = 0
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        for piece in view.whole_text():
            written += file.write(piece)
            if written > _LARGEST:
                file.write("(cut here)\n")
                break
    return path
