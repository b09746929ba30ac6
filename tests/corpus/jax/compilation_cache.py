# captured: f
import os

import jax

jax.config.update("jax_compilation_cache_dir", os.path.abspath("cache"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


@jax.jit
def f(x):
    return x * 2 + 1


print(f(1.0))
jax.clear_caches()
print(f(1.0))
print(sorted(name.split("-")[0] for name in os.listdir("cache")))
