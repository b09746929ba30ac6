# captured: f
# normalise: pid=\d+
import os

import jax


@jax.jit
def f(x):
    return x + 1


print(f(1), flush=True)
pid = os.fork()
if pid == 0:
    os.write(1, b"child\n")
    os._exit(3)
print("child gave", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(f(1.0))
