"""A long campaign of damaged texts: python tests/ir/campaign.py [COUNT] [SEED] [FILE…]

Damages foreign and hand-written HLO, StableHLO, jaxprs and equation lists in turn, and the given HLO files cut to their
first computations. Ends with 1 and keeps the text at the first failure, or when one takes longer than SLOW_S.
"""

from __future__ import annotations

import random
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from hlo_survival import PAIRS, damaged, survives

SLOW_S = 5.0
LONGEST = 6_000
"""Characters of a file that are damaged: many short texts find more than few long ones."""


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    chance = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    seeds = [(kind, seed) for kind, texts in PAIRS for seed in texts]
    seeds += [("hlo", Path(path).read_text(errors="replace")[:LONGEST]) for path in sys.argv[3:]]
    told: Counter[str] = Counter()
    slowest = 0.0
    for number in range(count):
        kind, seed = seeds[number % len(seeds)]
        text = damaged(seed, chance)
        begun = time.perf_counter()
        try:
            problems = survives(kind, text)
        except Exception:
            traceback.print_exc()
            return kept(kind, text, number, "it failed")
        took = time.perf_counter() - begun
        told[f"{kind}, {'problems named' if problems else 'read'}"] += 1
        slowest = max(slowest, took)
        if took > SLOW_S:
            return kept(kind, text, number, f"it took {took:.1f} s")
    print(f"{count} damaged texts: {dict(told)}, slowest {slowest * 1e3:.1f} ms")
    return 0


def kept(kind: str, text: str, number: int, why: str) -> int:
    path = Path(f"damaged-{number}.{kind}.txt")
    path.write_text(text, errors="surrogatepass")
    print(f"number {number}: {why}; kept as {path.resolve()}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
