# env: JAX_PLATFORMS=nonsense
# captured: none
import jax

print(jax.__name__)
jax.numpy.ones(3)
