# captured: f
# normalise: \d+\.\d+|\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d,\d+|0x[0-9a-f]+
import logging

import jax

logging.basicConfig(level=logging.DEBUG, format="%(name)s %(message).100s")
for name in ("jax._src.dispatch", "jax._src.interpreters.pxla"):
    logging.getLogger(name).setLevel(logging.DEBUG)


@jax.jit
def f(x):
    return x * 2


print(f(1.0))
