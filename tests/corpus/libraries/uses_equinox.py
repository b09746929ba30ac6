# needs: equinox
# captured: make_step
import equinox as eqx
import jax
import jax.numpy as jnp
import optax


@eqx.filter_jit
def make_step(model, state, x, y):
    @eqx.filter_value_and_grad
    def loss(model):
        return jnp.mean((jax.vmap(model)(x) - y) ** 2)

    value, grads = loss(model)
    updates, state = optimizer.update(grads, state, model)
    return value, eqx.apply_updates(model, updates), state


model = eqx.nn.MLP(3, 1, 16, 2, key=jax.random.key(0))
optimizer = optax.adam(1e-2)
state = optimizer.init(eqx.filter(model, eqx.is_inexact_array))
x = jax.random.normal(jax.random.key(1), (32, 3))
for _ in range(5):
    value, model, state = make_step(model, state, x, x.sum(axis=1, keepdims=True))
    print(value)
