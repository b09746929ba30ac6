"""What a lab must know of a StableHLO module before it compiles it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import compat

CALLBACK_MARKS = ("callback", "_host_recv", "_host_send")
# Custom calls that every backend understands: JAX lowers to these whatever the platform.
_EVERYWHERE = frozenset({
    "Sharding", "SPMDFullToShardShape", "SPMDShardToFullShape", "LayoutConstraint", "annotate_device_placement",
    "mhlo.topk", "mhlo.erf", "xla.sdy.FuncResultSharding", "xla.sdy.GlobalToLocalShape", "xla.sdy.LocalToGlobalShape",
    "TopK", "PartialReduce", "ApproxTopK",
})  # fmt: skip
_ELEMENTS = {"i1": "bool", "bf16": "bfloat16", "complex<f32>": "complex64", "complex<f64>": "complex128"}
_NUMBER = re.compile(r"(ui|i|f)([0-9]+)(?:E(\w+))?", re.ASCII)
_UNKNOWN = "no such dtype"
RANDOM_OPERATION = "stablehlo.rng"


class ModuleError(ValueError):
    """A module that a lab cannot execute; the text says why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """Shape and dtype of an argument or result of a module: PRNG keys appear as their ``uint32`` data."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """Bytes of its elements."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class ModuleFacts:
    """The signature of a module and what decides how it may be executed.

    `names`: what JAX called the arguments when it lowered them, empty where it gave no name; `result_names`: the paths
    of the results.
    `donated`: positions of arguments whose memory a call takes over. `callbacks`: targets of custom calls into the
    Python of the process that lowered the module. `random`: it draws numbers whose values XLA does not fix.
    """

    name: str
    digest: str
    inputs: tuple[Tensor, ...]
    names: tuple[str, ...]
    outputs: tuple[Tensor, ...]
    donated: tuple[int, ...]
    partitions: int
    replicas: int
    callbacks: tuple[str, ...]
    random: bool
    result_names: tuple[str, ...] = ()

    @property
    def device_count(self) -> int:
        """Devices that the module is compiled for: partitions × replicas."""
        return self.partitions * self.replicas


def read_facts(bytecode: bytes) -> ModuleFacts:
    """Facts of a portable artifact. Raises ModuleError for bytes that hold no module a lab could run."""
    try:
        with compat.stablehlo_module(bytecode) as module:
            return _facts(module, hashlib.sha256(bytecode).hexdigest())
    except ModuleError:
        raise
    except Exception as error:  # MLIR's Python binding raises its own types, ValueError and RuntimeError among them
        raise ModuleError(f"the StableHLO cannot be read by this version of JAX: {_first_line(error)}") from error


def _facts(module: Any, digest: str) -> ModuleFacts:
    main = compat.main_function(module)
    names, targets = compat.operation_names(module)
    attributes = module.operation.attributes
    partitions, replicas = device_counts(module)
    donated = [
        index
        for index, entries in enumerate(main.arg_attrs)
        if "tf.aliasing_output" in entries or "jax.buffer_donor" in entries
    ]
    return ModuleFacts(
        name=attributes["sym_name"].value if "sym_name" in attributes else "module",
        digest=digest,
        inputs=tuple(_tensor(each) for each in main.type.inputs),
        names=tuple(compat.argument_names(main)),
        outputs=tuple(_tensor(each) for each in main.type.results),
        donated=tuple(donated),
        partitions=partitions,
        replicas=replicas,
        callbacks=tuple(sorted(each for each in targets if any(mark in each for mark in CALLBACK_MARKS))),
        random=RANDOM_OPERATION in names,
        result_names=tuple(compat.result_names(main)),
    )


def platform_calls(module: Any) -> tuple[list[str], list[str]]:
    """Targets of a module's custom calls: those into the Python that lowered it, and those of one platform alone."""
    targets = compat.operation_names(module)[1] - _EVERYWHERE
    calls = {each for each in targets if any(mark in each for mark in CALLBACK_MARKS)}
    return sorted(calls), sorted(targets - calls)


def device_counts(module: Any) -> tuple[int, int]:
    """How many partitions and how many replicas a module is made for."""
    attributes = module.operation.attributes
    return _count(attributes, "mhlo.num_partitions"), _count(attributes, "mhlo.num_replicas")


def _count(attributes: Any, name: str) -> int:
    return int(attributes[name].value) if name in attributes else 1


def _tensor(kind: Any) -> Tensor:
    try:
        shape, element = tuple(kind.shape), str(kind.element_type)
    except AttributeError:
        raise ModuleError(f"the program takes or returns {kind}, which is no array") from None
    return Tensor(shape, element_dtype(element))


def element_dtype(element: str) -> np.dtype[Any]:
    """The numpy dtype of an MLIR element type such as ``bf16`` or ``complex<f32>``. Raises ModuleError otherwise."""
    name = _ELEMENTS.get(element)
    if name is None and (match := _NUMBER.fullmatch(element)):
        kind, digits, format = match.groups()
        name = {"i": "int", "ui": "uint", "f": "float"}[kind] + digits + (f"_e{format.lower()}" if format else "")
    try:
        return np.dtype(name or _UNKNOWN)
    except TypeError:
        raise ModuleError(f"the program has values of type {element}, which this lab does not know") from None


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
