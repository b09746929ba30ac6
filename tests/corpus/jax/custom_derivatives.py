# captured: slope, curve
import jax
import jax.numpy as jnp


@jax.custom_vjp
def clip(x):
    return x


clip.defvjp(lambda x: (x, x), lambda x, g: (jnp.clip(g, -1, 1),))


@jax.custom_jvp
def twice(x):
    return 2 * x


@twice.defjvp
def twice_jvp(primals, tangents):
    return twice(*primals), 2 * tangents[0]


@jax.jit
def slope(x):
    return jax.grad(lambda v: (clip(v) * 5).sum())(x)


@jax.jit
def curve(x):
    return jax.jvp(twice, (x,), (x,))


print(slope(jnp.arange(3.0)), curve(1.5))
