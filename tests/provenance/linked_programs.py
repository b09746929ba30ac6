"""Varied programs whose instructions are linked to their equations; run under the recorder, each is called once.

The environment's ``XLASCOPE_TEST_PROGRAMS`` names some of them (``nuts,ring``); without it all run, on 8 CPU devices.
"""

from __future__ import annotations

import os

os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=8")

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P


def normal(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape), jnp.float32)


# ---- Hamiltonian Monte Carlo that doubles its trajectory until it turns: while in while, cond, random numbers
def potential(q):
    return 0.5 * jnp.sum(q**2) + 0.1 * jnp.sum(jnp.cos(3 * q))


def nuts(key, q):
    force = jax.grad(potential)

    def leap(q, p, step):
        p = p - 0.5 * step * force(q)
        q = q + step * p
        return q, p - 0.5 * step * force(q)

    def sample(carry, key):
        q = carry
        momentum, slice_key, loop_key = jax.random.split(key, 3)
        p = jax.random.normal(momentum, q.shape)
        start = potential(q) + 0.5 * jnp.sum(p**2)
        level = start - jnp.log(jax.random.uniform(slice_key))

        def grow(state):
            depth, left, right, chosen, count, key, _ = state
            key, way, pick = jax.random.split(key, 3)
            forward = jax.random.bernoulli(way)
            side = jax.tree.map(lambda a, b: jnp.where(forward, a, b), right, left)
            step = jnp.where(forward, 0.2, -0.2)

            def inner(i, inside):
                (q, p), chosen, count, key = inside
                q, p = leap(q, p, step)
                energy = potential(q) + 0.5 * jnp.sum(p**2)
                valid = energy < level
                key, draw = jax.random.split(key)
                count = count + valid
                take = valid & (jax.random.uniform(draw) * count < 1)
                return (q, p), lax.cond(take, lambda: q, lambda: chosen), count, key

            side, chosen, count, key = lax.fori_loop(0, 2**depth, inner, (side, chosen, count, pick))
            left = jax.tree.map(lambda a, b: jnp.where(forward, a, b), left, side)
            right = jax.tree.map(lambda a, b: jnp.where(forward, a, b), side, right)
            span = right[0] - left[0]
            turned = (jnp.vdot(span, left[1]) < 0) | (jnp.vdot(span, right[1]) < 0)
            return depth + 1, left, right, chosen, count, key, turned

        end = lax.while_loop(
            lambda state: (state[0] < 5) & ~state[-1],
            grow,
            (jnp.int32(0), (q, p), (q, p), q, jnp.int32(1), loop_key, jnp.bool_(False)),
        )
        return end[3], (end[3], end[0])

    return lax.scan(sample, q, jax.random.split(key, 3))


# ---- an ODE whose gradient is integrated backwards
def field(w, y):
    return jnp.tanh(w @ y) - 0.1 * y


def rk4(f, y, step):
    a = f(y)
    b = f(y + 0.5 * step * a)
    c = f(y + 0.5 * step * b)
    d = f(y + step * c)
    return y + step / 6 * (a + 2 * b + 2 * c + d)


@jax.custom_vjp
def solve(w, y):
    return lax.scan(lambda y, _: (rk4(lambda v: field(w, v), y, 0.1), None), y, None, length=12)[0]


def solve_forward(w, y):
    end = solve(w, y)
    return end, (w, end)


def solve_backward(kept, adjoint):
    w, end = kept

    def back(state):
        y, a, _ = state
        value, pull = jax.vjp(field, w, y)
        w_bar, y_bar = pull(a)
        return -value, y_bar, w_bar

    def step(state, _):
        def f(s):
            return back(s)

        one = f(state)
        half = jax.tree.map(lambda s, d: s + 0.05 * d, state, one)
        two = f(half)
        return jax.tree.map(lambda s, d: s + 0.1 * d, state, two), None

    (_, y_bar, w_bar), _ = lax.scan(step, (end, adjoint, jnp.zeros_like(w)), None, length=12)
    return w_bar, y_bar


solve.defvjp(solve_forward, solve_backward)


def ode_adjoint(w, y):
    return jax.grad(lambda w, y: jnp.sum(solve(w, y) ** 2), argnums=(0, 1))(w, y)


# ---- a transformer's training step: nested jit, checkpoint, scan over layers
def layer_norm(x, gain):
    x = x - x.mean(-1, keepdims=True)
    return x * lax.rsqrt((x**2).mean(-1, keepdims=True) + 1e-6) * gain


@jax.jit
def attention(p, x):
    heads = x.reshape(*x.shape[:-1], 2, -1)
    q, k, v = (jnp.einsum("bthd,de->bthe", heads, p[n]) for n in "qkv")
    scores = jnp.einsum("bthe,bshe->bhts", q, k) / 4.0
    scores = jnp.where(jnp.tril(jnp.ones(scores.shape[-2:], bool)), scores, -1e9)
    mixed = jnp.einsum("bhts,bshe->bthe", jax.nn.softmax(scores), v)
    return mixed.reshape(x.shape)


def block(x, p):
    x = x + attention(p, layer_norm(x, p["g"]))
    return x + jax.nn.gelu(layer_norm(x, p["g"]) @ p["up"]) @ p["down"], None


def transformer(params, tokens):
    def loss(params):
        x = params["embed"][tokens]
        x, _ = lax.scan(jax.checkpoint(block), x, params["layers"])
        logits = layer_norm(x, 1.0) @ params["embed"].T
        picked = jnp.take_along_axis(jax.nn.log_softmax(logits[:, :-1]), tokens[:, 1:, None], -1)
        return -picked.mean()

    value, slopes = jax.value_and_grad(loss)(params)
    return jax.tree.map(lambda p, g: p - 0.1 * g, params, slopes), value


LAYERS = {"q": (3, 16, 16), "k": (3, 16, 16), "v": (3, 16, 16), "g": (3, 32), "up": (3, 32, 64), "down": (3, 64, 32)}
WEIGHTS = {
    "embed": 0.1 * normal(0, 50, 32),
    "layers": {name: 0.1 * normal(i, *shape) for i, (name, shape) in enumerate(LAYERS.items())},
}
TOKENS = jnp.asarray(np.random.default_rng(5).integers(0, 50, (2, 24)))


# ---- a graph network
def graph_network(w, nodes, senders, receivers):
    def rounds(w, h):
        for _ in range(2):
            message = jax.nn.relu(jnp.concatenate([h[senders], h[receivers]], -1) @ w["m"])
            total = jax.ops.segment_sum(message, receivers, h.shape[0])
            most = jax.ops.segment_max(message, receivers, h.shape[0])
            h = jnp.tanh(h @ w["s"] + total + jnp.where(jnp.isfinite(most), most, 0.0))
        return h

    return jax.grad(lambda w: jnp.sum(rounds(w, nodes).at[senders].add(1.0) ** 2))(w)


GRAPH = ({"m": normal(1, 16, 8), "s": normal(2, 8, 8)}, normal(3, 20, 8))
ENDS = jnp.asarray(np.random.default_rng(6).integers(0, 20, (2, 60)))


# ---- eight devices
def mlp(ws, x):
    for w in ws:
        x = jnp.tanh(x @ w)
    return jnp.mean(x**2)


def sharded_mlp(ws, x):
    return jax.tree.map(lambda w, g: w - g, ws, jax.grad(mlp)(ws, x))


def ring(x):
    n = lax.axis_size("x") if hasattr(lax, "axis_size") else 8
    shifted = lax.ppermute(x, "x", [(i, (i + 1) % n) for i in range(n)])
    return lax.psum(x, "x") * lax.all_gather(shifted, "x", tiled=True).sum() + shifted


MESH = jax.make_mesh((4, 2), ("x", "y"), axis_types=(AxisType.Auto, AxisType.Auto))
LINE = jax.make_mesh((8,), ("x",), axis_types=(AxisType.Auto,))


def on(mesh, spec, value):
    return jax.device_put(value, NamedSharding(mesh, spec))


MLP = ([on(MESH, P(None, "y"), normal(1, 32, 64)), on(MESH, P("y", None), normal(2, 64, 16))], on(MESH, P("x"), normal(3, 64, 32)))


# ---- corners
def remat_scan(x, ws):
    def layer(c, w):
        return jax.checkpoint(lambda c: jnp.sin(jnp.tanh(c @ w)))(c), c.sum()

    return jax.grad(lambda x: lax.scan(layer, x, ws)[0].sum())(x)


def newton(x):
    return lax.while_loop(lambda s: jnp.abs(s[0] ** 2 - x).max() > 1e-4, lambda s: (s[0] - (s[0] ** 2 - x) / (2 * s[0]), s[1] + 1), (x, 0))


def switched(i, x):
    return lax.switch(i, [jnp.sin, lambda v: v @ v, lambda v: lax.fori_loop(0, 3, lambda _, w: w @ v, v)], x)


@jax.jit
def shared(x, w):
    return jnp.tanh(x @ w) + x


def repeated(x, w):
    for _ in range(4):
        x = shared(x, w)
    return lax.fori_loop(0, 3, lambda i, c: shared(c, w) * 2, x)


def convolution(k, x):
    def f(k):
        y = lax.conv_general_dilated(x, k, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return lax.reduce_window(y, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID").sum()

    return jax.grad(f)(k)


@jax.custom_jvp
def softplus(x):
    return jnp.log1p(jnp.exp(x))


@softplus.defjvp
def softplus_rule(primals, tangents):
    return softplus(*primals), jax.nn.sigmoid(primals[0]) * tangents[0]


@jax.custom_vjp
def clipped(x):
    return jnp.sum(jnp.exp(x))


clipped.defvjp(lambda x: (clipped(x), x), lambda x, g: (jnp.clip(g * jnp.exp(x), -1, 1),))

SPD = normal(3, 6, 6) @ normal(3, 6, 6).T + 6 * jnp.eye(6)
KEY = jax.random.key(3)

PROGRAMS = {
    "nuts": (nuts, (KEY, normal(0, 4))),
    "ode_adjoint": (ode_adjoint, (0.3 * normal(1, 8, 8), normal(2, 8))),
    "transformer": (transformer, (WEIGHTS, TOKENS)),
    "graph_network": (graph_network, (*GRAPH, *ENDS)),
    "sharded_mlp": (sharded_mlp, MLP),
    "ring": (jax.shard_map(ring, mesh=LINE, in_specs=P("x"), out_specs=P("x")), (on(LINE, P("x"), normal(4, 16, 4)),)),
    "sharded_sum": (lambda a: (a @ a.T, a.sum(0), jnp.sort(a, 0)), (on(LINE, P("x"), normal(5, 32, 4)),)),
    "remat_scan": (remat_scan, (normal(0, 8, 8), 0.1 * normal(1, 4, 8, 8))),
    "newton": (newton, (jnp.abs(normal(0, 16)) + 1,)),
    "switched": (switched, (jnp.int32(2), normal(0, 8, 8))),
    "repeated": (repeated, (normal(0, 8, 8), 0.1 * normal(1, 8, 8))),
    "convolution": (convolution, (normal(1, 3, 3, 3, 4), normal(0, 2, 8, 8, 3))),
    "hessian": (jax.hessian(lambda x: jnp.sum(softplus(jnp.sin(x)) ** 2)), (normal(0, 6),)),
    "vmap_grad": (jax.vmap(jax.grad(lambda x: jnp.log1p(jnp.exp(x)).sum() + clipped(x))), (normal(0, 5, 7),)),
    "sorting": (lambda x: (jnp.sort(x), jnp.argsort(x), lax.top_k(x, 3), jnp.unique(jnp.round(x), size=4)), (normal(0, 64),)),
    "cumulative": (lambda x: (jnp.cumsum(x), jnp.cumprod(x), lax.associative_scan(jnp.add, x)), (normal(0, 64),)),
    "counted": (lambda x: (jnp.repeat(x, jnp.arange(8) % 3, total_repeat_length=8), x + jnp.cumsum(x > 0)), (normal(0, 8),)),
    "linear_algebra": (lambda a: (jnp.linalg.cholesky(a), jnp.linalg.eigh(a), jnp.linalg.solve(a, a[0]), jnp.linalg.qr(a)), (SPD,)),
    "random": (lambda k: (jax.random.normal(k, (32, 4)), jax.random.gamma(k, 2.0, (5,)), jax.random.permutation(k, 20)), (KEY,)),
    "rng_uniform": (lambda x: x + lax.rng_uniform(0.0, 1.0, (64,)), (normal(0, 64),)),
    "spectrum": (lambda x: jnp.abs(jnp.fft.irfft(jnp.fft.rfft(x) * 2)), (normal(0, 16),)),
    "embedding": (jax.grad(lambda t, i: (t[i] ** 2).sum()), (normal(0, 40, 8), jnp.arange(12) * 3)),
    "updates": (lambda x, i: lax.dynamic_update_slice(x.at[i].add(1.0), lax.dynamic_slice(x, (3,), (4,)), (0,)), (normal(0, 50), jnp.array([1, 2, 2]))),
    "expm": (lambda a: jax.scipy.linalg.expm(0.1 * a), (SPD,)),
    "root": (lambda a: lax.custom_root(lambda x: x**2 - a, a, lambda f, x0: lax.fori_loop(0, 20, lambda i, x: x - f(x) / (2 * x), x0), lambda g, y: y / g(1.0)), (jnp.float32(3.0),)),
    "constant": (lambda: jnp.arange(10.0) * 2, ()),
    "identity": (lambda x: (x, x), (normal(0, 3),)),
}
def wanted():
    names = os.environ.get("XLASCOPE_TEST_PROGRAMS")
    return {name: PROGRAMS[name] for name in (names.split(",") if names else PROGRAMS)}


def named(name, function):
    def call(*args):
        return function(*args)

    call.__name__ = call.__qualname__ = name
    return jax.jit(call)


def main():
    for name, (function, args) in wanted().items():
        jax.block_until_ready(named(name, function)(*args))


if __name__ == "__main__":
    main()
