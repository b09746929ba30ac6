"""A jaxpr's equations by path, with their source lines and their line in JAX's pretty-printed text."""

from __future__ import annotations

import itertools
from typing import Any

from xlascope.engine import compat
from xlascope.engine.core.tags import walk

MOST_ROWS = 200_000


def text_and_rows(jaxpr: Any) -> tuple[str, list[dict[str, Any]]]:
    """JAX's own pretty print, and the JSON rows of the ``equations`` blob (the first `MOST_ROWS` of them).

    A row's ``text_line`` (from 1) is the line on which the equation begins: JAX's printer keeps, for each piece of its
    output, the equation it came from. An equation of a jaxpr that is printed once and used twice has one line.
    """
    text, lines = compat.printed(jaxpr)
    rows = []
    for path, equation in itertools.islice(walk(jaxpr), MOST_ROWS):
        file, line, function = compat.user_frame(equation.source_info) or (None, None, None)
        printed = lines.get(id(equation))
        rows.append({
            "path": path, "primitive": equation.primitive.name,
            "inputs": [type_text(each) for each in equation.invars],
            "outputs": [type_text(each) for each in equation.outvars],
            "file": file, "line": line, "function": function, "text_line": None if printed is None else printed + 1,
        })  # fmt: skip
    return text, rows


def type_text(atom: Any) -> str:
    """A variable's or literal's type as JAX prints it."""
    aval = atom.aval
    return str(aval.str_short(short_dtypes=True)) if hasattr(aval, "str_short") else str(aval)
