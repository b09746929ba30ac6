"""An MLP and attention, each sharded by hand with `in_shardings`: `python by_hand.py OUT 8`.

A frame for each program, as `make_programs.py` writes it, then one for each hand-written sharding of it: the optimized
HLO, and the shardings of the results as HLO writes them.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P
from make_programs import BATCH, PARAMS, frame, normal, train_step

from xlascope.protocol.frames import encode


def block(weights, x):
    """Attention with four heads, and what comes in added."""
    heads = lambda a: a.reshape(*a.shape[:2], 4, -1)  # noqa: E731
    q, k, v = (heads(x @ weights[name]) for name in ("q", "k", "v"))
    scores = jax.nn.softmax(jnp.einsum("bihd,bjhd->bhij", q, k) / np.sqrt(q.shape[-1]), axis=-1)
    return x + jnp.einsum("bhij,bjhd->bihd", scores, v).reshape(x.shape) @ weights["o"]


def attention_step(weights, x, y):
    loss = lambda weights: jnp.mean((block(weights, x) - y) ** 2)  # noqa: E731
    value, gradients = jax.value_and_grad(loss)(weights)
    return jax.tree.map(lambda w, g: w - 0.1 * g, weights, gradients), value


WEIGHTS = {name: normal(seed, 32, 32) * 0.2 for seed, name in enumerate("kqvo")}
X, Y = normal(8, 8, 16, 32), normal(9, 8, 16, 32)
PROGRAMS = {
    "mlp": (train_step, (PARAMS, BATCH)),
    "attention_block": (block, (WEIGHTS, X)),
    "attention_step": (attention_step, (WEIGHTS, X, Y)),
}


def shardings():
    """Program, plan, mesh, and the specs as one writes them by hand."""
    x8, x4y2 = {"x": 8}, {"x": 4, "y": 2}
    whole = lambda tree: jax.tree.map(lambda _: P(), tree)  # noqa: E731
    wide = {"w1": P(None, "x"), "b1": P("x"), "w2": P("x", None)}
    wide2 = {"w1": P(None, "y"), "b1": P("y"), "w2": P("y", None)}
    cut, cut2 = (dict.fromkeys("kqvo", P(axis, None)) for axis in "xy")
    yield "mlp", "replicate", x8, (whole(PARAMS), (P(), P()))
    yield "mlp", "batch", x8, (whole(PARAMS), (P("x", None), P("x", None)))
    yield "mlp", "fsdp", x8, (wide, (P("x", None), P("x", None)))
    yield "mlp", "fsdp", x4y2, (wide2, (P("x", None), P("x", None)))
    yield "attention_block", "batch", x8, (whole(WEIGHTS), P("x", None, None))
    yield "attention_block", "fsdp", x4y2, (cut2, P("x", None, None))
    yield "attention_step", "batch", x8, (whole(WEIGHTS), P("x", None, None), P("x", None, None))
    yield "attention_step", "fsdp", x8, (cut, P("x", None, None), P("x", None, None))


def main():
    with Path(sys.argv[1]).open("wb") as file:
        for name, (function, args) in PROGRAMS.items():
            file.write(frame(name, jax.jit(function), args))
        for name, plan, axes, specs in shardings():
            mesh = jax.make_mesh(tuple(axes.values()), tuple(axes), axis_types=(AxisType.Auto,) * len(axes))
            given = jax.tree.map(partial(NamedSharding, mesh), specs, is_leaf=lambda each: isinstance(each, P))
            function, args = PROGRAMS[name]
            compiled = jax.jit(function, in_shardings=given).lower(*args).compile()
            ranks = [each.ndim for each in jax.tree.leaves(jax.eval_shape(function, *args))]
            results = zip(jax.tree.leaves(compiled.output_shardings), ranks, strict=True)
            body = {"kind": "by hand", "name": name, "plan": plan, "mesh": axes,
                    "output_shardings": [str(each._to_xla_hlo_sharding(rank)) for each, rank in results]}
            file.write(encode(body, {"optimized": compiled.as_text().encode()}))


if __name__ == "__main__":
    main()
