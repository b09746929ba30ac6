# captured: f
import jax


@jax.jit
def f(x):
    return x * 2


jax.profiler.start_trace("profile")
print(f(2.0))
