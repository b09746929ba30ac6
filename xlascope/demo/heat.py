"""Heat spreading over a plate: a PDE stepped inside `scan`, 100 time steps in one compiled call.

The plate is hot along one edge. `advance` is the whole loop as one program; `one_step` is the same step compiled
alone and called from Python, to compare what a loop in XLA saves.
"""

import argparse

import jax
import jax.numpy as jnp

SIZE, STEPS_PER_CALL, RATE = 256, 100, 0.2


def laplacian(u):
    padded = jnp.pad(u, 1, mode="edge")
    return padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:] - 4 * u


def heat_step(u):
    return (u + RATE * laplacian(u)).at[0].set(1.0)


@jax.jit
def advance(u):
    def body(u, _):
        u = heat_step(u)
        return u, u.mean()

    return jax.lax.scan(body, u, length=STEPS_PER_CALL)


@jax.jit
def one_step(u):
    return heat_step(u)


def picture(u, columns=32):
    """One line of text: the temperature down the middle of the plate."""
    shades = " .:-=+*#%@"
    line = u[:, SIZE // 2].reshape(columns, -1).mean(axis=1)
    return "".join(shades[min(int(value * len(shades)), len(shades) - 1)] for value in line.tolist())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1000, help="calls of 100 time steps each (default: %(default)s)")
    steps = parser.parse_args().steps

    u = jnp.zeros((SIZE, SIZE)).at[0].set(1.0)
    for step in range(steps):
        u, means = advance(u)
        if step % 100 == 0:
            print(f"t {step * STEPS_PER_CALL:6d}  mean {float(means[-1]):.4f}  |{picture(u)}|", flush=True)
            for _ in range(STEPS_PER_CALL):
                u = one_step(u)
    u.block_until_ready()
    print(f"done  {steps} calls")


if __name__ == "__main__":
    main()
