# captured: before
import os

import jax


@jax.jit
def before(x):
    return x * 2


@jax.jit
def after(x):
    return x - 1


print(float(before(4.0)), flush=True)
os.closerange(3, 4096)
print(float(after(4.0)), flush=True)
files = [open(f"mine{number}", "w+") for number in range(40)]  # by the numbers that were closed
print(float(jax.jit(lambda x: x * 5)(1.0)), flush=True)
print(float(before(5.0)), flush=True)
jax.clear_caches()
print(float(before(6.0)), flush=True)
for file in files:
    file.write("whole")
    file.seek(0)
    print(file.read(), end=" ")
