"""Recorded by the tests: many ways to make a program. Lines are looked up by the marks in the comments."""

import functools
import json
import os

import jax
import jax.numpy as jnp
import numpy as np

f32 = np.float32


@jax.jit
def inner(x):
    return jnp.sin(x) * 2


def nested(x, n):
    def body(carry, t):
        carry = inner(carry) + jax.lax.cond(t[0] > 0, lambda: carry, lambda: jnp.cos(carry))
        return carry, jax.nn.relu(t)

    y, z = jax.lax.scan(body, x, jnp.ones((4, 3)))
    return jax.lax.while_loop(lambda s: s[0].sum() < n, lambda s: (s[0] + inner(s[1]) ** 2 + 1, s[1]), (y, z.sum(0)))


class Model:
    scale = 3.0

    @functools.partial(jax.jit, static_argnums=0)
    def predict(self, x):
        return x * self.scale


def make_step(rate):
    @jax.jit
    def step(w):
        return w - rate * w

    return step


@functools.partial(jax.jit, donate_argnums=0, static_argnames="power")
def update(state, key, *, power):
    return {"w": state["w"] ** power + jax.random.uniform(key, (3,))}


def plus(x):
    return x + 1


@jax.custom_jvp
def soft(x):
    return jnp.log1p(jnp.exp(x))


soft.defjvp(lambda p, t: (soft(p[0]), t[0] * jax.nn.sigmoid(p[0])))


@jax.jit
def shown(x):
    jax.debug.print("shown {}", x)
    return x


def host(x):
    return np.asarray(x) * 2


nested_jit = jax.jit(nested)
grad_soft = jax.jit(jax.grad(lambda x: soft(x).sum()))
pure = jax.jit(lambda x: jax.pure_callback(host, x, x))
checkpointed = jax.jit(jax.value_and_grad(lambda x: jax.checkpoint(lambda y: jnp.tanh(y @ y).sum())(x)))
x3, square = np.arange(3, dtype=f32), np.ones((8, 8), f32)

PLAIN = {
    "inner": (inner, (x3,)),
    "nested": (nested_jit, (x3, f32(20))),
    "grad_soft": (grad_soft, (x3,)),
    "checkpointed": (checkpointed, (square,)),
    "shown": (shown, (x3,)),
}

if os.environ.get("EXPECT"):
    facts = {}
    for name, (fun, args) in PLAIN.items():
        traced = fun.trace(*args)
        lowered = traced.lower()
        facts[name] = {
            "jaxpr": traced.jaxpr.pretty_print(use_color=False),
            "stablehlo": lowered.as_text(),
            "optimized": lowered.compile().as_text(),
        }
    print(json.dumps(facts))
    raise SystemExit

for fun, args in PLAIN.values():
    fun(*args)
for _ in range(4):
    jax.block_until_ready(nested_jit(x3, f32(20)))
model = Model()
model.predict(x3)
model.predict(np.ones(4, f32))  # new shape
model.predict(np.ones(4, np.int32))  # new dtype
model.predict(1.5)  # weak
for _ in range(3):
    make_step(0.5)(x3)  # re-created
make_step(0.25)(x3)  # other constant
state = {"w": jnp.ones(3)}
state = update(state, jax.random.key(7), power=2)
state = update(state, jax.random.key(7), power=3)  # new static
jax.jit(functools.partial(plus))(f32(1))
(lambda fun: fun(f32(2)))(jax.jit(lambda y: y - 1))
compiled = jax.jit(plus).lower(x3).compile()  # ahead of time
compiled(x3)
pure(x3)
for _ in range(2):
    shown(x3)
jax.pmap(lambda p: p * 5)(np.ones((1, 3), f32))
jax.pmap(jnp.tanh)(np.ones((1, 3), f32))
jax.vmap(inner)(np.ones((2, 3), f32))
with jax.enable_x64(True):
    inner(np.arange(3, dtype=np.float64))
mesh = jax.make_mesh((1,), ("rows",))
try:
    jax.jit(lambda z: z.nothing)(x3)  # raises
except AttributeError:
    pass
jax.clear_caches()
inner(x3)  # cleared
jnp.add(x3, x3)  # eager
os.system("true")  # child
