# captured: f
import jax

jax.config.update("jax_num_cpu_devices", 8)
print(jax.device_count())


@jax.jit
def f(x):
    return x.sum()


mesh = jax.make_mesh((4, 2), ("a", "b"), axis_types=(jax.sharding.AxisType.Auto,) * 2)
x = jax.device_put(jax.numpy.ones((8, 8)), jax.NamedSharding(mesh, jax.P("a", "b")))
print(f(x), len(x.addressable_shards))
