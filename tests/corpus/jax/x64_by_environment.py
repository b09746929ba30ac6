# captured: f
import os

os.environ["JAX_ENABLE_X64"] = "1"

import jax  # noqa: E402


@jax.jit
def f(x):
    return x / 3


print(f(1.0), f(1.0).dtype, jax.config.jax_enable_x64)
