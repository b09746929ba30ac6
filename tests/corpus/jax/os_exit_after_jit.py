# captured: f
import os

import jax


@jax.jit
def f(x):
    return x + 1


print(f(1), flush=True)
os._exit(7)
