"""Arguments of a live program as JAX arrays: the recorded ones, or made up by type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from .. import compat
from .arguments import SEED, synthetic
from .module import Tensor


def build(jaxpr: Any, args_record: Mapping[str, Any] | None, blobs: Mapping[str, bytes]) -> tuple[list[Any], str]:
    """One array for each input of `jaxpr`, and `recorded` or `synthetic` (some were made up).

    Raises ValueError for inputs that are no arrays (mutable references, tokens).
    """
    leaves = {int(leaf["index"]): leaf for leaf in (args_record or {}).get("leaves") or []}
    generator = np.random.default_rng(SEED)
    values, made_up = [], False
    for index, variable in enumerate(compat.open_jaxpr(jaxpr).invars):
        leaf = leaves.get(index, {})
        value = _recorded(variable.aval, leaf, blobs.get(str(leaf.get("blob"))))
        if value is None:
            made_up = True
            value = _made_up(variable.aval, index, generator)
        values.append(value)
    return values, "synthetic" if made_up else "recorded"


def _recorded(aval: Any, leaf: Mapping[str, Any], blob: bytes | None) -> Any:
    """The recorded value; None when there is none of the input's type."""
    if blob is None:
        return None
    dtype = np.dtype(leaf["dtype"])
    shape = tuple(leaf["shape"])
    if len(blob) != dtype.itemsize * int(np.prod(shape, dtype=np.int64)):
        return None
    data = jax.device_put(np.frombuffer(blob, dtype).reshape(shape), may_alias=False)
    value = jax.random.wrap_key_data(data, impl=leaf["key_impl"]) if leaf.get("key_impl") else data
    return value if value.shape == aval.shape and value.dtype == aval.dtype else None


def _made_up(aval: Any, index: int, generator: np.random.Generator) -> Any:
    dtype = getattr(aval, "dtype", None)
    if dtype is None or not hasattr(aval, "shape"):
        raise ValueError(f"input {index} is {aval}, which is no array")
    if jax.dtypes.issubdtype(dtype, jax.dtypes.prng_key):
        seed = jax.random.key(SEED, impl=compat.key_implementation(dtype))
        return jax.random.split(seed, aval.shape) if aval.shape else seed
    return jax.device_put(synthetic(Tensor(tuple(aval.shape), np.dtype(dtype)), generator), may_alias=False)
