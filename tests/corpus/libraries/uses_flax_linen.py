# needs: flax
# captured: train_step, apply_model
import jax
import jax.numpy as jnp
import flax.linen as nn
import optax
from flax.training import train_state


class Net(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.Conv(8, (3, 3))(x))
        x = nn.avg_pool(x, (2, 2), strides=(2, 2)).reshape((x.shape[0], -1))
        return nn.Dense(10)(nn.relu(nn.Dense(32)(x)))


@jax.jit
def apply_model(state, images, labels):
    def loss(params):
        logits = state.apply_fn({"params": params}, images)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean(), logits

    (value, logits), grads = jax.value_and_grad(loss, has_aux=True)(state.params)
    return grads, value, (logits.argmax(-1) == labels).mean()


@jax.jit
def train_step(state, grads):
    return state.apply_gradients(grads=grads)


net = Net()
images = jax.random.normal(jax.random.key(0), (8, 14, 14, 1))
labels = jnp.arange(8) % 10
state = train_state.TrainState.create(
    apply_fn=net.apply, params=net.init(jax.random.key(1), images)["params"], tx=optax.sgd(0.1, momentum=0.9)
)
for step in range(5):
    grads, value, accuracy = apply_model(state, images, labels)
    state = train_step(state, grads)
    print(step, f"{value:.5f}", accuracy)
