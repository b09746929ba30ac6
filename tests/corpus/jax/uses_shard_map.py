# env: XLA_FLAGS=--xla_force_host_platform_device_count=8
# captured: total
import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec as P

mesh = jax.make_mesh((4, 2), ("x", "y"), axis_types=(jax.sharding.AxisType.Auto,) * 2)


@jax.jit
def total(a):
    def body(block):
        return jax.lax.psum(block.sum(), ("x", "y"))

    return jax.shard_map(body, mesh=mesh, in_specs=P("x", "y"), out_specs=P())(a)


print(total(jnp.arange(64.0).reshape(8, 8)))
