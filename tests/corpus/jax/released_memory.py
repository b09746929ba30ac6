"""What the script drops is dropped: nobody else keeps arguments or results alive."""

# captured: f
import gc
import weakref

import jax
import jax.numpy as jnp


@jax.jit
def f(x):
    return x * 2


x = jnp.ones(10)
y = f(x)
references = weakref.ref(x), weakref.ref(y)
del x, y
gc.collect()
print([reference() is None for reference in references])
