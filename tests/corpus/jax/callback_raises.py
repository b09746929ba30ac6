# captured: f
import jax
import jax.numpy as jnp


@jax.jit
def f(x):
    return jax.pure_callback(fails, jax.ShapeDtypeStruct(x.shape, x.dtype), x)


def fails(value):
    raise ValueError("in a callback")


try:
    f(jnp.ones(2)).block_until_ready()
except Exception as error:
    print(type(error).__name__, "in a callback" in str(error))
