"""Many small programs, one for each corner of JAX that a lab or jit off could get wrong."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import ode, sparse
from jax.experimental import pallas as pl
from make_programs import KEY, normal


def conv(x, k):
    return lax.conv_general_dilated(x, k, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def deepscan(x):
    def layer(c, w):
        return jnp.tanh(c @ w), c.sum()

    return jax.grad(lambda x: jax.checkpoint(lambda y: lax.scan(layer, y, jnp.ones((5, 8, 8)) * 0.1)[0].sum())(x))(x)


def spd(size):
    a = normal(3, size, size)
    return a @ a.T + jnp.eye(size) * size


DIAGONAL = sparse.BCOO.fromdense(np.diag(np.arange(5.0, dtype=np.float32)))


ZOO = {
    "conv": (conv, (normal(0, 2, 8, 8, 3), normal(1, 3, 3, 3, 4))),
    "convgrad": (jax.grad(lambda k, x: conv(x, k).sum()), (normal(1, 3, 3, 3, 4), normal(0, 2, 8, 8, 3))),
    "pool": (
        lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"),
        (normal(0, 2, 8, 8, 3),),
    ),
    "sort": (lambda x: (jnp.sort(x), jnp.argsort(x)), (normal(0, 50),)),
    "scatter": (lambda x, i: x.at[i].add(1.0).at[0].set(3.0), (normal(0, 50), jnp.array([1, 2, 2]))),
    "gather": (lambda x, i: x[i] + jnp.take(x, i), (normal(0, 50), jnp.array([1, 2, 2]))),
    "dyn": (
        lambda x, i: lax.dynamic_update_slice(x, lax.dynamic_slice(x, (i,), (4,)), (0,)),
        (normal(0, 50), jnp.int32(5)),
    ),
    "cumsum": (lambda x: jnp.cumsum(x) + jnp.cumprod(x), (normal(0, 50),)),
    "assoc": (lambda x: lax.associative_scan(jnp.add, x), (normal(0, 50),)),
    "chol": (lambda a: jnp.linalg.cholesky(a), (spd(6),)),
    "qr": (lambda a: jnp.linalg.qr(a), (spd(6),)),
    "eigh": (lambda a: jnp.linalg.eigh(a), (spd(6),)),
    "eig": (lambda a: jnp.linalg.eig(a)[0], (spd(6),)),
    "solve": (lambda a, b: jnp.linalg.solve(a, b), (spd(6), normal(0, 6))),
    "inv": (jax.vmap(jnp.linalg.inv), (jnp.stack([spd(4)] * 3),)),
    "schur": (lambda a: jax.scipy.linalg.schur(a)[0], (spd(4),)),
    "expm": (lambda a: jax.scipy.linalg.expm(a * 0.1), (spd(4),)),
    "topk": (lambda x: lax.top_k(x, 5), (normal(0, 50),)),
    "deepscan": (deepscan, (normal(0, 8, 8),)),
    "int8": (
        lambda a, b: lax.dot(a, b, preferred_element_type=jnp.int32),
        (jnp.ones((8, 8), jnp.int8), jnp.ones((8, 8), jnp.int8)),
    ),
    "f16": (lambda a: jnp.exp(a.astype(jnp.float16)), (normal(0, 30),)),
    "fp8": (lambda a: a.astype(jnp.float8_e4m3fn).astype(jnp.float32), (normal(0, 30),)),
    "fp8in": (lambda a: a.astype(jnp.float32) * 2, (normal(0, 30).astype(jnp.float8_e4m3fn),)),
    "bf16in": (lambda a: a @ a.T, (normal(0, 30, 4).astype(jnp.bfloat16),)),
    "boolin": (lambda a: jnp.where(a, 1.0, 2.0), (jnp.array([True, False]),)),
    "u64less": (lambda a: a >> 2, (jnp.array([7, 8], jnp.uint8),)),
    "gamma": (lambda k: jax.random.gamma(k, 2.0, (5,)), (KEY,)),
    "perm": (lambda k: jax.random.permutation(k, 20), (KEY,)),
    "rbg": (lambda k: jax.random.normal(k, (7,)), (jax.random.key(0, impl="rbg"),)),
    "oldkey": (lambda k: jax.random.split(k), (jax.random.PRNGKey(0),)),
    "categorical": (lambda k, x: jax.random.categorical(k, x), (KEY, normal(0, 4, 5))),
    "bcoo": (lambda x: DIAGONAL @ x, (normal(0, 5, 3),)),
    "odeint": (lambda y: ode.odeint(lambda y, t: -y, y, jnp.linspace(0, 1, 5)), (normal(0, 3),)),
    "empty": (lambda x: (x * 2, x.sum()), (jnp.zeros((0, 3)),)),
    "scalar": (lambda x: x + 1, (jnp.float32(2),)),
    "noargs": (lambda: jnp.arange(10.0) * 2, ()),
    "no_results": (lambda x: (), (normal(0, 3),)),
    "allunused": (lambda x, y: jnp.ones(3), (normal(0, 3), normal(1, 3))),
    "ident": (lambda x: x, (normal(0, 3),)),
    "dup": (lambda x: (x, x, x + 1), (normal(0, 3),)),
    "complexgrad": (lambda x: jnp.fft.irfft(jnp.fft.rfft(x) * 2), (normal(0, 16),)),
    "fft2": (lambda x: jnp.abs(jnp.fft.fftn(x)), (normal(0, 4, 8, 8),)),
    "pallas": (
        lambda x: pl.pallas_call(
            lambda a, o: o.__setitem__(..., a[...] * 2),
            out_shape=jax.ShapeDtypeStruct((8,), jnp.float32),
            interpret=True,
        )(x),
        (normal(0, 8),),
    ),
    "donateall": (lambda x, y: (x + 1, y * 2), (normal(0, 8), normal(1, 9))),
    "nested_jit": (lambda x: jax.jit(lambda y: jax.jit(jnp.sin)(y) * 2)(x) + 1, (normal(0, 8),)),
    "rootfind": (
        lambda a: lax.custom_root(
            lambda x: x**2 - a,
            a,
            lambda f, x0: lax.fori_loop(0, 20, lambda i, x: x - f(x) / (2 * x), x0),
            lambda g, y: y / g(1.0),
        ),
        (jnp.float32(3.0),),
    ),
    "bigconst": (lambda x: x + np.arange(4000.0, dtype=np.float32), (normal(0, 4000),)),
    "erf": (lambda x: jax.scipy.special.erfinv(jnp.tanh(x)) + jax.scipy.special.gammaln(jnp.abs(x)), (normal(0, 40),)),
    "unique": (lambda x: jnp.unique(jnp.round(x), size=5), (normal(0, 40),)),
    "segment": (lambda x, i: jax.ops.segment_sum(x, i, 4), (normal(0, 40), jnp.arange(40) % 4)),
    "resize": (lambda x: jax.image.resize(x, (16, 16, 3), "bilinear"), (normal(0, 8, 8, 3),)),
    "hessian": (jax.hessian(lambda x: jnp.sum(jnp.sin(x) ** 2)), (normal(0, 6),)),
    "jacfwd": (jax.jacfwd(lambda x: jnp.cumsum(x) ** 2), (normal(0, 6),)),
    "opt_barrier": (lambda x: lax.optimization_barrier(x * 2) + 1, (normal(0, 6),)),
    "ragged": (lambda a, b, g: lax.ragged_dot(a, b, g), (normal(0, 8, 4), normal(1, 2, 4, 5), jnp.array([3, 5]))),
    "approx": (lambda x: lax.approx_max_k(x, 3), (normal(0, 64),)),
    "reducep": (lambda x: lax.reduce_precision(x, 8, 7), (normal(0, 64),)),
}
