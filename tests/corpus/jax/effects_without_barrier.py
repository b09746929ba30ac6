# captured: f
import jax


@jax.jit
def f(x):
    jax.debug.print("printed at the end {}", x, ordered=True)
    return x


for i in range(3):
    f(i)
