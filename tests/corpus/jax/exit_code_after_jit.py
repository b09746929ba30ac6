# captured: f
import atexit
import sys

import jax


@jax.jit
def f(x):
    return x + 1


atexit.register(lambda: print("at exit", f(10.0)))
print(f(1))
sys.exit(3)
