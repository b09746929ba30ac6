"""Which arguments of a program a ``scan`` in it takes its steps from: their first dimension is time, and no batch."""

from __future__ import annotations

from typing import Any

from .. import compat

_MOST_EQUATIONS = 20_000
_CALLS = frozenset({"jit", "pjit", "closed_call", "core_call", "remat", "remat2", "checkpoint", "custom_jvp_call",
                    "custom_vjp_call", "custom_vjp_call_jaxpr"})  # fmt: skip
# What leaves every dimension of a value where it is, if the result has its shape.
_KEEPING = frozenset({"convert_element_type", "copy", "copy_p", "add", "sub", "mul", "div", "neg", "exp", "log", "tanh",
                      "integer_pow", "optimization_barrier", "sharding_constraint", "device_put"})  # fmt: skip

Place = tuple[str | None, int | None]


def scanned(jaxpr: Any) -> dict[int, Place]:
    """By position among the inputs, file and line of the first scan that iterates over the input's dimension 0."""
    opened = compat.open_jaxpr(jaxpr)
    found: dict[int, Place] = {}
    _follow(opened, {id(variable): index for index, variable in enumerate(opened.invars)}, found, [_MOST_EQUATIONS])
    return found


def _follow(opened: Any, inputs: dict[int, int], found: dict[int, Place], left: list[int]) -> None:
    """Through one jaxpr; ``inputs``: by a variable's id the program's input that it is."""
    for equation in opened.eqns:
        left[0] -= 1
        if left[0] < 0:
            return
        held = [inputs.get(id(each)) for each in equation.invars]
        if all(each is None for each in held):
            continue
        name = equation.primitive.name
        if name == "scan":
            constants, carried = compat.scan_counts(equation.params)
            frame = compat.user_frame(equation.source_info) or (None, None, "")
            for each in held[constants + carried :]:
                if each is not None:
                    found.setdefault(each, frame[:2])
        elif name in _CALLS:
            inner = next(compat.sub_jaxprs(equation), None)
            variables = compat.open_jaxpr(inner).invars if inner is not None else ()
            if len(variables) == len(held):
                mine = {id(var): each for var, each in zip(variables, held, strict=True) if each is not None}
                _follow(compat.open_jaxpr(inner), mine, found, left)
        elif name in _KEEPING:
            for variable, each in zip(equation.invars, held, strict=True):
                shape = getattr(variable.aval, "shape", None)
                if each is not None and shape:
                    same = (result for result in equation.outvars if getattr(result.aval, "shape", None) == shape)
                    inputs.update((id(result), each) for result in same)
