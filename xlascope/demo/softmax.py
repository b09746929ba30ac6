"""Attention-like scores, softmax(x @ w), called in a loop, and a small training step beside them.

`scores` is called with batches of 128 rows; now and then a last batch has 64, which is a second signature and so a
second program. `train_step`, each thirtieth time, is a gradient step on the same weights.
"""

import argparse

import jax
import jax.numpy as jnp

ROWS, FEATURES, CLASSES = 128, 256, 64


@jax.jit
def scores(x, w):
    logits = x @ w
    return jax.nn.softmax(logits, axis=-1)


def loss(w, x, labels):
    log_probabilities = jax.nn.log_softmax(x @ w, axis=-1)
    picked = jnp.take_along_axis(log_probabilities, labels[:, None], axis=-1)
    return -picked.mean()


@jax.jit
def train_step(w, x, labels):
    value, gradient = jax.value_and_grad(loss)(w, x, labels)
    return w - 0.3 * gradient, value


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=90000, help="calls of scores (default: %(default)s)")
    steps = parser.parse_args().steps

    x_key, w_key, label_key = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(x_key, (ROWS, FEATURES))
    last_batch = x[: ROWS // 2]
    w = 0.01 * jax.random.normal(w_key, (FEATURES, CLASSES))
    labels = jax.random.randint(label_key, (ROWS,), 0, CLASSES)

    value = jnp.float32(0)
    for step in range(steps):
        if step % 30 == 0:
            w, value = train_step(w, x, labels)
        probabilities = scores(x, w)
        if step % 3000 == 0:
            scores(last_batch, w)
            print(f"step {step:5d}  loss {float(value):.4f}  surest {float(probabilities.max()):.3f}", flush=True)
    print(f"done  {steps} steps  loss {float(value):.4f}")


if __name__ == "__main__":
    main()
