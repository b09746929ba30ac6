# captured: safe_log
import jax
import jax.numpy as jnp
from jax.experimental import checkify


def safe_log(x):
    checkify.check(x > 0, "must be positive: {x}", x=x)
    return jnp.log(x)


f = jax.jit(checkify.checkify(safe_log))
error, value = f(1.0)
print(value)
error, value = f(-1.0)
print(error.get())
