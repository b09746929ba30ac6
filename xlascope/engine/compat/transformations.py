"""Which of JAX's transformations a callable was made with, or is being traced or evaluated in."""

from __future__ import annotations

import functools
from typing import Any

from .sources import is_user_file

DEPTH = 16
FRAMES = 300

_MODULES = ("/_src/api.py", "/_src/ad_checkpoint.py")
_NAMES = {name: name for name in ("grad", "value_and_grad", "vmap", "jvp", "vjp", "linearize", "linear_transpose",
                                  "jacfwd", "jacrev", "checkpoint")}  # fmt: skip
_NAMES |= {"lift_linearized": "linearized function", "remat_impl": "checkpoint"}
# What a transformation is made of is none of its own.
_PARTS = {
    "grad": {"value_and_grad", "vjp"}, "value_and_grad": {"vjp"}, "jacfwd": {"jvp", "vmap", "linearize"},
    "jacrev": {"vjp", "vmap"},
}  # fmt: skip
TRANSPOSE = "transpose"
EVALUATED = "eval_jaxpr"


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


def transforming(frame: Any) -> tuple[str, ...]:
    """The transformations that are calling what is dispatched in ``frame``, the outermost first: ``("vmap", "grad")``.

    ``transpose`` comes last where it is the backward pass of one; ``eval_jaxpr`` stands for what has no name here.
    """
    names: list[str] = []
    backward = False
    for _ in range(FRAMES):
        if frame is None:
            break
        code = frame.f_code
        if not is_user_file(code.co_filename):
            backward = backward or code.co_name.startswith("backward_pass")
            if code.co_filename.replace("\\", "/").endswith(_MODULES):
                maker, inside, own = code.co_qualname.rpartition(".<locals>.")
                called = (maker if inside else own).rpartition("<locals>.")[2].lstrip("_")
                if called in _NAMES:
                    names.append(_NAMES[called])
        frame = frame.f_back
    found: list[str] = []
    for name in reversed(names):
        if not found or (name != found[-1] and name not in _PARTS.get(found[-1], ())):
            found.append(name)
    if backward:
        found.append(TRANSPOSE)
    return tuple(found) or (EVALUATED,)
