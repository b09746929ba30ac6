import jax
import jax.export
import jax.numpy as jnp


@jax.jit
def f(x):
    return jnp.cos(x) * 2


blob = jax.export.export(f)(jax.ShapeDtypeStruct((3,), jnp.float32)).serialize()
again = jax.export.deserialize(blob)
print(jax.jit(again.call)(jnp.zeros(3)), again.platforms)
