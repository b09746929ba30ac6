# captured: none
import jax.numpy as jnp

x = jnp.arange(12.0).reshape(3, 4)
for i in range(3):
    x = x + jnp.where(x > i, 1.0, 0.0)
print(x.sum(), jnp.linalg.norm(x))
