# captured: none
import jax

jax.profiler.start_trace("profile")
try:
    jax.profiler.start_trace("other")
except Exception as error:
    print(type(error).__name__, error)
jax.profiler.stop_trace()
print("stopped")
