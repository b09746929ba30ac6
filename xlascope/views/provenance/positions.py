"""Where in the user's source an instruction comes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xlascope.ir import Equation, Frame, HloInstruction

# Folders of installed packages and of Python's own library.
_PACKAGES = ("/site-packages/", "/dist-packages/")
_LIBRARIES = (*_PACKAGES, "/lib/python3")


def is_library(file: str) -> bool:
    """Does a file belong to an installed package or to Python itself?"""
    path = file.replace("\\", "/")
    return path.startswith("<") or any(part in path for part in _LIBRARIES)


def package_of(file: str) -> str | None:
    """The folder of the installed package that a file belongs to, or the file where it is a package by itself.

    None for a file outside of installed packages. Of this program's own only its demos are anybody's code.
    """
    path = file.replace("\\", "/")
    at = max((path.rfind(mark) + len(mark) for mark in _PACKAGES if mark in path), default=None)
    if at is None:
        return path if is_library(path) else None
    name, below, _ = path[at:].partition("/")
    if not below:
        return path
    return path.rpartition("/")[0] + "/" if name == "xlascope" else f"{path[:at]}{name}/"


def is_in(file: str, package: str | None) -> bool:
    """Does a file lie in what `package_of` gave, and not in packages that are installed below it?"""
    path = file.replace("\\", "/")
    return package is not None and path.startswith(package) and not is_library("/" + path[len(package) :])


@dataclass(frozen=True, slots=True)
class Own:
    """Whose files are the user's: those outside of packages, and wherever they lie the script's own package.

    ``function``: the file of the function that was compiled: frames outside of it called it. Where that is in a
    package, the package's lines count too, unless the function called the user's own.
    """

    script: str | None = None
    function: str | None = None

    def place(self, frames: Sequence[Frame]) -> tuple[str | None, int | None]:
        """File and line of the user's innermost frame of `frames`, innermost first; else any frame's."""
        known = [frame for frame in frames if frame.file is not None]
        home = package_of(self.script) if self.script else None
        package = package_of(self.function) if self.function else None
        # What called the function is no place in it: one line of the script's, the same for all that it does.
        inside = [number for number, frame in enumerate(known) if frame.file == self.function]
        known = known[: inside[-1] + 1] if inside else known
        own = [each for each in known if each.file and (not is_library(each.file) or is_in(each.file, home))]
        in_script = [frame for frame in own if frame.file == self.script]
        of_package = [frame for frame in known if frame.file and is_in(frame.file, package)]
        for frame in (*in_script[:1], *own[:1], *of_package[:1], *known[:1]):
            return frame.file, frame.line
        return None, None


def position(
    instruction: HloInstruction, own: Own, traced: tuple[str | None, int | None] | None = None
) -> tuple[str | None, int | None]:
    """File and line of the user's innermost frame: in the script, else in what is the user's, else any frame.

    ``traced``: where the instruction's equation was traced. JAX lowers what several call sites share once (a helper
    such as that of `random_split`), and XLA writes the frames of the first in front of those of the call site itself:
    with ``traced`` the latter alone are looked at.
    """
    frames = instruction.stack
    if traced is not None:
        frames = frames[next((n for n, each in enumerate(frames) if (each.file, each.line) == traced), 0) :]
    return own.place(frames)


def user_places(equations: Iterable[Equation]) -> dict[str, tuple[str, int] | None]:
    """The user's own file and line of each equation, by path, those around an equation before it."""
    own: dict[str, tuple[str, int] | None] = {}
    for equation in equations:
        place = (equation.file, equation.line) if equation.file is not None and equation.line is not None else None
        around = own.get(equation.parent or "")
        inside_library = place is None or is_library(place[0])
        # A body that a library traced once and kept has no line of the user's: the equation that calls it has.
        own[equation.path] = equation.own or (around if inside_library and around else place)
    return own
