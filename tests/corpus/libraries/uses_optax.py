# needs: optax
# captured: step
import jax
import jax.numpy as jnp
import optax

solver = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(optax.warmup_cosine_decay_schedule(0.0, 0.1, 5, 50)))


def loss(params, x):
    return jnp.sum((params["w"] * x - 1.0) ** 2) + jnp.sum(params["b"] ** 2)


@jax.jit
def step(params, state, x):
    value, grads = jax.value_and_grad(loss)(params, x)
    updates, state = solver.update(grads, state, params)
    return optax.apply_updates(params, updates), state, value


params = {"w": jnp.ones(5), "b": jnp.ones(3)}
state = solver.init(params)
for i in range(30):
    params, state, value = step(params, state, jnp.arange(5.0))
print(value, params)
