# env: JAX_EXPLAIN_CACHE_MISSES=1
# captured: f
# normalise: id=\d+|\d+\.\d+|\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d,\d+|0x[0-9a-f]+
import jax
import jax.numpy as jnp


@jax.jit
def f(x):
    return x * 2


print(f(jnp.ones(2)))
print(f(jnp.ones(3)))
