# captured: none
import jax

print(jax.numpy.float32.__name__)
