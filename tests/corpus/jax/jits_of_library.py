# captured: sum, norm, normal, sin, relu, logsumexp, jvp
"""Functions of JAX's own are the script's when the script jits them, and eager when it only calls them."""

import functools

import jax
import jax.numpy as jnp

x = jnp.arange(16.0).reshape(4, 4)
print(jnp.linalg.norm(x), jax.nn.relu(x).sum(), jnp.argsort(x)[0])
print(jax.jit(jnp.sum)(x), jax.jit(functools.partial(jnp.sum, axis=0))(x))
print(jax.jit(jnp.linalg.norm)(x), jax.jit(jax.grad(jnp.linalg.norm))(x)[0])
print(jax.jit(jax.random.normal)(jax.random.key(0)).shape)
print(jax.jit(jax.vmap(jnp.sin))(x)[0])
print(jax.jit(jax.nn.relu).lower(x).compile()(x)[0])
print(jax.jit(jax.value_and_grad(jax.scipy.special.logsumexp))(x)[0])
print(jax.jit(functools.partial(jax.jvp, lambda v: v * 2))((x,), (x,))[1][0])
