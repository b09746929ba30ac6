# captured: f
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp


class Pair(NamedTuple):
    left: jax.Array
    right: jax.Array


@dataclass
class Box:
    value: jax.Array
    name: str = "box"


jax.tree_util.register_dataclass(Box, data_fields=["value"], meta_fields=["name"])


@jax.jit
def f(pair, *rest, box, **more):
    return Pair(pair.left + rest[0], box.value), Box(more["extra"] * 2, box.name), None


print(f(Pair(jnp.ones(2), 1.0), 2, (), box=Box(jnp.zeros(1), "named"), extra=3))
