"""The four transformations of a first hour with JAX, on small data: jit, grad, vmap and pmap.

One function, a small network's prediction, is compiled, differentiated, vectorised over examples and run on every
device there is. Each form is a program of its own: compare their jaxprs and their graphs.
"""

import argparse

import jax
import jax.numpy as jnp

FEATURES, HIDDEN, EXAMPLES = 32, 64, 256


def predict(parameters, features):
    """The network's output for ONE example: f32[FEATURES] → f32[]."""
    hidden = jnp.tanh(features @ parameters["w1"] + parameters["b1"])
    return hidden @ parameters["w2"]


def squared_error(parameters, features, target):
    return (predict(parameters, features) - target) ** 2


@jax.jit
def predict_one(parameters, features):
    """jit: one example."""
    return predict(parameters, features)


@jax.jit
def gradient_one(parameters, features, target):
    """grad: the derivative by every parameter, one example."""
    return jax.grad(squared_error)(parameters, features, target)


@jax.jit
def predict_batch(parameters, features):
    """vmap: the same function over a batch, no loop."""
    return jax.vmap(predict, in_axes=(None, 0))(parameters, features)


@jax.jit
def fit(parameters, features, targets):
    """All of them together: a gradient for each example, averaged."""
    per_example = jax.vmap(jax.grad(squared_error), in_axes=(None, 0, 0))(parameters, features, targets)
    return jax.tree.map(lambda value, slope: value - 0.01 * slope.mean(axis=0), parameters, per_example)


def error_on_device(parameters, features, targets):
    """pmap: each device takes its part of the batch; the mean is taken over all of them."""
    errors = jax.vmap(squared_error, in_axes=(None, 0, 0))(parameters, features, targets)
    return jax.lax.pmean(errors.mean(), axis_name="devices")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=48000, help="rounds (default: %(default)s)")
    steps = parser.parse_args().steps

    devices = jax.local_device_count()
    error_everywhere = jax.pmap(error_on_device, axis_name="devices", in_axes=(None, 0, 0))

    keys = jax.random.split(jax.random.key(0), 3)
    parameters = {
        "w1": 0.3 * jax.random.normal(keys[0], (FEATURES, HIDDEN)),
        "b1": jnp.zeros(HIDDEN),
        "w2": 0.3 * jax.random.normal(keys[1], (HIDDEN,)),
    }
    features = jax.random.normal(keys[2], (EXAMPLES - EXAMPLES % devices, FEATURES))
    targets = jnp.sin(3 * features[:, 0]) * features[:, 1]
    by_device = features.reshape(devices, -1, FEATURES), targets.reshape(devices, -1)

    for step in range(steps):
        parameters = fit(parameters, features, targets)
        if step % 20 == 0:
            predict_one(parameters, features[0])
            gradient_one(parameters, features[0], targets[0])
            predict_batch(parameters, features).block_until_ready()
        if step % 4000 == 0:
            error = error_everywhere(parameters, *by_device)[0]
            print(f"step {step:5d}  error {float(error):.2e}  devices {devices}", flush=True)
    jax.block_until_ready(parameters)
    print(f"done  {steps} steps")


if __name__ == "__main__":
    main()
