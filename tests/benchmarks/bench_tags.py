"""What tagged equations cost a module of many equal layers, and the untagged module beside it.

48 calls of one jitted block, forward and with its gradient: time of lowering (medians of pairs), size of the StableHLO.
Tags that spelled whole paths would need a function for each call.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax._src import pjit

from xlascope.engine import compat
from xlascope.engine.core import tags

LAYERS, PAIRS = 48, 15


@jax.jit
def block(weights: Any, x: Any) -> Any:
    hidden = jax.nn.gelu(x @ weights["up"]) @ weights["down"]
    centred = hidden - hidden.mean(-1, keepdims=True)
    return x + centred / jnp.sqrt(hidden.var(-1, keepdims=True) + 1e-5)


def layers(weights: Any, x: Any) -> Any:
    for each in weights:
        x = block(each, x)
    return x


def loss(weights: Any, x: Any) -> Any:
    return layers(weights, x).sum()


def lowered(traced: Any, change: Callable[[Any], Any]) -> tuple[float, Any]:
    """Seconds that JAX took to lower a changed jaxpr, nothing cached, and the module."""
    original = pjit._resolve_and_lower

    def lower(*args: Any, **params: Any) -> Any:
        if "jaxpr" in params:
            return original(*args, **{**params, "jaxpr": change(params["jaxpr"])})
        values, jaxpr, *rest = args
        return original(values, change(jaxpr), *rest, **params)

    jax.clear_caches()
    pjit._resolve_and_lower = lower
    begin = time.perf_counter()
    try:
        found = traced.lower()
    finally:
        pjit._resolve_and_lower = original
    return time.perf_counter() - begin, compat.computation_module(found._lowering)


def main() -> None:
    weights = [{"up": jnp.ones((32, 64)), "down": jnp.ones((64, 32))} for _ in range(LAYERS)]
    x = jnp.ones((8, 32))
    print(f"jax {jax.__version__}: {LAYERS} calls of one block, {PAIRS} pairs")
    for name, function in (("forward", layers), ("gradient", jax.grad(loss))):
        traced = jax.jit(function).trace(weights, x)
        plain, tagged = [], []
        for _ in range(PAIRS):
            seconds, module = lowered(traced, lambda jaxpr: jaxpr)
            plain.append(seconds)
            sizes = len(compat.module_text(module)), len(compat.portable_bytecode(module))
            seconds, module = lowered(traced, tags.tag)
            tagged.append(seconds)
            with_tags = len(compat.module_text(module)), len(compat.portable_bytecode(module))
        ratio = statistics.median(b / a for a, b in zip(plain, tagged, strict=True))
        print(
            f"  {name}: lowering {1000 * statistics.median(plain):.1f} ms, tagged x {ratio:.2f}; "
            f"text {sizes[0]:,} bytes, tagged x {with_tags[0] / sizes[0]:.2f}; "
            f"bytecode with locations {sizes[1]:,} bytes, tagged x {with_tags[1] / sizes[1]:.2f}"
        )


if __name__ == "__main__":
    main()
