"""Runs loops that take seconds, of large values and of small ones, and prints what memory each left and its peak (JSON)."""

import json

import jax
import jax.numpy as jnp


def memory_mb(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1000 for line in status if line.startswith(name))


told = []
for size, count in ((500, 400), (100, 30_000), (30, 200_000)):
    loop = jax.jit(lambda x, count=count: jax.lax.fori_loop(0, count, lambda _, y: jnp.sin(y @ y), x))
    x = jnp.ones((size, size))
    for _ in range(3):
        loop(x).block_until_ready()
    told += [round(memory_mb("VmRSS"), 1), round(memory_mb("VmHWM"), 1)]
print(json.dumps(told))
