"""Profile reader against jax.profiler.ProfileData walked with stats, on one profile of about 480,000 events.

usage: python tests/benchmarks/bench_profile_reader.py [PROFILE]

Records a profile of a small training loop unless one is given; prints seconds from bytes to op table, seconds of the
walk, and the median ratio of runs in turn.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from xlascope.traces import op_table, read_profile

EVENTS = 480_000
ROUNDS = 5


def recorded() -> bytes:
    import jax
    import jax.numpy as jnp
    from jax._src.lib import _profiler

    def loss(weights, x, y):
        out, _ = jax.lax.scan(lambda h, w: (jnp.tanh(h @ w), None), x, weights)
        return jnp.mean((out - y) ** 2)

    @jax.jit
    def train(weights, x, y):
        value, grad = jax.value_and_grad(loss)(weights, x, y)
        return weights - 0.1 * grad, value

    weights, x, y = jnp.full((6, 16, 16), 0.01), jnp.ones((32, 16)), jnp.ones((32, 16))

    def profile(steps: int) -> bytes:
        session = _profiler.ProfilerSession(_profiler.ProfileOptions())
        for _ in range(steps):
            jax.block_until_ready(train(weights, x, y))
        return session.stop()

    profile(3)
    per_step = read_profile(profile(50)).events_total / 50
    return profile(round(EVENTS / per_step))


def walk(data: bytes) -> int:
    """What a user of the public API does to get at op times: every event with its stats."""
    from jax.profiler import ProfileData

    count = 0
    for plane in ProfileData.from_serialized_xspace(data).planes:
        for line in plane.lines:
            for event in line.events:
                stats = dict(event.stats)
                count += 1 + 0 * len(stats) + 0 * int(event.start_ns + event.duration_ns)
    return count


def seconds(call, data: bytes) -> float:
    begun = time.perf_counter()
    call(data)
    return time.perf_counter() - begun


def main() -> None:
    data = Path(sys.argv[1]).read_bytes() if len(sys.argv) > 1 else recorded()
    times = op_table(read_profile(data))
    pairs = [(seconds(lambda d: op_table(read_profile(d)), data), seconds(walk, data)) for _ in range(ROUNDS)]
    own, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"profile: {len(data) / 1e6:.1f} MB, {walk(data):,} events, coverage {times.coverage:.3f}")
    print(f"bytes to op table: {own:.2f} s; ProfileData walked with stats: {theirs:.2f} s; median ratio {ratio:.3f}")


if __name__ == "__main__":
    main()
