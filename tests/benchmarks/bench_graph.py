"""How long a large module takes from text to picture.

python tests/benchmarks/bench_graph.py [INSTRUCTIONS]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from bench_hlo_parse import large_module

from xlascope.graphs import build_graph, layout, layout_compact, render, search, visible
from xlascope.ir import parse_hlo


def timed(what: str, work: Callable[[], Any]) -> Any:
    begin = time.perf_counter()
    result = work()
    print(f"{what:44} {1000 * (time.perf_counter() - begin):8.1f} ms")
    return result


def main() -> None:
    text = large_module(int(sys.argv[1]) if len(sys.argv) > 1 else 103_512)
    module = timed("index the text", lambda: parse_hlo(text))
    graph = timed("build the graph", lambda: build_graph(module))
    shown = timed("choose 500 boxes", lambda: visible(graph))
    print(f"{len(graph.nodes):,} instructions, {len(graph.groups):,} groups, {shown.left_out:,} boxes left out")
    placed = timed("lay out", lambda: layout(shown, 120))
    timed("lay out, compact form", lambda: layout_compact(shown, 120))
    timed("draw 60 rows", lambda: render(placed, rows=(100, 160)))
    timed(f"draw all {placed.height:,} rows", lambda: render(placed))
    timed("search", lambda: search(graph, "no such instruction"))


if __name__ == "__main__":
    main()
