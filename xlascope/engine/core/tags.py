"""Equation tags: which jaxpr equation each HLO instruction comes from, exactly.

Every equation's name stack gets one more scope that spells its place in its own jaxpr, in the jaxpr of the program and
in all those in its equations' parameters. XLA carries the name stack in ``metadata.op_name`` through every pass, so
the chain of tags in an instruction's ``op_name`` is the path of its equation (``4.0``: the first equation of the body
of equation 4; ``bK`` names the sub-jaxpr where there are several). Each distinct jaxpr is tagged once, whatever the
number of its call sites: the chain, not the tag, is the path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .. import compat

# No "@": XLA cuts a name off there. The trailing underscore ends the number, whatever XLA appends to the scope.
_TAG = re.compile(r"xs(b\d+\.)?(\d+)_")


def walk(jaxpr: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each equation of a jaxpr and of those inside it, outer before inner, with its path."""
    for index, equation in enumerate(compat.open_jaxpr(jaxpr).eqns):
        path = f"{prefix}{index}"
        yield path, equation
        inner = list(compat.sub_jaxprs(equation))
        for k, sub in enumerate(inner):
            yield from walk(sub, f"{path}." if len(inner) == 1 else f"{path}.b{k}.")


def tag(jaxpr: Any) -> Any:
    """The same jaxpr with each equation's name stack tagged; parameters, types and order are untouched."""
    return _Tagger().closed(jaxpr, "")


def paths_of(op_name: str) -> list[str]:
    """The paths of the equations that an instruction's ``op_name`` names, in its order, each once.

    XLA joins the names of instructions that it merged with ``;``.
    """
    paths = []
    for name in op_name.split(";"):
        path = ".".join((branch or "") + number for branch, number in _TAG.findall(name))
        if path and path not in paths:
            paths.append(path)
    return paths


class _Tagger:
    def __init__(self) -> None:
        # The values keep the untagged jaxprs alive, so that no id is used twice.
        self._done: dict[tuple[int, str], tuple[Any, Any]] = {}

    def closed(self, jaxpr: Any, branch: str) -> Any:
        known = self._done.get((id(jaxpr), branch))
        if known is None:
            equations = [self._equation(equation, f"xs{branch}{index}_")
                         for index, equation in enumerate(compat.open_jaxpr(jaxpr).eqns)]
            known = self._done[id(jaxpr), branch] = (compat.with_equations(jaxpr, equations), jaxpr)
        return known[0]

    def _equation(self, equation: Any, label: str) -> Any:
        several = len(list(compat.sub_jaxprs(equation))) > 1
        count = 0

        def swap(item: Any) -> Any:
            nonlocal count
            if not compat.is_jaxpr(item):
                return item
            branch = f"b{count}." if several else ""
            count += 1
            return self.closed(item, branch)

        params = {}
        for name, value in equation.params.items():
            if isinstance(value, tuple):
                items = [swap(item) for item in value]
                params[name] = value._make(items) if hasattr(value, "_make") else tuple(items)
            elif isinstance(value, list):
                params[name] = [swap(item) for item in value]
            else:
                params[name] = swap(value)
        return compat.with_scope(equation, label, params)
