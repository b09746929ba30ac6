# captured: f, g, h
import jax
import jax.numpy as jnp


@jax.jit
def f(x):
    return jnp.sin(x).sum()


@jax.jit
def g(x):
    return jnp.cos(x) * 2


@jax.jit
def h(x):
    return x**3


print(jax.grad(f)(jnp.arange(3.0)))
print(jax.vmap(g)(jnp.arange(4.0)))
print(jax.jacfwd(h)(2.0), jax.hessian(h)(2.0))
