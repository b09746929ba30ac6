# captured: f
import jax


@jax.jit
def f(x):
    return x + 1


def main():
    value = f(1.0)
    raise ValueError(f"after {value}")


main()
