"""`xlascope show … ops` of a profile of 15,000,000 events: seconds, memory, and against jax.profiler.ProfileData.

usage: python tests/benchmarks/bench_large_profile.py [EVENTS]

A recorded profile of a small training loop is written again and again, each time later, until EVENTS are there. The walk
with ProfileData, every event with its stats, is timed on the recording alone and told for one event.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.bench_profile_reader import recorded, seconds, walk
from tests.traces.xspace_proto import XSpace

EVENTS = 15_000_000
APART_NS = 60_000_000_000


def tiled(data: bytes, events: int, path: Path) -> int:
    """Write the recording over and over; gives the number of events."""
    space = XSpace.FromString(data)
    own = sum(len(line.events) for plane in space.planes for line in plane.lines)
    copies = -(-events // own)
    with path.open("wb") as file:
        for _ in range(copies):
            file.write(space.SerializeToString())
            for plane in space.planes:
                for line in plane.lines:
                    line.timestamp_ns += APART_NS
    return own * copies


# The memory of a process counts from its fork on: a small one starts the command, not this one with its profile.
_RUN = """
import resource, subprocess, sys, time
begun = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def shown(path: Path) -> tuple[float, int]:
    """Seconds of `xlascope show PATH ops`, start of Python included, and KiB of memory at most."""
    command = [sys.executable, "-m", "xlascope", "show", str(path), "ops", "--json"]
    done = subprocess.run([sys.executable, "-c", _RUN, *command], check=True, stdout=subprocess.PIPE, text=True)
    taken, peak = done.stdout.split()
    return float(taken), int(peak)


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    data = recorded()
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "large.xplane.pb"
        events = tiled(data, wanted, large)
        taken, peak = shown(large)
        each = seconds(walk, data) / walk(data)
        print(f"{large.stat().st_size / 1e6:,.0f} MB, {events:,} events: {taken:.1f} s, {peak * 1024 / 1e9:.2f} GB at most")
        print(
            f"for one event {taken / events * 1e6:.2f} µs; ProfileData walked with stats {each * 1e6:.2f} µs; "
            f"ratio {taken / events / each:.3f}"
        )


if __name__ == "__main__":
    main()
