"""A small transformer's training step in plain JAX, its state donated: new parameters take the old ones' memory.

The blocks run under `scan`, so the step's optimized HLO has a loop forward and a loop backward. The task is to predict
the next letter of a text that repeats itself.
"""

import argparse
import functools

import jax
import jax.numpy as jnp

VOCABULARY, WIDTH, HEADS, LAYERS, LENGTH, BATCH = 64, 64, 4, 3, 32, 8


def initial_state(key):
    """Parameters and Adam's two moments, as one tree."""
    names = {"query": WIDTH, "key": WIDTH, "value": WIDTH, "out": WIDTH, "up": 4 * WIDTH}
    keys = iter(jax.random.split(key, len(names) + 3))
    blocks = {name: jax.random.normal(next(keys), (LAYERS, WIDTH, n)) * WIDTH**-0.5 for name, n in names.items()}
    blocks["down"] = jax.random.normal(next(keys), (LAYERS, 4 * WIDTH, WIDTH)) * (4 * WIDTH) ** -0.5
    parameters = {
        "embedding": 0.1 * jax.random.normal(next(keys), (VOCABULARY, WIDTH)),
        "position": 0.1 * jax.random.normal(next(keys), (LENGTH, WIDTH)),
        "blocks": blocks,
    }
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    return {
        "parameters": parameters,
        "mean": zeros,
        "square": jax.tree.map(jnp.copy, zeros),
        "step": jnp.zeros((), jnp.int32),
    }


def normalise(x):
    return (x - x.mean(-1, keepdims=True)) * jax.lax.rsqrt(x.var(-1, keepdims=True) + 1e-5)


def attention(block, x):
    batch, length, _ = x.shape
    q, k, v = (
        (x @ block[name]).reshape(batch, length, HEADS, -1).transpose(0, 2, 1, 3) for name in ("query", "key", "value")
    )
    weights = q @ k.swapaxes(-1, -2) * (WIDTH // HEADS) ** -0.5
    weights = jnp.where(jnp.tril(jnp.ones((length, length), bool)), weights, -1e9)
    mixed = jax.nn.softmax(weights, axis=-1) @ v
    return mixed.transpose(0, 2, 1, 3).reshape(batch, length, WIDTH) @ block["out"]


def layer(x, block):
    x = x + attention(block, normalise(x))
    return x + jax.nn.gelu(normalise(x) @ block["up"]) @ block["down"], None


def loss(parameters, tokens):
    x = parameters["embedding"][tokens[:, :-1]] + parameters["position"]
    x, _ = jax.lax.scan(layer, x, parameters["blocks"])
    log_probabilities = jax.nn.log_softmax(normalise(x) @ parameters["embedding"].T)
    return -jnp.take_along_axis(log_probabilities, tokens[:, 1:, None], axis=-1).mean()


@functools.partial(jax.jit, donate_argnums=0)
def train_step(state, tokens):
    value, gradient = jax.value_and_grad(loss)(state["parameters"], tokens)
    step = state["step"] + 1
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, state["mean"], gradient)
    square = jax.tree.map(lambda s, g: 0.99 * s + 0.01 * g * g, state["square"], gradient)

    def update(p, m, s):
        return p - 0.003 * (m / (1 - 0.9**step)) / (jnp.sqrt(s / (1 - 0.99**step)) + 1e-8)

    parameters = jax.tree.map(update, state["parameters"], mean, square)
    return {"parameters": parameters, "mean": mean, "square": square, "step": step}, value


@jax.jit
def sample_batch(key):
    """Tokens i32[BATCH, LENGTH + 1]: arithmetic sequences, each with a step of its own."""
    start_key, stride_key = jax.random.split(key)
    start = jax.random.randint(start_key, (BATCH, 1), 0, VOCABULARY)
    stride = jax.random.randint(stride_key, (BATCH, 1), 1, 8)
    return (start + stride * jnp.arange(LENGTH + 1)) % VOCABULARY


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=300, help="training steps (default: %(default)s)")
    steps = parser.parse_args().steps

    key = jax.random.key(0)
    state = initial_state(jax.random.fold_in(key, 1))
    value = jnp.float32(0)
    for step in range(steps):
        state, value = train_step(state, sample_batch(jax.random.fold_in(key, step)))
        if step % 25 == 0:
            print(f"step {step:4d}  loss {float(value):.4f}", flush=True)
    print(f"done  {steps} steps  loss {float(value):.4f}")


if __name__ == "__main__":
    main()
