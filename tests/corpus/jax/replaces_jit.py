# captured: f
import functools

import jax

original = jax.jit
calls = []


@functools.wraps(original)
def counting_jit(function, **options):
    calls.append(function.__name__)
    return original(function, **options)


jax.jit = counting_jit


@jax.jit
def f(x):
    return x + 1


print(f(1), calls)
