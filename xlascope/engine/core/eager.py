"""A program without jit: each equation dispatched by its primitive, as eager JAX does.

`EagerProgram` dispatches the top-level equations: a loop is one equation, a call of a jitted function is that
function. `DeepEagerProgram` has the meaning of ``jax.disable_jit()``: calls are entered, and scan, while and cond are
Python's loops and branches.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np
from jax.extend import core
from numpy.typing import NDArray

from .. import compat
from . import tags
from .effects import DEBUG_PRIMITIVES, quiet_inside
from .measure import Cancelled

JITTED = frozenset({"jit", "pjit"})
ENTERED = JITTED | {"scan", "while", "cond"}
"""Primitives that deep jit off takes apart."""

COMPILED_WHOLE = frozenset({"shard_map", "pallas_call", "core_call", "core_closed_call"})
"""Primitives that eager JAX would compile again on each call."""

SPREADING = frozenset({"shard_map", "sharding_constraint", "reshard", "mesh_cast"})
"""Primitives whose results may lie on several devices."""


class EagerProgram:
    """A subject for measuring: the equations one after the other, nothing waited for until the end.

    With values on several devices each equation is waited for: on CPU, programs dispatched over several devices
    without waiting can deadlock.
    """

    copied_bytes = 0

    def __init__(self, jaxpr: Any, arguments: Sequence[Any], cancelled: Callable[[], bool] = lambda: False) -> None:
        self._closed = quiet_inside(jaxpr)
        self._jaxpr = compat.open_jaxpr(self._closed)
        self._arguments = list(arguments)
        self._cancelled = cancelled
        self._jitted: dict[int, Callable[..., Any]] = {}
        self._wait_each = any(len(getattr(each, "devices", set)()) > 1 for each in arguments) or any(
            equation.primitive.name in SPREADING for _, equation in tags.walk(jaxpr)
        )
        self._dead = _last_uses(self._jaxpr)

    def prepare(self, calls: int) -> list[list[Any]]:
        """The same arguments for each call: eager JAX donates nothing."""
        return [self._arguments] * calls

    def call(self, arguments: Sequence[Any]) -> None:
        """One call, finished when this returns. Raises Cancelled between two equations."""
        jax.block_until_ready(self._run(arguments))

    def outputs(self) -> list[NDArray[Any]]:
        """The outputs of one more call, on the host."""
        return [to_host(value) for value in self._run(self._arguments)]

    def equation_times(self) -> list[int]:
        """Nanoseconds of each top-level equation, waited for one by one."""
        times: list[int] = []
        self._run(self._arguments, times)
        return times

    def equation_programs(self) -> list[tuple[str, list[str]]]:
        """Of each top-level equation its path and the ``program_id`` of what was dispatched for it in profile events.

        JAX has all of it compiled. An equation that dispatches several programs, or none, is left out.
        """
        found: list[tuple[str, list[str]]] = []

        def visit(index: int, equation: Any, values: list[Any]) -> None:
            ids = self._programs(equation, values)
            if ids:
                found.append((str(index), ids))

        self._run(self._arguments, visit=visit)
        return found

    def whole_equation(self) -> str | None:
        """The primitive of the only top-level equation, where that is dispatched as one program; else None."""
        equations = [each for each in self._jaxpr.eqns if each.primitive.name not in DEBUG_PRIMITIVES]
        if len(equations) != 1 or not self._dispatched_whole(equations[0]):
            return None
        return str(equations[0].primitive.name)

    def _dispatched_whole(self, equation: Any) -> bool:
        name = equation.primitive.name
        if name in JITTED | COMPILED_WHOLE:
            return True
        params = equation.primitive.get_bind_params(equation.params)
        return compat.eager_callable(equation.primitive, params) is not None

    def _programs(self, equation: Any, values: list[Any]) -> list[str]:
        name = equation.primitive.name
        if name in DEBUG_PRIMITIVES:
            return []
        with equation.ctx.manager:
            if name in JITTED | COMPILED_WHOLE:
                function: Any = self._compiled(equation)
            else:
                params = equation.primitive.get_bind_params(equation.params)
                function = compat.eager_callable(equation.primitive, params)
            if function is None:
                return []
            return compat.program_ids(function.lower(*values).compile().runtime_executable())

    def _run(
        self,
        arguments: Sequence[Any],
        times: list[int] | None = None,
        visit: Callable[[int, Any, list[Any]], None] | None = None,
    ) -> list[Any]:
        """Results of one call; with `times`, each equation is waited for and its time appended."""
        environment: dict[Any, Any] = dict(zip(self._jaxpr.constvars, compat.jaxpr_consts(self._closed), strict=False))
        environment |= zip(self._jaxpr.invars, arguments, strict=True)
        for index, (equation, dead) in enumerate(zip(self._jaxpr.eqns, self._dead, strict=True)):
            if self._cancelled():
                raise Cancelled
            values = [_read(environment, atom) for atom in equation.invars]
            if visit is not None:
                visit(index, equation, values)
            started = time.perf_counter_ns()
            results = self._dispatch(equation, values)
            if times is not None or self._wait_each:
                jax.block_until_ready(results)
            if times is not None:
                times.append(time.perf_counter_ns() - started)
            environment |= zip(equation.outvars, results, strict=True)
            for variable in dead:
                environment.pop(variable, None)
        return [_result(environment, atom) for atom in self._jaxpr.outvars]

    def _dispatch(self, equation: Any, values: list[Any]) -> Sequence[Any]:
        if equation.primitive.name in DEBUG_PRIMITIVES:
            return ()
        if equation.primitive.name in JITTED | COMPILED_WHOLE:
            return self._compiled(equation)(*values)
        return bind(equation, values)

    def _compiled(self, equation: Any) -> Callable[..., Any]:
        function = self._jitted.get(id(equation))
        if function is None:
            if equation.primitive.name in JITTED:
                function = jax.jit(core.jaxpr_as_fun(equation.params["jaxpr"]))
            else:
                function = jax.jit(lambda *values: list(bind(equation, list(values))))
            self._jitted[id(equation)] = function
        return function


class DeepEagerProgram(EagerProgram):
    """As under ``jax.disable_jit()``."""

    def _dispatched_whole(self, equation: Any) -> bool:
        return equation.primitive.name not in ENTERED and super()._dispatched_whole(equation)

    def _dispatch(self, equation: Any, values: list[Any]) -> Sequence[Any]:
        name = equation.primitive.name
        if name in JITTED:
            return self._inner(equation.params["jaxpr"], values)
        if name == "scan":
            return self._scan(equation, values)
        if name == "while":
            return self._while(equation.params, values)
        if name == "cond":
            return self._inner(equation.params["branches"][int(values[0])], values[1:])
        return super()._dispatch(equation, values)

    def _inner(self, jaxpr: Any, values: Sequence[Any]) -> list[Any]:
        inner = self._jitted.get(id(jaxpr))
        if inner is None:
            program = DeepEagerProgram(jaxpr, (), self._cancelled)
            program._wait_each = self._wait_each
            inner = self._jitted[id(jaxpr)] = program._run
        return inner(values)

    def _scan(self, equation: Any, values: list[Any]) -> list[Any]:
        params = equation.params
        constants, carried = compat.scan_counts(params)
        carry, stacked = values[constants : constants + carried], values[constants + carried :]
        outputs: list[list[Any]] = []
        steps = range(params["length"])
        for step in reversed(steps) if params["reverse"] else steps:
            results = self._inner(params["jaxpr"], [*values[:constants], *carry, *(each[step] for each in stacked)])
            carry = results[:carried]
            outputs.append(results[carried:])
        if params["reverse"]:
            outputs.reverse()
        if outputs:
            return [*carry, *(jax.numpy.stack(column) for column in zip(*outputs, strict=True))]
        empty = (jax.numpy.zeros(var.aval.shape, var.aval.dtype) for var in equation.outvars[carried:])
        return [*carry, *empty]

    def _while(self, params: Any, values: list[Any]) -> list[Any]:
        tests, bodies = params["cond_nconsts"], params["body_nconsts"]
        test_values, body_values, state = values[:tests], values[tests : tests + bodies], values[tests + bodies :]
        while bool(self._inner(params["cond_jaxpr"], [*test_values, *state])[0]):
            state = self._inner(params["body_jaxpr"], [*body_values, *state])
        return state


def bind(equation: Any, values: list[Any]) -> Sequence[Any]:
    """Results of one equation by its primitive, in the context the equation was traced in."""
    with equation.ctx.manager:
        results = equation.primitive.bind(*values, **equation.primitive.get_bind_params(equation.params))
    return results if equation.primitive.multiple_results else (results,)


def to_host(value: Any) -> NDArray[Any]:
    """A result on the host; of a typed PRNG key, its data."""
    if jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
        value = jax.random.key_data(value)
    return np.asarray(value)


def _read(environment: dict[Any, Any], atom: Any) -> Any:
    return atom.val if isinstance(atom, core.Literal) else environment[atom]


def _result(environment: dict[Any, Any], atom: Any) -> Any:
    """A result as an array: one that does not depend on the inputs is a Python number in the jaxpr."""
    value = _read(environment, atom)
    return value if isinstance(value, jax.Array) else jax.numpy.asarray(value, atom.aval.dtype)


def _last_uses(jaxpr: Any) -> list[list[Any]]:
    """For each equation the variables that nothing after it reads: their memory is given back, as in a Python run."""
    needed = {id(atom) for atom in jaxpr.outvars if not isinstance(atom, core.Literal)}
    dead: list[list[Any]] = []
    for equation in reversed(jaxpr.eqns):
        mine = []
        for atom in [*equation.invars, *equation.outvars]:
            if not isinstance(atom, core.Literal) and id(atom) not in needed:
                needed.add(id(atom))
                mine.append(atom)
        dead.append(mine)
    return dead[::-1]


@contextmanager
def wide_types(jaxpr: Any) -> Iterator[None]:
    """64-bit types on while a program that uses them is traced or dispatched."""
    variables = [*compat.open_jaxpr(jaxpr).invars, *compat.open_jaxpr(jaxpr).outvars]
    dtypes = [getattr(variable.aval, "dtype", None) for variable in variables]
    wide = any(
        isinstance(dtype, np.dtype) and dtype.name in ("float64", "int64", "uint64", "complex128") for dtype in dtypes
    )
    if not wide:
        yield
        return
    with jax.enable_x64(True):
        yield
