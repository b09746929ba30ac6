# captured: good
import jax
import jax.numpy as jnp


@jax.jit
def good(x):
    return x * 2


@jax.jit
def bad(x):
    if x > 0:
        return x
    return -x


print(good(jnp.ones(2)))
bad(jnp.ones(()))
