# captured: f
import jax
import jax.numpy as jnp


@jax.jit
def f(x):
    return x.sum()


print(f(jnp.ones((5000, 5000))))
