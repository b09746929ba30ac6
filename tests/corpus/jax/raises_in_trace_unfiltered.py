# env: JAX_TRACEBACK_FILTERING=off
# captured: none
import jax


@jax.jit
def bad(x):
    raise LookupError("while tracing")


bad(1.0)
