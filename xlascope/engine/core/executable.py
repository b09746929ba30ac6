"""A StableHLO module compiled for given devices, and calls of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from ...protocol.plans import ShardPlan
from ...protocol.specs import Spec
from .. import compat
from .module import ModuleFacts


class CompileError(RuntimeError):
    """XLA refused to compile the module; the text is XLA's own, its first lines."""


class Executable:
    """A compiled module with its arguments on the devices, to be called again and again.

    `compile_ns` is the time of XLA's compilation, no cache taking part. Arguments that a call consumes (donated ones)
    are copied from the host by `prepare`, outside any timing; the donation itself is kept.
    """

    def __init__(
        self,
        bytecode: bytes,
        facts: ModuleFacts,
        devices: Sequence[Any],
        options: Mapping[str, Any] | None = None,
        plan: ShardPlan | None = None,
        kept: Sequence[int] | None = None,
    ) -> None:
        """Compile. Raises CompileError."""
        self.facts = facts
        self.devices = tuple(devices)
        replicas = 1 if plan else facts.replicas
        try:
            with compat.stablehlo_module(bytecode) as module:
                if plan is not None:
                    compat.set_partitions(module, plan.mesh, _module_specs(facts, plan, kept))
                started = time.perf_counter_ns()
                self._loaded = compat.compile_module(module, self.devices, replicas, options or {})
                self.compile_ns = time.perf_counter_ns() - started
        except Exception as error:  # XLA's errors, MLIR's and bad option values have no common type
            raise CompileError(first_lines(error)) from error
        self._input_shardings = compat.parameter_shardings(self._loaded, self.devices, len(facts.inputs))
        self._output_shardings = compat.output_shardings(self._loaded, self.devices, len(facts.outputs))
        self._donated = frozenset(facts.donated)
        self._hosts: tuple[NDArray[Any], ...] = ()
        self._placed: list[Any] = []

    def place(self, values: Sequence[NDArray[Any]], like: Executable | None = None) -> None:
        """Put the arguments on the devices, in the shardings that the executable wants.

        `like`: another executable with the same values; on the same single device its arrays are used, so that where
        they lie in memory makes no difference between the two.
        """
        self._hosts = tuple(values)
        shared: list[Any] = [None] * len(self.facts.inputs)
        if like is not None and len(self.devices) == 1 and like.devices == self.devices:
            shared = like._placed
            if like._donated == self._donated:
                self._placed = shared
                return
        self._placed = [
            None if index in self._donated else self._put(index) if there is None else there
            for index, there in enumerate(shared)
        ]
        compat.block_until_ready([array for array in self._placed if array is not None])

    def _put(self, index: int) -> Any:
        return jax.device_put(self._hosts[index], self._input_shardings[index], may_alias=False)

    @property
    def copied_bytes(self) -> int:
        """Bytes that `prepare` copies for each call."""
        return sum(self.facts.inputs[index].nbytes for index in self._donated)

    def prepare(self, calls: int) -> list[list[Any]]:
        """Arguments for `calls` calls; each list can be used once."""
        if not self._donated:
            return [self._placed] * calls
        prepared = [
            [self._put(index) if array is None else array for index, array in enumerate(self._placed)]
            for _ in range(calls)
        ]
        compat.block_until_ready([each[index] for each in prepared for index in self._donated])
        return prepared

    def call(self, arguments: list[Any]) -> None:
        """One call, finished when this returns (two unfinished calls on several CPU devices can deadlock)."""
        results = compat.execute(self._loaded, arguments)
        compat.block_until_ready([array for result in results for array in result])

    def outputs(self) -> list[NDArray[Any]]:
        """The results of one call, whole, on the host."""
        (arguments,) = self.prepare(1)
        results = compat.execute(self._loaded, arguments)
        compat.block_until_ready([array for result in results for array in result])
        return [
            np.asarray(
                arrays[0]
                if len(self.devices) == 1
                else jax.make_array_from_single_device_arrays(tensor.shape, sharding, arrays)
            )
            for tensor, sharding, arrays in zip(self.facts.outputs, self._output_shardings, results, strict=True)
        ]

    @property
    def result_names(self) -> tuple[str, ...]:
        """The paths of the results, empty where JAX gave none."""
        return self.facts.result_names

    def text(self) -> str:
        """Optimized HLO."""
        return compat.hlo_text(self._loaded)

    def same_code(self, other: Executable) -> bool:
        """Whether both are one program to the processor: instructions, buffers given away, and machine code.

        Large constants are not looked at. Told of a single CPU device alone; an option that only XLA's runtime reads
        does not show in it.
        """
        if self.devices != other.devices or len(self.devices) > 1 or self.devices[0].platform != "cpu":
            return False
        if self._donated != other._donated or compat.bare_hlo(self._loaded) != compat.bare_hlo(other._loaded):
            return False
        code = compat.object_code(self._loaded)
        return code is not None and code == compat.object_code(other._loaded)

    def sharding_texts(self) -> tuple[list[str] | None, list[str] | None]:
        """Shardings of the module's arguments and results as HLO writes them; None on one device."""
        if len(self.devices) == 1:
            return None, None
        return (
            [compat.sharding_text(each) for each in self._input_shardings],
            [compat.sharding_text(each) for each in self._output_shardings],
        )

    def module_name(self) -> str:
        """The name of its HLO module."""
        return str(self._loaded.hlo_modules()[0].name)

    def program_ids(self) -> list[str]:
        """The `program_id` that events of this executable carry in a profile."""
        return compat.program_ids(self._loaded)

    def costs(self) -> dict[str, Any]:
        """The compiler's own ``memory`` and ``cost`` of a call on one device; null where it has none."""
        return compat.executable_facts(self._loaded)

    def peak_bytes(self) -> int | None:
        """XLA's own figure of the most memory a call needs on one device, arguments and results included."""
        return compat.peak_bytes(self._loaded, self.devices[0].platform)


def _module_specs(facts: ModuleFacts, plan: ShardPlan, kept: Sequence[int] | None) -> list[Spec | None]:
    """Specs of the module's arguments; the data of PRNG keys has a last dimension that the program's input has not."""
    specs: list[Spec | None] = []
    for position, tensor in enumerate(facts.inputs):
        spec = plan.specs[kept[position] if kept is not None else position]
        specs.append(None if spec is None else (*spec, *((),) * (len(tensor.shape) - len(spec))))
    return specs


def first_lines(error: BaseException, count: int = 3) -> str:
    """The first lines of an error's text as one, or its type's name."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:count]) or type(error).__name__
