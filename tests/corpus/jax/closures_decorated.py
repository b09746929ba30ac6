# captured: body, close.<locals>.inner
import functools

import jax
import jax.numpy as jnp


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        result = function(*args, **kwargs)
        print(function.__name__, "done")
        return result

    return wrapper


@logged
@jax.jit
@logged
def body(x):
    return x * table.sum()


def close(offset):
    @jax.jit
    def inner(x):
        return x + offset

    return inner


table = jnp.arange(10.0)
for _ in range(3):
    print(body(2.0))
print(close(jnp.ones(3))(1.0))
