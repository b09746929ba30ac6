# captured: f
import jax
import jax.numpy as jnp
from jax.experimental import serialize_executable


@jax.jit
def f(x):
    return jnp.exp(x)


compiled = f.lower(jnp.ones(3)).compile()
loaded = serialize_executable.deserialize_and_load(*serialize_executable.serialize(compiled))
print(loaded(jnp.ones(3)))
