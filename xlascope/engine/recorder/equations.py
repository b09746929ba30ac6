"""A jaxpr's equations by path, with their source lines and their line in JAX's pretty-printed text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xlascope.engine import compat


def walk(jaxpr: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each equation with its path, depth first: an equation comes before those of its sub-jaxprs."""
    for number, equation in enumerate(compat.open_jaxpr(jaxpr).eqns):
        path = f"{prefix}{number}"
        yield path, equation
        inner = list(compat.sub_jaxprs(equation))
        for index, sub in enumerate(inner):
            yield from walk(sub, f"{path}." if len(inner) == 1 else f"{path}.b{index}.")


def rows(jaxpr: Any, text: str) -> list[dict[str, Any]]:
    """The JSON rows of the ``equations`` blob of a jaxpr stage."""
    out = []
    for path, equation in walk(jaxpr):
        file, line, function = compat.user_frame(equation.source_info) or (None, None, None)
        out.append(
            {
                "path": path,
                "primitive": equation.primitive.name,
                "inputs": [type_text(each) for each in equation.invars],
                "outputs": [type_text(each) for each in equation.outvars],
                "file": file,
                "line": line,
                "function": function,
                "text_line": None,
            }
        )
    return out


def type_text(atom: Any) -> str:
    aval = atom.aval
    return aval.str_short(short_dtypes=True) if hasattr(aval, "str_short") else str(aval)


def text(jaxpr: Any) -> str:
    """JAX's own pretty print."""
    return jaxpr.pretty_print(use_color=False)
