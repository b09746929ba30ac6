# captured: total
"""JAX warns of donation at each lowering; the filters forget what was shown, or make errors of it, before the end."""

import sys
import warnings
from functools import partial

import jax
import jax.numpy as jnp


@partial(jax.jit, donate_argnames=("state",))
def total(state):
    return state.sum()


print(total(jnp.ones(7)))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    total(jnp.ones((7, 2)))
print([(each.category.__name__, str(each.message).splitlines()[0]) for each in caught])
print(len(warnings.filters), [each for each in warnings.filters if each[2].__module__ not in {"builtins", "jax"}])
warnings.simplefilter("error")
try:
    total(jnp.ones((7, 3)))
except UserWarning as error:
    print("raised", str(error).splitlines()[0])
warnings.simplefilter("always")
print(file=sys.stderr)
