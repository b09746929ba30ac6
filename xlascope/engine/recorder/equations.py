"""A jaxpr's equations by path, with their source lines and their line in JAX's pretty-printed text."""

from __future__ import annotations

import functools
import itertools
import os
from typing import Any

from xlascope.engine import compat
from xlascope.engine.core.tags import walk

MOST_ROWS = 200_000


def text_and_rows(jaxpr: Any, call: tuple[str, int, str] | None = None) -> tuple[str, list[dict[str, Any]]]:
    """JAX's own pretty print, and the JSON rows of the ``equations`` blob (the first `MOST_ROWS` of them).

    A row's ``text_line`` (from 1) is the line on which the equation begins: JAX's printer keeps, for each piece of its
    output, the equation it came from. An equation of a jaxpr that is printed once and used twice has one line.
    ``file`` and ``line`` are of the innermost frame outside JAX; of an equation that was traced with none (JAX's own
    functions and transformations make such) those of the ``call``, as in XLA's metadata. Where others tell more there
    are ``own``, the innermost frame outside of installed packages, and ``library``, the innermost frame in one of them:
    [file, line].
    """
    text, lines = compat.printed(jaxpr)
    rows = []
    for path, equation in itertools.islice(walk(jaxpr), MOST_ROWS):
        place = compat.user_frame(equation.source_info) or (call if "." not in path else None)
        file, line, function = place or (None, None, None)
        printed = lines.get(id(equation))
        rows.append({
            **_other_places(equation.source_info, (file, line)), "path": path, "primitive": equation.primitive.name,
            "inputs": [type_text(each) for each in equation.invars],
            "outputs": [type_text(each) for each in equation.outvars],
            "file": file, "line": line, "function": function, "text_line": None if printed is None else printed + 1,
        })  # fmt: skip
    return text, rows


def _other_places(source_info: Any, place: tuple[str | None, int | None]) -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    for file, line in compat.frames(source_info):
        kind = _kind_of(file)
        if kind is not None and kind not in found:
            found[kind] = file, line()
        if kind == "own":
            break
    return {kind: where for kind, where in found.items() if where != place}


# Of JAX itself these are libraries written in JAX; all the rest is how it traces and calls.
_WRITTEN_IN_JAX = ("nn/", "numpy/", "scipy/", "image/", "ops/", "random.py", "experimental/", "example_libraries/")


@functools.cache
def _kind_of(file: str) -> str | None:
    """``own``, ``library``, or None for frames that tell nothing."""
    path = file.replace("\\", "/")
    packages = next((mark for mark in ("/site-packages/", "/dist-packages/") if mark in path), None)
    if packages is not None and path.rpartition(packages)[2].startswith("jax/"):
        inner = path.rpartition(packages)[2].removeprefix("jax/").removeprefix("_src/")
        return "library" if inner.startswith(_WRITTEN_IN_JAX) else None
    if not compat.is_user_file(file) or path.startswith("<frozen"):
        return None
    if packages is not None:
        return "library"
    return None if path.startswith(_STANDARD) else "own"


_STANDARD = os.path.dirname(os.__file__).replace("\\", "/") + "/"


def type_text(atom: Any) -> str:
    """A variable's or literal's type as JAX prints it."""
    aval = atom.aval
    return str(aval.str_short(short_dtypes=True)) if hasattr(aval, "str_short") else str(aval)
