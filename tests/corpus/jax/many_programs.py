# captured: f
import jax
import jax.numpy as jnp


@jax.jit
def f(x):
    return (x * 2).sum()


print(sum(float(f(jnp.ones(n))) for n in range(1, 40)))
