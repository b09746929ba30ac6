"""How fast HLO text is parsed, against XLA's own text parser on the same text.

    python tests/benchmarks/bench_hlo_parse.py [INSTRUCTIONS]

The module is a real optimized one (the gradient of a small network with a scan), repeated with new names.
"""

from __future__ import annotations

import re
import sys
import time
import tracemalloc

import jax
import jax.numpy as jnp

from xlascope.ir import parse_hlo


def real_module() -> str:
    """Optimized HLO text of a gradient with fusions and a loop."""

    def layer(x, weights):
        up, down = weights
        normal = (x - x.mean(-1, keepdims=True)) * jax.lax.rsqrt(x.var(-1, keepdims=True) + 1e-5)
        return x + jax.nn.gelu(normal @ up) @ down, x.sum()

    def loss(weights, x):
        x, sums = jax.lax.scan(layer, x, weights)
        return (jax.nn.softmax(x) ** 2).mean() + sums.mean()

    arrays = (jnp.zeros((4, 64, 256)), jnp.zeros((4, 256, 64)))
    return jax.jit(jax.value_and_grad(loss)).lower(arrays, jnp.zeros((8, 32, 64))).compile().as_text()


def large_module(instructions: int) -> str:
    """The real module's computations again and again under new names, one of them the entry."""
    text = real_module()
    start = re.search(r"^(ENTRY )?%\S+ \(", text, re.MULTILINE).start()
    head, body = text[:start], text[start:].rstrip() + "\n\n"
    each = len(re.findall(r"^ +(?:ROOT )?%\S+ = ", body, re.MULTILINE))
    parts = [head]
    for copy in range(-(-instructions // each)):
        renamed = re.sub(r"%([\w.\-]+)", rf"%\1.c{copy}", body)
        parts.append(renamed if copy == 0 else renamed.replace("ENTRY ", ""))
    return "".join(parts)


def main() -> None:
    from jaxlib import _hlo

    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 103_512
    text = large_module(wanted)
    ours, theirs = [], []
    for _ in range(3):
        begin = time.perf_counter()
        module = parse_hlo(text)
        middle = time.perf_counter()
        reference = _hlo.hlo_module_from_text(text)
        theirs.append(time.perf_counter() - middle)
        ours.append(middle - begin)
    computations = reference.computations()
    names = {instruction.name for computation in computations for instruction in computation.instructions()}
    missing = names - set(module.names)
    print(f"{len(module):,} instructions, {len(text) / 1e6:.1f} MB, {len(module.problems)} problems")
    print(f"names of XLA's module that are missing here: {len(missing)} of {len(names):,}")
    print(f"indexed in {min(ours):.2f} s, XLA's parser {min(theirs):.2f} s, ratio {min(ours) / min(theirs):.2f}")
    tracemalloc.start()
    module = parse_hlo(text)
    print(f"memory beyond the text: {tracemalloc.get_traced_memory()[1] / len(text):.1f} x text at its peak")
    begin = time.perf_counter()
    for instruction in module.instructions():
        assert instruction.shape and instruction.operands is not None and instruction.attributes is not None
    seconds = time.perf_counter() - begin
    print(
        f"every detail of every instruction: {seconds:.2f} s (traced), "
        f"{tracemalloc.get_traced_memory()[1] / len(text):.1f} x text"
    )


if __name__ == "__main__":
    main()
