"""A jaxpr's equations by path, with their source lines and their line in JAX's pretty-printed text."""

from __future__ import annotations

import functools
import itertools
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .. import compat
from ..core.tags import walk

MOST_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Own:
    """Whose files are the user's: those outside of packages, and wherever they lie the script's own package.

    ``function``: the file of the function that was traced. Where that is in a package, the package's lines count too,
    unless the function called the user's own.
    """

    script: str | None = None
    function: str | None = None

    def kind(self, file: str) -> str | None:
        """``own``, ``package`` (the function's), ``library``, or None for frames that tell nothing."""
        kind = _kind_of(file)
        if kind == "library":
            path = file.replace("\\", "/")
            if _is_in(path, self.script):
                return "own"
            if _is_in(path, self.function):
                return "package"
        return kind


def own_files(function: str | None) -> Own:
    """For a function in this file: the script's is that of ``__main__``."""
    return Own(getattr(sys.modules.get("__main__"), "__file__", None), function)


Place = tuple[str, int, str]
"""File, line and function of a frame."""


def places_of(traceback: Any, files: Own) -> tuple[Place | None, Place | None]:
    """The user's innermost frame of a traceback, and the user's outermost that called the package it works for:
    what led to the innermost and what that called are of one package (a method of the user's that a library of layers
    calls, and that calls layers). None where that is not so.
    """
    own = entry = called = before = None
    for file, place in compat.where_frames(traceback):
        kind = files.kind(file)
        if kind == "own":
            if own is None:
                own, called = place(), before
            elif called is not None and before == called:
                entry = place()
        package = None if kind == "own" else _package(file)
        # Libraries have JAX hide some of their own files: those tell nothing as places, but whose they are.
        if kind is not None or package not in (None, "jax"):
            before = package
    return own, entry


def _package(file: str) -> str | None:
    path = file.replace("\\", "/")
    return next((path.rpartition(mark)[2].partition("/")[0] for mark in _PACKAGES if mark in path), None)


def is_outside(file: str) -> bool:
    """Whether a file is neither JAX's nor Python's own."""
    return compat.is_user_file(file) and _kind_of(file) is not None


def text_and_rows(
    jaxpr: Any, call: tuple[str, int, str] | None = None, files: Own | None = None
) -> tuple[str, list[dict[str, Any]]]:
    """JAX's own pretty print, and the JSON rows of the ``equations`` blob (the first `MOST_ROWS` of them).

    A row's ``text_line`` (from 1) is the line on which the equation begins: JAX's printer keeps, for each piece of its
    output, the equation it came from. An equation of a jaxpr that is printed once and used twice has one line.
    ``file`` and ``line`` are of the innermost frame outside JAX; of an equation that was traced with none (JAX's own
    functions and transformations make such) those of the ``call``, as in XLA's metadata. Where others tell more there
    are ``own``, the innermost frame of the user's (see `Own`), and ``library``, that of a package: [file, line].
    """
    files = files or Own()
    text, lines = compat.printed(jaxpr)
    rows = []
    for path, equation in itertools.islice(walk(jaxpr), MOST_ROWS):
        place = compat.user_frame(equation.source_info) or (call if "." not in path else None)
        file, line, function = place or (None, None, None)
        printed = lines.get(id(equation))
        rows.append({
            **_other_places(equation.source_info, (file, line), files),
            "path": path, "primitive": equation.primitive.name,
            "inputs": [type_text(each) for each in equation.invars],
            "outputs": [type_text(each) for each in equation.outvars],
            "file": file, "line": line, "function": function, "text_line": None if printed is None else printed + 1,
        })  # fmt: skip
    return text, rows


def own_of(rows: Iterable[dict[str, Any]], files: Own) -> list[str]:
    """The files that the user's own lines of some rows lie in, each once."""
    named = ([row["file"], *row.get("own", ())[:1]] for row in rows)
    found = dict.fromkeys(file for each in named for file in each if file is not None)
    return [file for file in found if files.kind(file) in ("own", "package")]


def _other_places(source_info: Any, place: tuple[str | None, int | None], files: Own) -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    for file, line in _frames(source_info, files):
        kind = files.kind(file)
        if kind is not None and kind not in found and not (kind == "library" and "package" in found):
            found[kind] = file, line()
        if kind == "own":
            break
    package = found.pop("package", None)
    if package is not None:
        found.setdefault("library" if "own" in found else "own", package)
    if place[0] is not None and place[1] is not None and files.kind(place[0]) in ("own", "package"):
        found.setdefault("own", (place[0], place[1]))
    # A place in a package has to be told as the user's: by its path it is a library's.
    return {kind: at for kind, at in found.items() if at != place or (kind == "own" and _kind_of(at[0]) == "library")}


def _frames(source_info: Any, files: Own) -> Iterable[tuple[str, Callable[[], int]]]:
    """The frames to look at; of a function in a package those up to its own: what called it is none of its lines."""
    frames = compat.frames(source_info)
    if files.function is None or files.kind(files.function) != "package":
        return frames
    known = list(frames)
    inside = [number for number, (file, _) in enumerate(known) if file == files.function]
    return known[: inside[-1] + 1] if inside else known


# Of JAX itself these are libraries written in JAX; all the rest is how it traces and calls.
_WRITTEN_IN_JAX = ("nn/", "numpy/", "scipy/", "image/", "ops/", "random.py", "experimental/", "example_libraries/")


@functools.cache
def _kind_of(file: str) -> str | None:
    """``own``, ``library``, or None for frames that tell nothing."""
    path = file.replace("\\", "/")
    packages = next((mark for mark in _PACKAGES if mark in path), None)
    if packages is not None and path.rpartition(packages)[2].startswith("jax/"):
        inner = path.rpartition(packages)[2].removeprefix("jax/").removeprefix("_src/")
        return "library" if inner.startswith(_WRITTEN_IN_JAX) else None
    if not compat.is_user_file(file) or path.startswith("<frozen"):
        return None
    if packages is not None:
        return "library"
    return None if path.startswith(_STANDARD) else "own"


_PACKAGES = ("/site-packages/", "/dist-packages/")


def _is_in(path: str, file: str | None) -> bool:
    """Does a path lie in the installed package that a file belongs to, and not in one installed below it?"""
    package = _package_of(file) if file else None
    if package is None or not path.startswith(package):
        return False
    return not any(mark in "/" + path[len(package) :] for mark in _PACKAGES)


@functools.cache
def _package_of(file: str) -> str | None:
    """Its folder, or the file where it is a package by itself; None for a file outside of installed packages.

    Of this program's own only its demos are anybody's code.
    """
    path = file.replace("\\", "/")
    at = max((path.rfind(mark) + len(mark) for mark in _PACKAGES if mark in path), default=None)
    if at is None:
        return None
    name, below, _ = path[at:].partition("/")
    if not below:
        return path
    return path.rpartition("/")[0] + "/" if name == "xlascope" else f"{path[:at]}{name}/"


_STANDARD = os.path.dirname(os.__file__).replace("\\", "/") + "/"


def type_text(atom: Any) -> str:
    """A variable's or literal's type as JAX prints it."""
    aval = atom.aval
    return str(aval.str_short(short_dtypes=True)) if hasattr(aval, "str_short") else str(aval)
