# captured: f
import collections

import jax
import jax.monitoring
import jax.numpy as jnp

counts = collections.Counter()
jax.monitoring.register_event_duration_secs_listener(lambda name, duration, **more: counts.update([name]))


@jax.jit
def f(x):
    return jnp.sin(x)


for n in (1, 2, 2, 3):
    f(jnp.zeros(n))
f.lower(jnp.zeros(5)).compile()
print(sorted(counts.items()))
