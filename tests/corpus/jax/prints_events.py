# captured: f
import atexit

import jax
import jax.monitoring

events = []
jax.monitoring.register_event_duration_secs_listener(lambda name, seconds, **more: events.append(name))
jax.monitoring.register_event_duration_secs_listener(
    lambda name, seconds, **more: print(name.rsplit("/", 1)[1]) if "compile" in name else None
)
atexit.register(lambda: print("compiles at exit:", sum("backend_compile" in name for name in events)))


@jax.jit
def f(x):
    return x * 2


print(f(1.0))
