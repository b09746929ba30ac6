# captured: made, <lambda>
import jax

space = {"jax": jax}
exec("@jax.jit\ndef made(x):\n    return x * 2\n", space)
print(space["made"](3.0))
print(jax.jit(eval("lambda x: x + 1"))(1.0))
