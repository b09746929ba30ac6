# captured: power, <lambda>, make.<locals>.<lambda>
import functools

import jax
import jax.numpy as jnp


def power(n, x):
    return x**n


def make(n):
    return jax.jit(lambda x: x + n)


cube = jax.jit(functools.partial(power, 3))
twice = jax.jit(lambda x: 2 * x)
print(cube(jnp.arange(3.0)), twice(jnp.arange(3.0)))
print(make(1)(1.0))
