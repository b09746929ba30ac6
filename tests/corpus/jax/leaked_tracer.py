# captured: f
# normalise: 0x[0-9a-f]+|traced\[\d+\]
import jax

kept = []


@jax.jit
def f(x):
    kept.append(x)
    return x


print(f(1.0))
kept[0] + 1
