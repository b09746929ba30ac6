# env: XLA_FLAGS=--xla_force_host_platform_device_count=4
# captured: f, g
import functools

import jax
import jax.numpy as jnp


def f(x):
    return x / jax.lax.psum(x, "i")


@functools.partial(jax.pmap, in_axes=(0, None), static_broadcasted_argnums=2)
def g(x, y, n):
    return x * y + n


print(jax.pmap(f, axis_name="i")(jnp.arange(1.0, 5.0)))
for _ in range(3):
    result = g(jnp.arange(4.0), 2.0, 5)
print(result)
