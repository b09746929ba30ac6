"""Scripts that are recorded for the tests; each writes what is true of its run to the path in its first argument."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Recorded:
    """A recorded script, and what it said of itself."""

    path: Path
    script: Path
    facts: dict[str, Any]


ONE_DEVICE = '''
import json, sys
import jax, jax.numpy as jnp

@jax.jit
def scores(x, w):
    logits = x @ w
    return jax.nn.softmax(logits, axis=-1)

@jax.jit
def loop(c):
    def body(c, _):
        return jnp.tanh(c @ c) + 1.0, c.var()
    return jax.lax.scan(body, c, None, length=40)

step = jax.jit(lambda a: a * 2 + 1)

x, w, c = jnp.ones((128, 256)), jnp.ones((256, 64)), jnp.ones((128, 128))
for _ in range(23):
    jax.block_until_ready(scores(x, w))
for _ in range(7):
    jax.block_until_ready(scores(x[:64], w))
for _ in range(11):
    jax.block_until_ready(loop(c))
a = jnp.ones(5)
for _ in range(3):
    a = step(a)
print("done", float(a.sum()), flush=True)
print("to stderr", file=sys.stderr, flush=True)

def count(jaxpr):
    inner = [p for e in jaxpr.eqns for v in e.params.values() for p in (v if isinstance(v, (tuple, list)) else (v,))]
    jaxprs = [getattr(p, "jaxpr", p) for p in inner if hasattr(p, "eqns") or hasattr(p, "jaxpr")]
    return len(jaxpr.eqns) + sum(count(j) for j in jaxprs)

facts = {}
for name, function, args in (("scores#1", scores, (x, w)), ("scores#2", scores, (x[:64], w)), ("loop#1", loop, (c,))):
    facts[name] = {"equations": count(function.trace(*args).jaxpr.jaxpr),
                   "jaxpr": str(function.trace(*args).jaxpr),
                   "optimized": function.lower(*args).compile().as_text()}
with open(sys.argv[1], "w") as file:
    json.dump(facts, file)
'''

EIGHT_DEVICES = '''
import json, sys
import jax, jax.numpy as jnp, numpy as np
jax.config.update("jax_num_cpu_devices", 8)
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P

mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(AxisType.Auto, AxisType.Auto))

@jax.jit
def train(w, x):
    def loss(w):
        return jnp.mean(jnp.tanh(x @ w) ** 2)
    return w - 0.1 * jax.grad(loss)(w)

w = jax.device_put(jnp.ones((256, 128)), NamedSharding(mesh, P(None, "model")))
x = jax.device_put(jnp.ones((512, 256)), NamedSharding(mesh, P("data", None)))
for _ in range(9):
    w = jax.block_until_ready(train(w, x))
with open(sys.argv[1], "w") as file:
    json.dump({"train#1": {"optimized": train.lower(w, x).compile().as_text()}}, file)
'''
