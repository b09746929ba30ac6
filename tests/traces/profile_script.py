"""Run as a script: profiles real JAX programs on N CPU devices; writes the profile and what was called, as facts.

usage: profile_script.py DEVICES PROFILE FACTS
"""

import json
import sys
import threading

import jax
import jax.numpy as jnp
import numpy as np
from jax._src.lib import _profiler
from jax.sharding import Mesh, NamedSharding, PartitionSpec

STEPS = 4
DIM = 128


def loss(weights, x, y):
    def layer(carry, w):
        return jnp.tanh(carry @ w), None

    out, _ = jax.lax.scan(layer, x, weights)
    return jnp.mean((out - y) ** 2)


@jax.jit
def train(weights, x, y):
    value, grad = jax.value_and_grad(loss)(weights, x, y)
    return weights - 0.1 * grad, value


def same_name(power):
    def step(x):
        return jnp.sum(jnp.sin(x) ** power, axis=0) @ x.T

    return jax.jit(step)


@jax.jit
def nested(x):
    def outer(carry, _):
        def inner(value, _):
            return jnp.cos(value @ value), value.sum()

        value, sums = jax.lax.scan(inner, carry, None, length=3)
        return jnp.where(sums.sum() > 0, value, -value), sums

    return jax.lax.scan(outer, x, None, length=2)


def program_id(function, *args):
    """Field 5 (`id`) of the executable's HloModuleProto, found by a walk of its top-level fields."""
    executable = function.trace(*args).lower().compile().runtime_executable()
    data = executable.hlo_modules()[0].as_serialized_hlo_module_proto()
    pos = 0

    def varint():
        nonlocal pos
        value = shift = 0
        while True:
            byte = data[pos]
            pos += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while pos < len(data):
        tag = varint()
        if tag & 7 == 0:
            value = varint()
            if tag >> 3 == 5:
                return value
        elif tag & 7 == 2:
            size = varint()
            pos += size
        else:
            pos += 8 if tag & 7 == 1 else 4
    raise ValueError("the module has no id")


def main():
    devices, profile_path, facts_path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    jax.config.update("jax_num_cpu_devices", devices)
    weights = jnp.full((4, DIM, DIM), 0.01)
    x, y = jnp.ones((256, DIM)), jnp.ones((256, DIM))
    small = jnp.ones((64, 64)) * 0.01
    if devices > 1:
        mesh = Mesh(np.array(jax.devices()), ("batch",))
        split, whole = NamedSharding(mesh, PartitionSpec("batch")), NamedSharding(mesh, PartitionSpec())
        x, y, weights = jax.device_put(x, split), jax.device_put(y, split), jax.device_put(weights, whole)
    steps = [same_name(power) for power in (2, 3, 4, 5)]
    calls = {}

    def call(function, *args, times=1):
        key = program_id(function, *args)
        for _ in range(times):
            jax.block_until_ready(function(*args))
        calls[key] = calls.get(key, 0) + times

    work = [(train, (weights, x, y), STEPS), (nested, (small,), 2)]
    work += [(step, (small,), i + 1) for i, step in enumerate(steps)]
    for function, args, _ in work:
        jax.block_until_ready(function(*args))
        program_id(function, *args)
    session = _profiler.ProfilerSession(_profiler.ProfileOptions())
    for function, args, times in work:
        call(function, *args, times=times)
    thread = threading.Thread(target=call, args=(steps[0], small), kwargs={"times": 3})
    thread.start()
    thread.join()
    data = session.stop()
    with open(profile_path, "wb") as file:
        file.write(data)
    train_id = program_id(train, weights, x, y)
    with open(facts_path, "w") as file:
        json.dump({"devices": devices, "train": train_id, "calls": {str(k): v for k, v in calls.items()}}, file)


if __name__ == "__main__":
    main()
