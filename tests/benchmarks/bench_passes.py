"""Collecting the passes of a large program against compiling it once, in the same process.

    python tests/benchmarks/bench_passes.py [ROUNDS] [BLOCKS]

A gradient through BLOCKS different layers and a loop: some 20,000 instructions, 60 and more snapshots. Plain compile and
collecting take turns, both as a lab does them. Prints as JSON the medians, the ratio of the pairs (wanted: at most 3), by
how much collecting raised the process's peak memory over what compiling needs (wanted: at most 300 MB), what the run file
keeps of it, and what the first `passes` and `diff` take.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import tempfile
import time
import zlib
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp

from xlascope.engine import compat
from xlascope.engine.lab.collect import collect
from xlascope.engine.lab.program import Programs
from xlascope.ir.passes import PassSequence, Snapshot, Texts, compare, read_step
from xlascope.protocol.snapshots import unpack


def lowered(blocks: int) -> Any:
    """A jitted gradient, lowered: layers that are written out, then some that a loop runs."""

    def block(x, w):  # type: ignore[no-untyped-def]
        y = jax.nn.softmax(jnp.tanh(x @ w), axis=-1)
        mean = y.mean(-1, keepdims=True)
        scale = jax.lax.rsqrt(((y - mean) ** 2).mean(-1, keepdims=True) + 1e-5)
        return (y - mean) * scale + x

    def loss(weights, looped, x):  # type: ignore[no-untyped-def]
        for w in weights:
            x = block(x, w)
        x, parts = jax.lax.scan(lambda carry, w: (block(carry, w), jnp.sort(carry, axis=0)[0].sum()), x, looped)
        return (x * x).sum() + parts.sum()

    shape = jax.ShapeDtypeStruct((32, 32), jnp.float32)
    loop = jax.ShapeDtypeStruct((8, 32, 32), jnp.float32)
    return jax.jit(jax.grad(loss, argnums=(0, 1))).lower([shape] * blocks, loop, shape)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(rounds: int, blocks: int) -> dict[str, Any]:
    bytecode = compat.portable_bytecode(lowered(blocks).compiler_ir("stablehlo"))
    programs, blobs = Programs(), {"tagged": bytecode, "stablehlo": bytecode}
    plain, passes, grown = [], [], []
    for number in range(rounds + 1):
        start = time.perf_counter()
        optimized = collect(programs, {"what": "tagged", "record": {}}, blobs, lambda body, found: None)
        middle, before = time.perf_counter(), peak_mb()
        with tempfile.TemporaryDirectory() as folder:
            command = {"what": "passes", "record": {}, "program": "f#1", "folder": folder}
            body, found = collect(programs, command, blobs, lambda body, found: None)
        stop = time.perf_counter()
        grown.append(peak_mb() - before)
        if number:
            plain.append(middle - start)
            passes.append(stop - middle)
    text = optimized[1]["text"].decode()
    steps = [Snapshot(read_step(each["index"], each["step"]), each["text"]) for each in body["snapshots"]]
    start = time.perf_counter()
    sequence = PassSequence(steps, Texts(*unpack(found["lines"], found["rows"], body["lines"])))
    rows = sequence.passes
    listed = time.perf_counter() - start
    diffs = []
    for one, other in pairwise(steps):
        if one.text != other.text:
            start = time.perf_counter()
            compare(sequence.texts, one.text, other.text)
            diffs.append(time.perf_counter() - start)
    return {
        "rounds": rounds,
        "instructions": text.count(" = "),
        "snapshots": len(rows),
        "changed": sum(row.changed for row in rows),
        "compile_s": round(statistics.median(plain), 3),
        "collect_s": round(statistics.median(passes), 3),
        "median_ratio_of_pairs": round(statistics.median(b / a for a, b in zip(plain, passes, strict=True)), 2),
        "peak_growth_mb": round(sum(grown), 1),
        "stored_mb": round(sum(len(zlib.compress(found[name])) for name in ("lines", "rows")) / 1e6, 2),
        "snapshot_text_mb": round(sum(len(sequence.texts.text(each.text)) for each in steps) / 1e6, 1),
        "passes_view_s": round(listed, 2),
        "diff_s": {"median": round(statistics.median(diffs), 3), "largest": round(max(diffs), 3)},
    }


if __name__ == "__main__":
    words = sys.argv[1:]
    print(json.dumps(measure(int(words[0]) if words else 3, int(words[1]) if len(words) > 1 else 70), indent=1))
