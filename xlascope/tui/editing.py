"""`$EDITOR` at a line of the source."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.app import App


def editor_command(file: str, line: int, editor: str) -> list[str]:
    """The command that opens a file at a line, in the way each editor wants it."""
    words = shlex.split(editor)
    name = Path(words[0]).name
    if name in ("code", "codium", "cursor"):
        return [*words, "--goto", f"{file}:{line}"]
    if name in ("hx", "helix", "subl", "zed"):
        return [*words, f"{file}:{line}"]
    return [*words, f"+{line}", file]


def edit_file(app: App, file: str, line: int) -> None:
    """Suspends the screen and runs the editor; tells why where it cannot."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or next(filter(shutil.which, ("nano", "vi")), "")
    if not editor:
        app.notify("set $EDITOR to open the source", severity="warning")
    elif not Path(file).is_file():
        app.notify(f"{file} is not on this machine", severity="warning", markup=False)
    else:
        try:
            with app.suspend():
                ended = subprocess.run(editor_command(file, line, editor), check=False)
            if ended.returncode:
                app.notify(f"{editor} ended with code {ended.returncode}", severity="warning", markup=False)
        except OSError as error:
            app.notify(f"{editor}: {error.strerror}", severity="error", markup=False)
