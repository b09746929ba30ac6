# captured: loops, choose, scan
import jax
import jax.numpy as jnp
from jax import lax


@jax.jit
def loops(x):
    x, trail = lax.scan(lambda c, i: (c * 0.9 + i, c.sum()), x, jnp.arange(5.0))
    x = lax.fori_loop(0, 7, lambda i, v: v + i, x)
    return lax.while_loop(lambda v: v.sum() < 1000, lambda v: v * 2, x), trail


@jax.jit
def choose(x, n):
    y = lax.cond(n > 1, lambda v: v + 1, lambda v: v - 1, x)
    return lax.switch(n, [jnp.sin, jnp.cos, jnp.tanh], y)


print(loops(jnp.ones(3)))
print(choose(jnp.ones(2), 0), choose(jnp.ones(2), 2))
print(lax.scan(lambda c, i: (c + i, None), 0, jnp.arange(4))[0])
