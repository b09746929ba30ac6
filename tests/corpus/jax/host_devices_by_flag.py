# captured: f
import os

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
from jax.sharding import NamedSharding, PartitionSpec  # noqa: E402


@jax.jit
def f(x, w):
    return (x @ w).sum(axis=0)


mesh = jax.make_mesh((8,), ("batch",), axis_types=(jax.sharding.AxisType.Auto,))
x = jax.device_put(jnp.ones((16, 4)), NamedSharding(mesh, PartitionSpec("batch")))
print(jax.device_count(), f(x, jnp.ones((4, 3))), x.sharding.spec, os.environ["XLA_FLAGS"])
