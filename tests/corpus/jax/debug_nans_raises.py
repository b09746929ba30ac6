# captured: f
# env: JAX_DEBUG_NANS=True
import jax
import jax.numpy as jnp


@jax.jit
def f(x):
    return jnp.log(x)


print(f(1.0))
f(-1.0)
