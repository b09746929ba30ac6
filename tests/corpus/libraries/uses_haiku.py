# needs: haiku
# captured: update
import haiku as hk
import jax
import jax.numpy as jnp
import optax


def network(x):
    return hk.nets.MLP([16, 8, 1])(x).squeeze(-1)


net = hk.without_apply_rng(hk.transform(network))
optimizer = optax.rmsprop(1e-2)


def loss(params, x, y):
    return jnp.mean((net.apply(params, x) - y) ** 2)


@jax.jit
def update(params, state, x, y):
    grads = jax.grad(loss)(params, x, y)
    updates, state = optimizer.update(grads, state)
    return optax.apply_updates(params, updates), state


x = jax.random.normal(jax.random.key(0), (32, 5))
y = x[:, 0] ** 2
params = net.init(jax.random.key(1), x)
state = optimizer.init(params)
for _ in range(10):
    params, state = update(params, state, x, y)
print(f"{loss(params, x, y):.5f}")
