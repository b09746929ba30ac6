# captured: f
import functools
import gc

import jax
import jax.numpy as jnp


@functools.partial(jax.jit, donate_argnums=0)
def f(x, y):
    return x + y


x = f(jnp.ones(1000), jnp.ones(1000))
for _ in range(3):
    x = f(x, x * 2)
gc.collect()
print([array.shape for array in jax.live_arrays()], f._cache_size())
