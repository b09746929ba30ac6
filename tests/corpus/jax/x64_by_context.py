# captured: f
import jax
import jax.numpy as jnp


@jax.jit
def f(x):
    return jnp.sqrt(x)


print(f(jnp.ones(2)).dtype)
with jax.enable_x64(True):
    print(f(jnp.ones(2)).dtype)
print(f(2).dtype)
