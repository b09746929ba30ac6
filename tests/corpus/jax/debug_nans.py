# captured: f
import jax
import jax.numpy as jnp

jax.config.update("jax_debug_nans", True)


@jax.jit
def f(x):
    return jnp.log(x)


print(f(1.0))
try:
    f(-1.0)
except FloatingPointError as error:
    print("caught", str(error).splitlines()[0])
