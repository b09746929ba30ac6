"""Five classic mistakes in one script. It runs, and it is slower than it looks: let xlascope say why.

Recompiles for each new shape, a Python loop of eager ops, a large captured constant, an unrolled loop and a jit that
is created anew in each round. The comment beside each says what to do instead.
"""

import argparse

import jax
import jax.numpy as jnp
import numpy as np

TABLE = jnp.asarray(np.linspace(0.0, 1.0, 1_000_000, dtype=np.float32).reshape(1000, 1000))


@jax.jit
def total_energy(x):
    """Called with a new length each time: each is traced and compiled again. Pad to a few lengths instead."""
    return jnp.sum(jnp.sin(x) ** 2)


def eager_norm(x):
    """Each op is dispatched on its own, from Python. Put `jax.jit` around the function instead."""
    total = jnp.float32(0)
    for i in range(16):
        total = total + jnp.abs(x[i]) * 0.5
    return total


@jax.jit
def look_up(x):
    """TABLE is 4 MB that become a constant of the program. Pass it as an argument instead."""
    return x @ TABLE


@jax.jit
def unrolled(x):
    """A Python loop inside jit is unrolled: 60 copies of its body to compile. Use `jax.lax.fori_loop` instead."""
    for i in range(60):
        x = jnp.tanh(x * 1.01 + i)
    return x


def recreated(x):
    """A new lambda is a new function: it is compiled each time. Create the jit once, outside, instead."""
    return jax.jit(lambda y: jnp.cumsum(y) / y.size)(x)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=30, help="rounds (default: %(default)s)")
    steps = parser.parse_args().steps

    x = jnp.linspace(0.0, 1.0, 1000)
    for step in range(steps):
        energy = total_energy(jnp.asarray(np.ones(100 + step, np.float32)))
        norm = eager_norm(x)
        for _ in range(20):
            found = look_up(x)
        deep = unrolled(x)
        running = recreated(x)
        if step % 5 == 0:
            values = (float(v) for v in (energy, norm, found[0], deep[0], running[-1]))
            print(f"round {step:3d}  " + "  ".join(f"{value:9.3f}" for value in values), flush=True)
    print(f"done  {steps} rounds")


if __name__ == "__main__":
    main()
