# captured: here
import subprocess
import sys

import jax


@jax.jit
def here(x):
    return x + 1


if len(sys.argv) > 1:
    print("child", here(10), flush=True)
else:
    print("parent", here(1), flush=True)
    print(subprocess.run([sys.executable, __file__, "child"], check=False).returncode)
