# captured: f
import jax
import jax.numpy as jnp
import numpy as np


@jax.jit
def f(x):
    return x + 1


for value in (1, 1.0, 1j, True, np.float32(2), np.arange(3), np.zeros((0, 4)), jnp.bfloat16(3), np.int8(4)):
    result = f(value)
    print(result, result.dtype, result.weak_type)
