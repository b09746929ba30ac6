# env: JAX_LOG_COMPILES=1
# captured: f
# normalise: \d+\.\d+|\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d,\d+|0x[0-9a-f]+
import jax


@jax.jit
def f(x):
    return x * 2


print(f(1.0))
print(f(2))
