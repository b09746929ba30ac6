# captured: f
import jax


@jax.jit
def f(x):
    return x * 3


for _ in range(3):
    print(f(2.0), f._cache_size())
    jax.clear_caches()
print(f._cache_size())
f.clear_cache()
