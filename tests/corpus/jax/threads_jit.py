# captured: f, g
import threading

import jax
import jax.numpy as jnp


@jax.jit
def f(x):
    return jnp.cos(x).sum()


@jax.jit
def g(x):
    return x * x


results = {}


def work(n):
    for _ in range(20):
        results[n] = float(f(jnp.arange(n, dtype=jnp.float32))) + float(g(float(n)))


threads = [threading.Thread(target=work, args=(n,)) for n in (3, 4, 5, 6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sorted(results.items()))
