"""Every common way to make JAX compile again; a line that compiles bears the tag that the test knows it by."""

import dataclasses
import enum
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import NamedSharding, PartitionSpec

x = np.ones(8, np.float32)
square = np.ones((8, 8), np.float32)


def made_again():
    for _ in range(3):
        jax.jit(lambda y: jnp.sin(y) * 2)(x)  # lambda
    for _ in range(2):
        jax.jit(functools.partial(scale, k=2.0))(x)  # partial
    for k in (3.0, 4.0):
        jax.jit(functools.partial(scale, k=k))(x)  # partial values
    for _ in range(2):

        @jax.jit
        def inner(y):
            return jnp.cos(y) + 1

        inner(x)  # nested
    for k in (0.5, 1.5):
        jax.jit(lambda y: y + k)(x)  # noqa: B023 # captured
    for i in (5, 6):
        jax.jit(lambda y, i=i: y + i)(x)  # default
    for _ in range(2):
        jax.jit(jax.grad(total_of))(x)  # grad
    for _ in range(2):
        jax.jit(jax.vmap(lambda q: q * 2 + 1))(x)  # vmap


def scale(y, k):
    return y * k


def total_of(y):
    return jnp.sum(y**2)


def once_a_call(y):
    return jax.jit(lambda z: z - 7)(y)  # helper


class Model:
    def __init__(self):
        self.step = jax.jit(self._step)  # made in init

    def _step(self, y):
        return y * 3 + 1

    @functools.partial(jax.jit, static_argnums=0)
    def run(self, y):
        return y / 3


class Layer:
    def apply(self, y):
        return y * 5 - 1


@functools.partial(jax.jit, static_argnames=("power",))
def raised(y, power):
    return y**power


class Config:
    pass


@dataclasses.dataclass(frozen=True)
class Frozen:
    n: int


class Pair(NamedTuple):
    a: int
    b: float


class Mode(enum.Enum):
    TRAIN = 1
    TEST = 2


@functools.partial(jax.jit, static_argnames=("cfg",))
def with_static(y, cfg):
    return y * 2


@jax.jit
def total(batch, weight=1.0):
    return (batch * weight).sum()


@jax.jit
def typed(a, b):
    return a + b


@jax.jit
def tree(p):
    return jax.tree.map(lambda a: a * 2, p)


@jax.jit
def keyed(a, b):
    return a - b


@jax.jit
def product(a):
    return a @ a


@jax.jit
def placed(a):
    return a * 2 + 1


def given(a):
    return a + 1


def statics():
    with_static(x, cfg=0)  # static
    with_static(x, cfg=1)  # static
    with_static(x, cfg=0.5)  # static float
    with_static(x, cfg=Config())  # static object
    with_static(x, cfg=Config())  # static object
    with_static(x, cfg=Frozen(1))  # static frozen
    with_static(x, cfg=Frozen(2))  # static frozen
    with_static(x, cfg=Frozen(2))
    with_static(x, cfg=Pair(1, 0.5))  # static tuple
    with_static(x, cfg=Mode.TRAIN)  # static enum
    with_static(x, cfg=Mode.TEST)  # static enum
    for _ in range(2):
        with_static(x, cfg=lambda a: a)  # static lambda


def ways():
    layer = Layer()
    for _ in range(3):
        jax.jit(layer.apply)(x)  # same object
    raised(x, power=3)
    raised(x, 3)  # by position


def types():
    total(np.ones((4, 3), np.float32))  # shape
    total(np.ones((5, 3), np.float32))  # shape
    total(np.ones((5, 3, 1), np.float32))  # rank
    typed(x, 1.0)  # typed
    typed(x, np.float32(1))  # weak
    typed(x.astype(np.float16), np.float32(1))  # dtype
    with jax.enable_x64(True):
        typed(x, 1.0)  # x64
    tree({"a": x})  # tree
    tree({"a": x, "b": x})  # keys
    tree((x, None))  # tuple
    tree((x, x))  # none
    tree([x, x])  # list
    keyed(x, x)  # keyed
    keyed(a=x, b=x)  # by keyword


def surroundings():
    product(square)  # product
    with jax.default_matmul_precision("float32"):
        product(square)  # precision
    with jax.numpy_dtype_promotion("strict"):
        product(square)  # promotion
    devices = jax.devices()
    mesh = jax.make_mesh((len(devices),), ("b",), axis_types=(jax.sharding.AxisType.Auto,))
    placed(x)  # placed
    placed(jax.device_put(x, devices[0]))  # committed
    placed(jax.device_put(x, devices[1]))  # device
    placed(jax.device_put(x, NamedSharding(mesh, PartitionSpec("b"))))  # sharded
    jax.jit(given)(jnp.asarray(x))  # not donated
    jax.jit(given, donate_argnums=0)(jnp.asarray(x))  # donated


def eager():
    for i in range(2):
        lax.scan(lambda c, e: (c + e, c), np.float32(0), x)  # scan
        lax.scan(lambda c, e: (c * e + i, c), np.float32(0), x)  # noqa: B023 # scan captured
        lax.cond(True, lambda q: q + 1, lambda q: q - 1, x)  # cond
        lax.while_loop(lambda s: s < 3, lambda s: s + 1, 0)  # while
    for n in (3, 4):
        jnp.tanh(jnp.ones(n) * 2)  # eager
    long = jnp.arange(9.0)
    for n in (3, 4):
        long[:n]  # slice


made_again()
once_a_call(x)
once_a_call(x)
for _ in range(2):
    Model().step(x)  # method
    Model().run(x)  # self
statics()
ways()
types()
surroundings()
eager()
keyed.clear_cache()
keyed(x, x)  # evicted
jax.clear_caches()
placed(x)  # cleared
