# captured: f, g
import functools

import jax
import jax.numpy as jnp


@functools.partial(jax.jit, static_argnums=(1, 2))
def f(x, n, mode):
    return x.reshape(n, -1).sum(axis=0 if mode == "rows" else 1)


@functools.partial(jax.jit, static_argnames=("size", "flag"))
def g(x, *, size, flag=False):
    return jnp.tile(x, size) if flag else x[:size]


x = jnp.arange(12.0)
print(f(x, 3, "rows"), f(x, 4, "columns"), f(x, 3, "rows"))
print(g(x, size=2), g(x, size=2, flag=True).shape)
try:
    g(x, size=[2])
except ValueError as error:
    print(type(error).__name__, str(error).split(".")[0])
