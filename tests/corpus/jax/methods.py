# captured: Model.predict, Model.scale, Model.total, Callable.__call__
import functools

import jax
import jax.numpy as jnp


class Model:
    def __init__(self, factor):
        self.factor = factor

    @functools.partial(jax.jit, static_argnums=0)
    def predict(self, x):
        return self.factor * x

    @staticmethod
    @jax.jit
    def scale(x):
        return x / 2

    @classmethod
    @functools.partial(jax.jit, static_argnums=0)
    def total(cls, x):
        return x.sum()


class Callable:
    def __call__(self, x):
        return x - 1


model = Model(3.0)
print(model.predict(jnp.ones(3)), Model.scale(jnp.ones(2)), Model.total(jnp.ones(5)))
print(jax.jit(Callable().__call__)(1.0))
