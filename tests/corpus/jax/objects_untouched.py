# captured: plain
import inspect
import pickle

import jax


def plain(x):
    return x + 1


f = jax.jit(plain)
print(type(f).__module__, type(f).__name__, type(jax.jit).__name__, jax.jit.__module__, f.__wrapped__ is plain)
print(inspect.signature(f), inspect.signature(jax.jit).parameters.keys() >= {"static_argnums"}, repr(f).split(" at ")[0])
try:
    pickle.dumps(f)
except Exception as error:
    print(type(error).__name__)
print(f(1))
