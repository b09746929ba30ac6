"""Arguments of a program in a lab: the recorded ones, or values made up by dtype."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .module import ModuleError, ModuleFacts, Tensor

SEED = 20_240_101
SMALL = 4
"""Made-up integers are below this: they are often positions, and small ones lie inside most arrays."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """Host values for the arguments of a module, in its order. `state`: `recorded` or `synthetic`."""

    values: tuple[NDArray[Any], ...]
    state: str
    notes: tuple[str, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of all values together."""
        return sum(value.nbytes for value in self.values)


def kept_inputs(facts: ModuleFacts, record: Mapping[str, Any]) -> tuple[int, ...]:
    """For each argument of the module its position among the program's flat inputs.

    JAX drops arguments that a program does not use. From ``kept_inputs`` of the record; else by matching types in
    order, and names where both sides have them. Raises ModuleError when no choice fits.
    """
    inputs = record.get("inputs") or []
    kept = record.get("kept_inputs")
    if isinstance(kept, list) and len(kept) == len(facts.inputs):
        return tuple(int(index) for index in kept)
    if not inputs or len(inputs) == len(facts.inputs):
        return tuple(range(len(facts.inputs)))
    found: list[int] = []
    for tensor, name in zip(facts.inputs, facts.names, strict=True):
        start = found[-1] + 1 if found else 0
        fits = [index for index in range(start, len(inputs)) if _fits(tensor, inputs[index])]
        if not fits:
            raise ModuleError("the module's arguments do not match the inputs recorded for the program")
        named = [index for index in fits if name and inputs[index].get("name") == name]
        found.append((named or fits)[0])
    return tuple(found)


def _fits(tensor: Tensor, leaf: Mapping[str, Any]) -> bool:
    shape = tuple(leaf.get("shape") or ())
    dtype = str(leaf.get("dtype"))
    if dtype.startswith("key<"):
        return tensor.dtype == np.uint32 and tensor.shape[: len(shape)] == shape
    return tensor.shape == shape and tensor.dtype.name == dtype


def build(
    facts: ModuleFacts, kept: Sequence[int], args_record: Mapping[str, Any] | None, blobs: Mapping[str, bytes]
) -> Arguments:
    """Recorded values where there are any, made-up ones of the same shape and dtype elsewhere."""
    leaves = {int(leaf["index"]): leaf for leaf in (args_record or {}).get("leaves") or []}
    generator = np.random.default_rng(SEED)
    values: list[NDArray[Any]] = []
    notes: list[str] = []
    made_up = 0
    for tensor, index in zip(facts.inputs, kept, strict=True):
        leaf = leaves.get(index, {})
        blob = blobs.get(str(leaf.get("blob")))
        if blob is not None and len(blob) == tensor.nbytes:
            values.append(np.frombuffer(blob, tensor.dtype).reshape(tensor.shape))
            continue
        if blob is not None:
            notes.append(
                f"argument {index}: {len(blob)} bytes recorded, {tensor.nbytes} needed; a made-up value was used"
            )
        made_up += 1
        values.append(synthetic(tensor, generator))
    if made_up and made_up < len(values):
        notes.append(f"{made_up} of {len(values)} arguments are made up")
    return Arguments(tuple(values), "synthetic" if made_up else "recorded", tuple(notes))


def synthetic(tensor: Tensor, generator: np.random.Generator) -> NDArray[Any]:
    """A value by dtype: floats normally distributed, small integers, random ``uint32`` pairs (keys)."""
    shape, dtype = tensor.shape, tensor.dtype
    if dtype.kind == "b":
        return generator.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        looks_like_key = dtype == np.uint32 and shape[-1:] in ((2,), (4,))
        if looks_like_key:
            return generator.integers(0, 2**32, shape, dtype=np.uint32)
        return np.asarray(generator.integers(0, SMALL, shape)).astype(dtype)
    if dtype.kind == "c":
        return np.asarray(generator.standard_normal(shape) + 1j * generator.standard_normal(shape)).astype(dtype)
    if dtype.name.startswith(("int", "uint")):
        return np.asarray(generator.integers(0, 2, shape)).astype(dtype)
    return np.asarray(generator.standard_normal(shape)).astype(dtype)
