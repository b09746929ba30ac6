# stdin: "3\n"
# captured: f
# pty: also
n = int(input("how many? "))

import jax  # noqa: E402


@jax.jit
def f(x):
    return x * 2


print([float(f(float(i))) for i in range(n)])
print("\x1b[1mbold\x1b[0m")
