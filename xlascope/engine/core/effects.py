"""Effects of a program: whether it may be executed again, and a form of it that prints nothing."""

from __future__ import annotations

from typing import Any

from .. import compat

DEBUG_PRIMITIVES = frozenset({"debug_callback", "debug_print"})
_HARMLESS = frozenset({"DebugEffect", "NamedAxisEffect"})


def unrepeatable(jaxpr: Any) -> list[str]:
    """Names of the effects for which a program is not executed again unless the user agrees."""
    names = {type(effect).__name__ for effect in compat.open_jaxpr(jaxpr).effects}
    return sorted(names - _HARMLESS)


def without_debug_output(jaxpr: Any) -> tuple[Any, int]:
    """The jaxpr without `debug.print` and `debug.callback` at any depth, and how many there were.

    A replay must not write to the script's output a second time. The equations have no results, so nothing else
    changes.
    """
    quieter = _Quieter()
    return quieter.quiet(jaxpr), quieter.dropped


def quiet_inside(jaxpr: Any) -> Any:
    """The jaxpr with debug output left in its own equations and dropped in those inside them: positions stay."""
    quieter = _Quieter()
    equations = [quieter.equation(equation) for equation in compat.open_jaxpr(jaxpr).eqns]
    return compat.with_equations(jaxpr, equations) if quieter.dropped else jaxpr


class _Quieter:
    def __init__(self) -> None:
        self.dropped = 0
        # The originals are kept, so that no id is used twice.
        self._done: dict[int, tuple[Any, Any]] = {}

    def quiet(self, jaxpr: Any) -> Any:
        known = self._done.get(id(jaxpr))
        if known is None:
            known = self._done[id(jaxpr)] = (self._rebuilt(jaxpr), jaxpr)
        return known[0]

    def _rebuilt(self, jaxpr: Any) -> Any:
        equations, changed = [], False
        for equation in compat.open_jaxpr(jaxpr).eqns:
            if equation.primitive.name in DEBUG_PRIMITIVES:
                self.dropped += 1
                changed = True
                continue
            quieted = self.equation(equation)
            changed = changed or quieted is not equation
            equations.append(quieted)
        return compat.with_equations(jaxpr, equations) if changed else jaxpr

    def equation(self, equation: Any) -> Any:
        params = {name: self._value(value) for name, value in equation.params.items()}
        if all(params[name] is value for name, value in equation.params.items()):
            return equation
        return equation.replace(params=params)

    def _value(self, value: Any) -> Any:
        if compat.is_jaxpr(value):
            return self.quiet(value)
        if isinstance(value, (tuple, list)) and any(compat.is_jaxpr(item) for item in value):
            items = [self._value(item) for item in value]
            if all(new is old for new, old in zip(items, value, strict=True)):
                return value
            return value._make(items) if hasattr(value, "_make") else type(value)(items)
        return value
