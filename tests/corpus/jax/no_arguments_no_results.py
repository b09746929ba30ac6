# captured: nothing, constant, empty
import jax
import jax.numpy as jnp


@jax.jit
def nothing():
    return None


@jax.jit
def constant():
    return jnp.ones(3), {}


@jax.jit
def empty(x):
    return ()


print(nothing(), constant(), empty(jnp.ones(2)))
