# captured: inner, outer
import jax


@jax.jit
def inner(x):
    return x * 2


@jax.jit
def outer(x):
    return inner(x) + 1


print(outer(1.0), inner(1.0), outer(2.0))
