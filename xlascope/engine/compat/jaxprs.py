"""Jaxprs and their equations: reading, copying with changes, printing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def is_jaxpr(value: Any) -> bool:
    """Whether a value is a jaxpr, closed or open."""
    from jax._src import core

    return isinstance(value, (core.Jaxpr, getattr(core, "ClosedJaxpr", core.Jaxpr)))


def open_jaxpr(closed: Any) -> Any:
    """The ``Jaxpr`` of a ``ClosedJaxpr``; one class since 0.11."""
    return getattr(closed, "jaxpr", closed)


def jaxpr_consts(closed: Any) -> list[Any]:
    """The constants that a closed jaxpr holds, arrays as they are."""
    return list(getattr(closed, "consts", ()))


def sub_jaxprs(equation: Any) -> Iterator[Any]:
    """The jaxprs in an equation's parameters, in JAX's own parameter order (closed or open)."""
    for value in equation.params.values():
        for item in value if isinstance(value, (tuple, list)) else (value,):
            if is_jaxpr(item):
                yield item


def with_equations(jaxpr: Any, equations: list[Any]) -> Any:
    """The same jaxpr, closed or open, with other equations."""
    inner = open_jaxpr(jaxpr)
    return jaxpr.replace(eqns=equations) if inner is jaxpr else jaxpr.replace(jaxpr=inner.replace(eqns=equations))


def with_scope(equation: Any, scope: str, params: dict[str, Any]) -> Any:
    """The equation with other parameters and one more scope at the inner end of its name stack."""
    info = equation.source_info
    return equation.replace(params=params, source_info=info.replace(name_stack=info.name_stack.extend(scope)))


def printed(jaxpr: Any) -> tuple[str, dict[int, int]]:
    """JAX's pretty print of a jaxpr, and the line (from 0) on which each equation begins, by the equation's ``id``.

    JAX maps each piece of its output to the traceback of the equation printed; a copy of the jaxpr that has numbers in
    the tracebacks' place tells equations apart.
    """
    numbered, numbers = _numbered(jaxpr)
    source_map: list[list[tuple[int, int, Any]]] = []
    text = numbered.pretty_print(use_color=False, source_map=source_map)
    first: dict[int, int] = {}
    for line, pieces in enumerate(source_map):
        for _, _, number in pieces:
            first.setdefault(number, line)
    return text, {equation: first[number] for equation, number in numbers.items() if number in first}


def _numbered(jaxpr: Any) -> tuple[Any, dict[int, int]]:
    numbers: dict[int, int] = {}
    done: dict[int, Any] = {}

    def swap(value: Any) -> Any:
        if is_jaxpr(value):
            return copy(value)
        if isinstance(value, tuple) and any(map(is_jaxpr, value)):
            items = [swap(item) for item in value]
            return value._make(items) if hasattr(value, "_make") else tuple(items)
        if isinstance(value, list) and any(map(is_jaxpr, value)):
            return [swap(item) for item in value]
        return value

    def copy(one: Any) -> Any:
        if id(one) not in done:
            equations = []
            for equation in open_jaxpr(one).eqns:
                number = numbers[id(equation)] = len(numbers)
                source = equation.source_info.replace(traceback=number)
                params = {name: swap(value) for name, value in equation.params.items()}
                equations.append(equation.replace(source_info=source, params=params))
            done[id(one)] = with_equations(one, equations)
        return done[id(one)]

    return copy(jaxpr), numbers


def has_ordered_effects(closed: Any) -> bool:
    """Whether executions of a jaxpr are kept in order with the world outside (ordered callbacks and the like)."""
    from jax._src import effects

    return bool(effects.ordered_effects.filter_in(open_jaxpr(closed).effects))


def scan_counts(params: Mapping[str, Any]) -> tuple[int, int]:
    """Number of constants and of carried values of a ``scan`` equation, from its parameters."""
    if "num_carry" in params:
        return params["num_consts"], params["num_carry"]
    constants, carried, _ = params["ft_in"].unpack()
    return len(constants), len(carried)
