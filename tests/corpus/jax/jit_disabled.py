# captured: g
import jax
import jax.numpy as jnp


@jax.jit
def f(x):
    print("python runs", type(x).__name__)
    return x + 1


@jax.jit
def g(x):
    return x * 2


with jax.disable_jit():
    print(f(jnp.ones(2)))
    print(jax.lax.fori_loop(0, 3, lambda i, v: v + i, 0))
print(g(jnp.ones(2)))
