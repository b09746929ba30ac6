# captured: solve, multiply
import jax
import jax.numpy as jnp
from jax.experimental import sparse


@jax.jit
def solve(a, b):
    return jnp.linalg.solve(a, b)


@jax.jit
def multiply(m, v):
    return m @ v


print(solve(jnp.eye(3) * 2, jnp.ones(3)))
print(multiply(sparse.BCOO.fromdense(jnp.eye(3)), jnp.arange(3.0)))
