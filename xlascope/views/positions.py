"""Where in the user's source an instruction comes from."""

from __future__ import annotations

from collections.abc import Sequence

from xlascope.ir import Frame, HloInstruction

# Folders of installed packages and of Python's own library.
_LIBRARIES = ("/site-packages/", "/dist-packages/", "/lib/python3")


def is_library(file: str) -> bool:
    """Does a file belong to an installed package or to Python itself?"""
    path = file.replace("\\", "/")
    return path.startswith("<") or any(part in path for part in _LIBRARIES)


def position(instruction: HloInstruction, script: str | None) -> tuple[str | None, int | None]:
    """File and line of the user's innermost frame: in the script, else outside of libraries, else any frame."""
    return of_frames(instruction.stack, script)


def of_frames(frames: Sequence[Frame], script: str | None) -> tuple[str | None, int | None]:
    """As `position`, of frames with the innermost first."""
    known = [frame for frame in frames if frame.file is not None]
    own = [frame for frame in known if frame.file is not None and not is_library(frame.file)]
    in_script = [frame for frame in own if frame.file == script]
    for frame in (*in_script[:1], *own[:1], *known[:1]):
        return frame.file, frame.line
    return None, None
