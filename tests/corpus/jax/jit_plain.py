# captured: f, outer.<locals>.g
import jax
import jax.numpy as jnp


@jax.jit
def f(x):
    return jnp.sin(x) @ x.T


def outer():
    @jax.jit
    def g(x):
        return x * 2

    return g


for n in (2, 3):
    print(f(jnp.ones((n, n))).sum())
for _ in range(50):
    f(jnp.ones((3, 3)))
print(outer()(jnp.arange(3)), f._cache_size())
