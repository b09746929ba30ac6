"""A recorded program under jit in the process that holds its jaxpr."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
from jax.extend import core
from numpy.typing import NDArray

from .. import compat
from .eager import to_host


class JittedProgram:
    """A subject for measuring: the program compiled with XLA options, called as JAX calls a jitted function."""

    def __init__(
        self, jaxpr: Any, arguments: Sequence[Any], donated: Sequence[int], options: Mapping[str, Any] | None = None
    ) -> None:
        """Compile. Raises what JAX raises."""
        self._arguments = list(arguments)
        self._donated = tuple(donated)
        self._function = jax.jit(
            core.jaxpr_as_fun(jaxpr), donate_argnums=self._donated, compiler_options=dict(options or {}) or None
        )
        # The call first: a lowering made ahead of it would not be the call's, and XLA would compile twice.
        (first,) = self.prepare(1)
        with compat.compile_clock() as spent:
            jax.block_until_ready(self._function(*first))
        self.compile_ns = sum(spent) if spent else None
        self._compiled = self._function.lower(*self._arguments).compile()

    @property
    def copied_bytes(self) -> int:
        """Bytes copied before each call, because the program donates them."""
        return sum(getattr(self._arguments[index], "nbytes", 0) for index in self._donated)

    def prepare(self, calls: int) -> list[list[Any]]:
        """Arguments for `calls` calls, the donated ones copied: each list can be used once."""
        if not self._donated:
            return [self._arguments] * calls
        prepared = [
            [self._copied(index) if index in self._donated else each for index, each in enumerate(self._arguments)]
            for _ in range(calls)
        ]
        jax.block_until_ready(prepared)
        return prepared

    def _copied(self, index: int) -> Any:
        """A copy that is, like the argument, bound to no device: one that is would be another signature to JAX."""
        value = self._arguments[index]
        if len(value.devices()) > 1:
            return jax.device_put(value, value.sharding, may_alias=False)
        data = jax.device_put(to_host(value), may_alias=False)
        if not jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
            return data
        return jax.random.wrap_key_data(data, impl=compat.key_implementation(value.dtype))

    def call(self, arguments: list[Any]) -> None:
        """One call, finished when this returns."""
        jax.block_until_ready(self._function(*arguments))

    def outputs(self) -> list[NDArray[Any]]:
        """The outputs of one more call, on the host."""
        (arguments,) = self.prepare(1)
        return [to_host(value) for value in self._function(*arguments)]

    @property
    def _runtime(self) -> Any:
        return self._compiled.runtime_executable()

    @property
    def device_count(self) -> int:
        """How many devices it runs on."""
        return len(self._runtime.local_devices())

    def text(self) -> str:
        """Optimized HLO."""
        return self._compiled.as_text() or ""

    def program_ids(self) -> list[str]:
        """The `program_id` that events of this executable carry in a profile."""
        return compat.program_ids(self._runtime)

    def peak_bytes(self) -> int | None:
        """The most bytes a call needs on one device; None when the backend does not tell."""
        return compat.peak_bytes(self._runtime, self._runtime.local_devices()[0].platform)
