"""A training loop that times itself: prints one JSON object with the seconds of its steady state and of all of it."""

import argparse
import contextlib
import json
import time

STARTED = time.perf_counter()

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402


def loss(weights, x, y):
    for w in weights[:-1]:
        x = jnp.tanh(x @ w)
    return jnp.mean((x @ weights[-1] - y) ** 2)


@jax.jit
def train_step(weights, x, y):
    value, gradient = jax.value_and_grad(loss)(weights, x, y)
    return [w - 0.01 * g for w, g in zip(weights, gradient, strict=True)], value


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True, help="how long the loop would take; sets the steps")
    parser.add_argument("--steps", type=int, help="this many instead")
    parser.add_argument("--trace", help="profile the loop by jax.profiler.trace into this folder")
    options = parser.parse_args()

    keys = jax.random.split(jax.random.key(0), 5)
    weights = [jax.random.normal(key, (options.width, options.width)) * options.width**-0.5 for key in keys[:3]]
    x, y = (jax.random.normal(key, (64, options.width)) for key in keys[3:])
    times = []
    with jax.profiler.trace(options.trace) if options.trace else contextlib.nullcontext():
        steps, step = options.steps, 0
        while steps is None or step < steps:
            begin = time.perf_counter()
            weights, value = train_step(weights, x, y)
            value.block_until_ready()
            times.append(time.perf_counter() - begin)
            step += 1
            if steps is None and step == 50:
                steps = max(100, int(options.seconds / sorted(times)[25]))
    steady = times[len(times) // 5 :]
    print(json.dumps({"steps": steps, "steady": sum(steady) / len(steady), "all": time.perf_counter() - STARTED}))


if __name__ == "__main__":
    main()
