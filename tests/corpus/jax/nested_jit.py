# captured: outer
import jax


@jax.jit
def inner(x):
    return x * 2


@jax.jit
def outer(x):
    return inner(x) + inner(x + 1)


for _ in range(3):
    print(outer(1.0))
