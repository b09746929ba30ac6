"""Writes programs as a recorder would hand them to a lab: `python make_programs.py OUT [DEVICES]`.

One frame a program: its record, the record of its arguments, portable StableHLO, arguments, JAX's own results.
"""

from __future__ import annotations

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from xlascope.engine import compat
from xlascope.protocol.frames import encode

DEVICES = int(sys.argv[2]) if len(sys.argv) > 2 else 1
jax.config.update("jax_num_cpu_devices", DEVICES)
if "x64" in sys.argv[3:]:
    jax.config.update("jax_enable_x64", True)

KEY = jax.random.key(7)


def normal(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape), jnp.float32)


def train_step(params, batch):
    x, y = batch

    def loss(params):
        hidden = jnp.tanh(x @ params["w1"] + params["b1"])
        return jnp.mean((hidden @ params["w2"] - y) ** 2)

    value, grads = jax.value_and_grad(loss)(params)
    return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), value


def attention(q, k, v):
    scores = jnp.einsum("bqd,bkd->bqk", q, k) / np.sqrt(q.shape[-1])
    mask = jnp.tril(jnp.ones(scores.shape[-2:], bool))
    return jnp.einsum("bqk,bkd->bqd", jax.nn.softmax(jnp.where(mask, scores, -1e9), axis=-1), v)


def power(x):
    def body(state):
        step, value = state
        return step + 1, value * 0.9 + jnp.sin(value)

    return lax.while_loop(lambda state: state[0] < 20, body, (0, x))[1]


def branch(index, x):
    return lax.switch(index, [jnp.sin, jnp.cos, lambda y: y * y], x)


@jax.custom_vjp
def clipped(x):
    return jnp.sum(jnp.exp(x))


clipped.defvjp(lambda x: (clipped(x), x), lambda x, g: (jnp.clip(g * jnp.exp(x), -1, 1),))


def chaotic(x):
    return lax.fori_loop(0, 400, lambda _, y: 3.99 * y * (1 - y), x)


def constrained(x):
    """On one device, with shardings over a mesh of its own."""
    mesh = jax.make_mesh((1,), ("data",), axis_types=(AxisType.Auto,))
    half = lax.with_sharding_constraint(x * 2, NamedSharding(mesh, PartitionSpec("data")))
    return half.sum(axis=1)


PARAMS = {"w1": normal(1, 16, 32), "b1": normal(2, 32), "w2": normal(3, 32, 4)}
BATCH = (normal(4, 64, 16), normal(5, 64, 4))

ONE_DEVICE = {
    "softmax": (jax.jit(lambda x, w: jax.nn.softmax(x @ w, axis=-1)), (normal(0, 128, 256), normal(1, 256, 64))),
    "train": (jax.jit(train_step, donate_argnums=0), (PARAMS, BATCH)),
    "scan": (jax.jit(lambda x: lax.scan(lambda c, _: (jnp.sin(c) * 1.1, c), x, None, length=30)), (normal(0, 8),)),
    "while": (jax.jit(power), (normal(0, 100),)),
    "cond": (jax.jit(branch), (jnp.int32(1), normal(0, 50))),
    "vmap_grad": (jax.jit(jax.vmap(jax.grad(lambda x: jnp.sum(jnp.tanh(x) ** 3)))), (normal(0, 32, 16),)),
    "key": (jax.jit(lambda key, x: x + jax.random.normal(key, x.shape)), (KEY, normal(0, 12, 3))),
    "unused": (jax.jit(lambda a, b, c: a * c), (normal(0, 6), normal(1, 6), normal(2, 6))),
    "attention": (jax.jit(attention), tuple(normal(seed, 4, 24, 16) for seed in range(3))),
    "custom_vjp": (jax.jit(jax.grad(clipped)), (normal(0, 40),)),
    "linalg": (jax.jit(lambda a: jnp.linalg.svd(a @ a.T + jnp.eye(6))[1]), (normal(0, 6, 6),)),
    "small": (jax.jit(lambda x: (x.astype(jnp.bfloat16) * 2, x > 0)), (normal(0, 33),)),
    "complex": (jax.jit(lambda x: jnp.fft.fft(x)), (normal(0, 16),)),
    "rng": (jax.jit(lambda x: x + lax.rng_uniform(0.0, 1.0, (64,))), (normal(0, 64),)),
    "constrained": (jax.jit(constrained), (normal(0, 16, 8),)),
    "nan": (jax.jit(lambda x: jnp.log(x)), (normal(0, 20),)),
    "chaotic": (jax.jit(chaotic), (jnp.full((4,), 0.3, jnp.float32),)),
    "print": (jax.jit(lambda x: (jax.debug.print("x {x}", x=x.sum()), x * 2)[1]), (normal(0, 4),)),
    "pure_callback": (
        jax.jit(lambda x: jax.pure_callback(np.sin, jax.ShapeDtypeStruct((4,), jnp.float32), x)),
        (normal(0, 4),),
    ),
    "same_shape": (jax.jit(lambda x: jnp.sin(x) * 2), (normal(0, 64, 8),)),
    "slow": (jax.jit(lambda x: lax.fori_loop(0, 150, lambda _, y: jnp.tanh(y @ y), x)), (normal(0, 256, 256),)),
}


def many_devices():
    mesh = jax.make_mesh((DEVICES,), ("x",), axis_types=(AxisType.Auto,))
    spec = PartitionSpec("x")
    x = jax.device_put(normal(0, 8 * DEVICES, 4), NamedSharding(mesh, spec))
    ring = [(i, (i + 1) % DEVICES) for i in range(DEVICES)]
    shifted = jax.shard_map(
        lambda a: lax.psum(a, "x") + lax.ppermute(a, "x", ring), mesh=mesh, in_specs=spec, out_specs=spec
    )
    return {
        "sharded_jit": (jax.jit(lambda a: (a @ a.T, a.sum(0))), (x,)),
        "shard_map": (jax.jit(shifted), (x,)),
        "pmap": (jax.pmap(lambda a: lax.psum(a, "i") * a, axis_name="i"), (normal(3, DEVICES, 5),)),
    }


def host(value):
    if jnp.issubdtype(getattr(value, "dtype", np.int32), jax.dtypes.prng_key):
        value = jax.random.key_data(value)
    return np.asarray(value)


def leaf(name, value, donated=False):
    value = jnp.asarray(value) if not hasattr(value, "dtype") else value
    return {
        "name": name,
        "shape": list(value.shape),
        "dtype": str(value.dtype),
        "weak_type": False,
        "bytes": host(value).nbytes,
        "donated": donated,
        "sharding": None,
    }


def frame(name, function, args):
    paths = jax.tree_util.tree_flatten_with_path(args)[0]
    names = [jax.tree_util.keystr(path) for path, _ in paths]
    flat = [value for _, value in paths]
    blobs = {f"a{index}": host(value).tobytes() for index, value in enumerate(flat)}
    inputs = [leaf(label, value) for label, value in zip(names, flat, strict=True)]
    lowered = function.lower(*args)
    script = lowered.compile().as_text()
    callbacks = "callback" in lowered.as_text()
    results = [] if callbacks else jax.tree.leaves(function(*args))
    blobs["stablehlo"] = compat.portable_bytecode(lowered.compiler_ir("stablehlo"))
    blobs["script_optimized"] = script.encode()
    blobs |= {f"r{index}": host(value).tobytes() for index, value in enumerate(results)}
    record = {
        "id": f"{name}#1",
        "inputs": inputs,
        "outputs": [leaf("", value) for value in results],
        "kept_inputs": compat.kept_inputs(lowered),
        "callbacks": callbacks,
        "ordered": False,
    }
    leaves = [
        {"index": index, "name": each["name"], "dtype": each["dtype"], "shape": each["shape"], "blob": f"a{index}"}
        for index, each in enumerate(inputs)
    ]
    body = {"kind": "fixture", "name": name, "record": record, "args_record": {"state": "recorded", "leaves": leaves}}
    return encode(body, blobs)


def main():
    programs = ONE_DEVICE if DEVICES == 1 else many_devices()
    if "x64" in sys.argv[3:]:
        programs = {"x64": (jax.jit(lambda x, n: jnp.cumsum(x) * n), (jnp.arange(9.0) / 7, jnp.int64(2**40)))}
    if "zoo" in sys.argv[3:]:
        sys.modules["make_programs"] = sys.modules["__main__"]
        from zoo import ZOO

        programs = {name: (jax.jit(function), args) for name, (function, args) in ZOO.items()}
    out = Path(sys.argv[1])
    with out.open("wb") as file:
        for name, (function, args) in programs.items():
            file.write(frame(name, function, args))


if __name__ == "__main__":
    main()
