# needs: jraph
# captured: apply
import jax
import jax.numpy as jnp
import jraph

graph = jraph.GraphsTuple(
    n_node=jnp.array([3]),
    n_edge=jnp.array([3]),
    nodes=jnp.ones((3, 4)),
    edges=jnp.ones((3, 2)),
    globals=jnp.zeros((1, 1)),
    senders=jnp.array([0, 1, 2]),
    receivers=jnp.array([1, 2, 0]),
)


@jax.jit
def apply(graph):
    net = jraph.GraphNetwork(
        update_edge_fn=lambda e, s, r, g: jnp.concatenate([e, s, r], -1).sum(-1, keepdims=True),
        update_node_fn=lambda n, s, r, g: n + s + r,
        update_global_fn=lambda n, e, g: n.sum(-1, keepdims=True) + e + g,
    )
    return net(graph)


for _ in range(3):
    graph2 = apply(graph)
    print(graph2.nodes.sum(), graph2.globals)
print(jraph.batch([graph, graph]).nodes.shape)
