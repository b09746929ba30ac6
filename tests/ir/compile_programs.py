"""Compiles varied JAX programs and tells what XLA itself says about their HLO; run in a process of its own.

    python compile_programs.py [FOLDER…]

Writes JSON to stdout: `programs` [{name, stage, text, computations, cost}], computations being
[[name, [[instruction, opcode, operands]…]]…], and `texts`: the computations of each HLO text file of the folders that
XLA's own parser takes, by path.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"

import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P
from jaxlib import _hlo


def array(*shape: int, dtype: str = "float32") -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, dtype)


def attention(x, wq, wk, wv):
    q, k, v = x @ wq, x @ wk, x @ wv
    return jax.nn.softmax(q @ jnp.swapaxes(k, -1, -2) / 8.0) @ v


def network(weights, x):
    for w in weights:
        x = jnp.tanh(x @ w)
    return (x**2).mean()


def collect(x):
    mesh = jax.make_mesh((4,), ("i",), axis_types=(jax.sharding.AxisType.Auto,))

    def part(y):
        total = lax.psum(y, "i")
        shifted = lax.ppermute(y, "i", [(0, 1), (1, 2), (2, 3), (3, 0)])
        everything = lax.all_gather(y, "i", tiled=True)
        scattered = lax.psum_scatter(everything, "i", tiled=True)
        swapped = lax.all_to_all(everything, "i", 0, 0, tiled=True)
        return total + shifted + scattered + swapped.sum() + everything.sum()

    return jax.shard_map(part, mesh=mesh, in_specs=P("i"), out_specs=P("i"))(x)


def pooling(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


PROGRAMS = {
    "softmax": (lambda x, w: jax.nn.softmax(x @ w), array(128, 256), array(256, 64)),
    "attention": (jax.grad(lambda *a: attention(*a).sum(), argnums=1), array(4, 16, 32), *[array(32, 32)] * 3),
    "network": (jax.value_and_grad(network), [array(32, 64), array(64, 64), array(64, 8)], array(16, 32)),
    "scan": (lambda x: lax.scan(lambda c, _: (jnp.sin(c) @ c, c.sum()), x, None, length=10), array(64, 64)),
    "scan_grad": (
        jax.grad(lambda x, ws: lax.scan(lambda c, w: (jnp.tanh(c @ w), None), x, ws)[0].sum(), argnums=1),
        array(8, 16),
        array(5, 16, 16),
    ),
    "while": (lambda x: lax.while_loop(lambda v: v.sum() < 100, lambda v: v * 1.5 + 1, x), array(8)),
    "fori": (lambda x: lax.fori_loop(0, 7, lambda i, v: v * i + lax.dynamic_slice(v, (i,), (8,)).sum(), x), array(16)),
    "cond": (lambda p, x: lax.cond(p, jnp.sin, jnp.cos, x @ x), array(dtype="bool"), array(16, 16)),
    "switch": (lambda i, x: lax.switch(i, [jnp.sin, jnp.cos, lambda v: v @ v], x), array(dtype="int32"), array(8, 8)),
    "sort": (lambda x: (jnp.sort(x), jnp.argsort(x), lax.top_k(x, 3)), array(64)),
    "convolution": (
        lambda x, k: lax.conv_general_dilated(x, k, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")),
        array(2, 16, 16, 3),
        array(3, 3, 3, 8),
    ),
    "embedding": (jax.grad(lambda t, i: (t[i] ** 2).sum()), array(100, 16), array(32, dtype="int32")),
    "fft": (lambda x: jnp.abs(jnp.fft.rfft(x)), array(8, 64)),
    "random": (lambda: jax.random.normal(jax.random.key(0), (32, 4)),),
    "cumulative": (lambda x: (jnp.cumsum(x), lax.associative_scan(jnp.multiply, x)), array(64)),
    "cholesky": (lambda x: jnp.linalg.cholesky(x @ x.T), array(8, 8)),
    "eigen": (lambda x: jnp.linalg.eigh(x + x.T), array(8, 8)),
    "pooling": (pooling, array(1, 8, 8, 3)),
    "pooling_grad": (jax.grad(lambda x: pooling(x).sum()), array(1, 8, 8, 3)),
    "hessian": (jax.hessian(lambda x: (jnp.sin(x) ** 2).sum()), array(6)),
    "vmap": (jax.vmap(jax.grad(lambda x: jnp.log1p(jnp.exp(x)).sum())), array(5, 7)),
    "types": (
        lambda x: (x.astype("bfloat16"), x.astype("int4").astype("int8"), x.astype("float8_e4m3fn"), x + 1j, x > 0),
        array(16),
    ),
    "wide_tuple": (lambda xs: [x * i for i, x in enumerate(xs)], [array(i + 1) for i in range(40)]),
    "shared_call": (lambda x: jax.jit(jnp.sinh)(jax.jit(jnp.sinh)(x)), array(9)),
    "remat": (jax.grad(lambda x: jax.checkpoint(lambda y: jnp.sin(jnp.sin(y)))(x).sum()), array(9)),
    "padding": (lambda x: jnp.pad(x, ((1, 2), (0, 3)), mode="reflect")[::-1, 1:-1:2], array(5, 6)),
    "callback": (lambda x: jax.pure_callback(lambda v: v, array(3), x) + 1, array(3)),
    "empty": (lambda x: x, array(0, 4)),
    "constant": (lambda: jnp.arange(5) * 3,),
    "collectives": (collect, array(16, 4)),
}


def described(module) -> list:
    return [
        [
            computation.name,
            [
                [own.name, str(own.opcode).rpartition(".k")[2], [operand.name for operand in own.operands()]]
                for own in computation.instructions()
            ],
        ]
        for computation in module.computations()
    ]


def sharded():
    mesh = jax.make_mesh((4,), ("x",), axis_types=(jax.sharding.AxisType.Auto,))
    rows, whole = NamedSharding(mesh, P("x")), NamedSharding(mesh, P())
    step = jax.jit(jax.value_and_grad(network), in_shardings=([whole] * 2, rows), out_shardings=(whole, [whole] * 2))
    return step.lower([array(32, 64), array(64, 8)], array(16, 32))


FUSION_OFF = {"xla_disable_hlo_passes": "fusion,dot-library-rewriter,small-while-loop-hoisting"}


def main() -> None:
    programs = []
    lowerings = {name: jax.jit(program).lower(*arguments) for name, (program, *arguments) in PROGRAMS.items()}
    lowerings["sharded"] = sharded()
    client = jax.devices()[0].client
    for name, lowered in lowerings.items():
        compiled = lowered.compile()
        module = compiled.runtime_executable().hlo_modules()[0]
        cost = jax._src.lib._jax.hlo_module_cost_analysis(client, module)
        optimized = {"name": name, "stage": "optimized", "text": compiled.as_text(), "computations": described(module)}
        programs.append({**optimized, "cost": cost})
        if name in ("softmax", "network", "scan", "attention"):
            plain = lowered.compile(compiler_options=FUSION_OFF)
            module = described(plain.runtime_executable().hlo_modules()[0])
            off = {"name": name, "stage": "fusion off", "text": plain.as_text(), "computations": module, "cost": None}
            programs.append(off)
        text = lowered.as_text(dialect="hlo")
        before = described(_hlo.hlo_module_from_text(text))
        programs.append({"name": name, "stage": "hlo", "text": text, "computations": before, "cost": None})
    texts = {}
    for folder in sys.argv[1:]:
        for path in sorted(Path(folder).rglob("*.txt")):
            content = path.read_text(errors="replace")
            if content.startswith("HloModule"):
                try:
                    texts[str(path)] = described(_hlo.hlo_module_from_text(content))
                except Exception as error:  # what XLA itself cannot read is no reference
                    texts[str(path)] = repr(error)
    json.dump({"jax": jax.__version__, "programs": programs, "texts": texts}, sys.stdout)


if __name__ == "__main__":
    main()
