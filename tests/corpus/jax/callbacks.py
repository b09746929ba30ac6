# captured: f, g, h, k
import jax
import jax.experimental
import jax.numpy as jnp
import numpy as np


@jax.jit
def f(x):
    return jax.pure_callback(lambda v: np.asarray(v) * 2, jax.ShapeDtypeStruct(x.shape, x.dtype), x) + 1


@jax.jit
def g(x):
    jax.debug.print("value {x}", x=x)
    return x + 1


@jax.jit
def h(x):
    jax.experimental.io_callback(lambda v: print("ordered", v), None, x, ordered=True)
    return x * 2


@jax.jit
def k(x):
    jax.debug.callback(lambda v: print("callback", v), x, ordered=True)
    return x - 1


for i in range(4):
    print(f(jnp.ones(2) * i))
    g(i).block_until_ready()
    jax.effects_barrier()
    h(i).block_until_ready()
    jax.effects_barrier()
    k(i)
    jax.effects_barrier()
