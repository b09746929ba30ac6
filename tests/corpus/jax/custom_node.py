# captured: f
import jax
import jax.numpy as jnp


class Unhashable:
    """A pytree whose auxiliary data can be compared but not hashed twice alike."""

    def __init__(self, value, tag):
        self.value, self.tag = value, tag


jax.tree_util.register_pytree_with_keys(
    Unhashable,
    lambda node: (((jax.tree_util.GetAttrKey("value"), node.value),), node.tag),
    lambda tag, children: Unhashable(*children, tag),
)


@jax.jit
def f(node):
    return Unhashable(node.value + 1, node.tag)


result = f(f(Unhashable(jnp.zeros(2), ("tag", 1))))
print(result.value, result.tag)
