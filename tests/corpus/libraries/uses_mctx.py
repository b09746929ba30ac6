# needs: mctx
# captured: search
import functools

import jax
import jax.numpy as jnp
import mctx


def recurrent(params, key, action, embedding):
    reward = jnp.sin(embedding + action)
    out = mctx.RecurrentFnOutput(
        reward=reward,
        discount=jnp.full_like(reward, 0.9),
        prior_logits=jnp.zeros((embedding.shape[0], 3)),
        value=jnp.cos(embedding),
    )
    return out, embedding + 1.0 + action


@functools.partial(jax.jit, static_argnums=1)
def search(key, simulations):
    root = mctx.RootFnOutput(prior_logits=jnp.zeros((2, 3)), value=jnp.zeros(2), embedding=jnp.arange(2.0))
    return mctx.gumbel_muzero_policy(
        params=(), rng_key=key, root=root, recurrent_fn=recurrent, num_simulations=simulations
    )


output = search(jax.random.key(0), 8)
print(output.action, output.action_weights)
