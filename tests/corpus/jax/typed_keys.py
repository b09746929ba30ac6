# captured: sample, split
import jax


@jax.jit
def sample(key):
    return jax.random.normal(key, (3,))


@jax.jit
def split(key):
    return jax.random.split(key)


key = jax.random.key(7)
print(sample(key), split(key).dtype, jax.random.key_data(split(key)))
print(sample(jax.random.key(7, impl="rbg")), sample(jax.random.PRNGKey(7)))
