"""Writes a profile as `jax.profiler.trace` does, and the StableHLO of one function: python foreign_script.py FOLDER."""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp

FOLDER = Path(sys.argv[1])


@jax.jit
def norm(x):
    return x / jnp.sqrt(jnp.sum(x * x, axis=-1, keepdims=True))


def loss(w, x):
    def body(carry, _):
        return jnp.tanh(carry @ w) + 0.1, ()

    out, _ = jax.lax.scan(body, x, None, length=5)
    return jnp.sum(out * out)


w, x = jnp.ones((64, 64)), jnp.ones((32, 64))
step = jax.jit(jax.grad(loss))


def once():
    jax.block_until_ready((step(w, x), norm(x), norm(w)))


once()
with jax.profiler.trace(FOLDER / "profile"):
    for _ in range(3):
        once()
(FOLDER / "norm.mlir").write_text(norm.lower(x).as_text())
