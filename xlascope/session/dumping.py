"""The folder that XLA writes its passes into: private, and gone when the answer is there."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = f"xlascope-passes-{os.getuid()}-"


class DumpFolder:
    """At most one folder at a time. The keeper owns it: a lab may be killed at any moment."""

    def __init__(self) -> None:
        self._path: Path | None = None

    def make(self) -> str:
        """A new empty folder that only this user can enter. Raises OSError."""
        self.remove()
        sweep()
        self._path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        return str(self._path)

    def remove(self) -> None:
        """Remove it with all that is in it."""
        path, self._path = self._path, None
        if path is not None:
            shutil.rmtree(path, ignore_errors=True)


def sweep() -> None:
    """Remove the folders of this user's keepers that are no more."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = path.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not _alive(int(owner)) and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
