"""Crossings of twenty graphs of up to 300 nodes, against grandalf's Sugiyama layout.

python tests/benchmarks/bench_crossings.py
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "graphs"))

from crossing_count import grandalfs, layered, ours


def main() -> None:
    print("target: crossings x 1.5 of grandalf's at most; each link counted as a line of its own")
    total = peer = 0
    ratios = []
    for number in range(20):
        size = 20 + 280 * number // 19
        links = layered(size, size)
        begin = time.perf_counter()
        own = ours(size, links)
        middle = time.perf_counter()
        theirs = grandalfs(size, links)
        end = time.perf_counter()
        total, peer = total + own, peer + theirs
        ratios.append(own / max(theirs, 1))
        print(
            f"{size:4} nodes {len(links):4} links: {own:5} crossings, grandalf {theirs:5}, ratio {ratios[-1]:.2f}; "
            f"{middle - begin:.2f} s, grandalf {end - middle:.2f} s"
        )
    print(f"all: {total} to {peer}, ratio {total / peer:.2f}; largest ratio of one graph {max(ratios):.2f}")


if __name__ == "__main__":
    main()
