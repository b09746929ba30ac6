# captured: f
import glob

import jax


@jax.jit
def f(x):
    return x * 2


for number in range(2):
    jax.profiler.start_trace(f"profile{number}")
    with jax.profiler.TraceAnnotation("mine"), jax.profiler.StepTraceAnnotation("step", step_num=1):
        print(f(1.0 + number))
    jax.profiler.stop_trace()
print(len(glob.glob("profile*/**/*.xplane.pb", recursive=True)))
try:
    jax.profiler.stop_trace()
except RuntimeError as error:
    print(error)
