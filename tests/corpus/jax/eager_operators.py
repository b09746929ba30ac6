# captured: none
"""Operators and functions of JAX's that are jitted inside JAX are eager to a script that only calls them."""

import jax.numpy as jnp

x = jnp.arange(4.0)
print(-x, +x, abs(x), x + x, x @ x, x**2, x % 2, x // 2, x > 1, ~(x > 1), round(x))
print(jnp.negative(x), jnp.sin(x), jnp.square(x), jnp.linalg.norm(x), jnp.clip(x, 0, 1), x.std(), x.argsort())
