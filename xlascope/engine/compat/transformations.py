"""Which of JAX's transformations a callable was made with."""

from __future__ import annotations

import functools
from typing import Any

from .sources import is_user_file

DEPTH = 16


def transformations(fun: Any) -> tuple[str, ...]:
    """Names of the transformations and partials around a function, the outermost first: ``("vmap", "grad")``.

    JAX's transformations bear the name of what they wrap; their own is that of the function their code was defined in.
    Name scopes, decorators of the script's and ``jit`` itself are none. ``hessian`` is ``jacfwd`` of ``jacrev``.
    """
    found = []
    for _ in range(DEPTH):
        if isinstance(fun, functools.partial):
            found.append("partial")
            fun = fun.func
            continue
        wrapped = fun.__dict__.get("__wrapped__") if hasattr(fun, "__dict__") else None
        if wrapped is None:
            break
        if (name := _made_in(fun)) is not None:
            found.append(name)
        fun = wrapped
    return tuple(found)


def _made_in(fun: Any) -> str | None:
    """Of a function made in ``grad`` of JAX's: ``grad``; None for what is no such function."""
    code = getattr(fun, "__code__", None)
    if code is not None and code.co_name == "reraise_with_filtered_traceback" and "fun" in code.co_freevars:
        cell = fun.__closure__[code.co_freevars.index("fun")]
        code = getattr(cell.cell_contents, "__code__", None)
    if code is None or is_user_file(code.co_filename):
        return None
    maker, inside, _ = code.co_qualname.rpartition(".<locals>.")
    name = maker.rpartition("<locals>.")[2].lstrip("_")
    return name if inside and "." not in name else None
