# env: JAX_DISABLE_JIT=1
# captured: none
import jax


@jax.jit
def f(x):
    print("python runs")
    return x + 1


print(f(1), f(2))
