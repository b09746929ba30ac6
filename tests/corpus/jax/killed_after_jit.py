# captured: f
import os
import signal

import jax


@jax.jit
def f(x):
    return x + 1


print(f(1), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
