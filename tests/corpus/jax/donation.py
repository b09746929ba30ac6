# captured: update, update_named
import functools
import warnings

import jax
import jax.numpy as jnp

warnings.simplefilter("always")


@functools.partial(jax.jit, donate_argnums=0)
def update(state, x):
    return jax.tree.map(lambda s: s + x, state)


@functools.partial(jax.jit, donate_argnames="unused")
def update_named(x, *, unused):
    return x.sum()


state = {"a": jnp.zeros(4), "b": jnp.ones((2, 2))}
for i in range(5):
    old, state = state, update(state, float(i))
print(state, [leaf.is_deleted() for leaf in jax.tree.leaves(old)])
print(update_named(jnp.ones(3), unused=jnp.ones(7)))
try:
    print(old["a"] + 1)
except RuntimeError as error:
    print(error)
