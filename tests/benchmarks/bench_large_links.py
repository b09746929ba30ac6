"""How long a recorded program of some 100,000 instructions with exact links takes until its graph and links are there.

    python tests/benchmarks/bench_large_links.py [LAYERS | RUN]

A training step of an unrolled transformer is recorded, or a run file of it read; then it is asked for as the screen
does: the text and the graph of the text first, then the graph with times and links. Processor time; wanted: 2 s for
the graph. Recording compiles the program twice, which takes minutes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xlascope.tui.feeding.feed import Feed
from xlascope.tui.frame_pauses import calm_collector

SCRIPT = """
import sys
import jax, jax.numpy as jnp

def normal(x):
    h = x - x.mean(-1, keepdims=True)
    return h / jnp.sqrt((h * h).mean(-1, keepdims=True) + 1e-6)

def block(p, x):
    h = normal(x)
    q, k, v = h @ p["q"], h @ p["k"], h @ p["v"]
    x = x + jax.nn.softmax(q @ k.T / 4.0, axis=-1) @ v @ p["o"]
    return x + jnp.tanh(normal(x) @ p["u"]) @ p["d"]

def loss(params, x):
    for p in params:
        x = block(p, x)
    return jnp.mean(x ** 2)

@jax.jit
def step(params, x):
    return jax.tree.map(lambda p, g: p - 0.01 * g, params, jax.grad(loss)(params, x))

one = {n: jax.random.normal(jax.random.key(i), (16, 16)) * 0.1 for i, n in enumerate("qkvoud")}
jax.block_until_ready(step([dict(one) for _ in range(int(sys.argv[1]))], jnp.ones((8, 16))))
"""


def record(folder: Path, layers: int) -> Path:
    (folder / "deep.py").write_text(SCRIPT)
    path = folder / "run.xlascope"
    command = [sys.executable, "-m", "xlascope", "record", "--finish-budget", "900", "-o", str(path)]
    subprocess.run([*command, str(folder / "deep.py"), str(layers)], check=True, capture_output=True)
    return path


def timed(what: str, work: Callable[[], Any]) -> Any:
    begin = time.process_time()
    result = work()
    print(f"{what:32} {time.process_time() - begin:6.2f} s of processor time", flush=True)
    return result


def measure(path: Path) -> None:
    feed, program = Feed(path), "step#1"
    calm_collector()
    feed.open()
    feed.overview()
    timed("profile windows, read once", lambda: feed.query("devices", program=program))
    timed("text", lambda: feed.stage(program, "optimized", None, None))
    timed("graph of the text alone", lambda: feed.graph_of_text(program))
    graph = timed("graph with exact links", lambda: feed.graph(program))
    timed("times of ops", lambda: feed.ops(program))
    table = timed("times of equations", lambda: feed.equations(program))
    timed("links between the panes", lambda: feed.links(program, None, table, ["optimized", "jaxpr"]))
    print(f"{len(graph.nodes):,} instructions, {len(table.rows):,} equations; links exact: {table.exact}")


def main() -> None:
    given = sys.argv[1] if len(sys.argv) > 1 else "40"
    if not given.isdigit():
        measure(Path(given))
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(record(Path(folder), int(given)))


if __name__ == "__main__":
    main()
