"""A long campaign of damaged profiles: python -m tests.traces.campaign [COUNT] [SEED] [PROFILE…]

Damages the hand-written forms and the given profiles in turn. Ends with 1 and keeps the bytes at the first failure,
or when one profile takes longer than SLOW_S.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np

from tests.traces.mutate import mutated, survives
from tests.traces.test_profile_forms import tpu_space
from tests.traces.test_profile_fuzz import small_cpu
from tests.traces.xspace_proto import XSpace

SLOW_S = 5.0


def shortened(path: str) -> bytes:
    """The profile with the first events of each line only, so that many can be read."""
    space = XSpace.FromString(Path(path).read_bytes())
    for plane in space.planes:
        for line in plane.lines:
            del line.events[60:]
    return space.SerializeToString()


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    forms = [small_cpu(), tpu_space().bytes(), *map(shortened, sys.argv[3:])]
    rng = np.random.default_rng(seed)
    told: Counter[str] = Counter()
    slowest = 0.0
    for i in range(count):
        data = mutated(forms[i % len(forms)], rng)
        begun = time.perf_counter()
        try:
            told[survives(data)] += 1
        except Exception:
            traceback.print_exc()
            return kept(data, i, "it failed")
        took = time.perf_counter() - begun
        slowest = max(slowest, took)
        if took > SLOW_S:
            return kept(data, i, f"it took {took:.1f} s")
    print(f"{count} damaged profiles: {dict(told)}, slowest {slowest * 1e3:.1f} ms")
    return 0


def kept(data: bytes, number: int, why: str) -> int:
    path = Path(f"damaged-{number}.xplane.pb")
    path.write_bytes(data)
    print(f"number {number}: {why}; kept as {path.resolve()}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
