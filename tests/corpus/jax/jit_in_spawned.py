# captured: here
import multiprocessing

import jax


@jax.jit
def here(x):
    return x + 1


def child(n):
    return int(here(n))


if __name__ == "__main__":
    print(here(1))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(child, [1, 2]))
