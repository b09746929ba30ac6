"""How long a large module takes from text to picture, and a frame of it at any place.

python tests/benchmarks/bench_graph.py [INSTRUCTIONS]
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench_hlo_parse import large_module

from xlascope.graphs import build_graph
from xlascope.graphs.compact import layout_compact
from xlascope.graphs.folds import Folds
from xlascope.graphs.layout import layout
from xlascope.graphs.navigate import search
from xlascope.graphs.visible import visible
from xlascope.ir import parse_hlo
from xlascope.tui.frame_pauses import calm_collector

sys.path.insert(0, str(Path(__file__).parents[1] / "tui"))


def timed(what: str, work: Callable[[], Any]) -> Any:
    begin = time.process_time()
    result = work()
    print(f"{what:44} {1000 * (time.process_time() - begin):8.1f} ms of processor time")
    return result


def flat(instructions: int) -> str:
    """One long computation without names: nothing to fold by but its order."""
    chance = random.Random(1)
    lines = ["%x.0 = f32[4,128]{1,0} parameter(0)"]
    lines += [
        f"%x.{n} = f32[4,128]{{1,0}} add(%x.{n - 1}, %x.{max(0, n - chance.randint(1, 30))})"
        for n in range(1, instructions)
    ]
    lines[-1] = "ROOT " + lines[-1]
    return "HloModule m\nENTRY %e () -> f32[4,128] {\n" + "\n".join(lines) + "\n}\n"


async def frames(text: str) -> None:
    """The pane itself: from a parsed module to the picture, then frames at random places with many groups open."""
    from hosting import Host

    from xlascope.tui.widgets.graph_pane import GraphPane

    module = parse_hlo(text)
    app = Host(GraphPane())
    async with app.run_test(size=(160, 51)) as pilot:
        view = pilot.app.widget

        async def laid() -> float:
            begin = time.process_time()
            while view.placed is None or view.placed.visible.opened != view.opened:
                await pilot.pause(0.01)
            await pilot.pause()
            return time.process_time() - begin

        begin = time.process_time()
        graph = build_graph(module)
        view.set_graph(graph)
        await laid()
        print(f"on screen after {time.process_time() - begin:.2f} s of processor time; target 2 s at most")
        opened = {group.id for group in graph.groups[:120]}
        opened |= {each for group in list(opened) for each in view.folds.ancestors(group)}
        view.opened = frozenset(opened)
        view.lay_out()
        await laid()
        chance, times = random.Random(1), []
        for _ in range(200):
            view.scroll_rows(chance.randrange(max(view.row_count() - 50, 1)))
            view.redraw()
            begin = time.process_time()
            for line in range(view.size.height):
                view.render_line(line)
            times.append(1000 * (time.process_time() - begin))
        times.sort()
        shown = view.placed.visible.shown
        print(
            f"frame of 50 lines, nothing cached, {view.row_count():,} rows, {shown} boxes: median "
            f"{statistics.median(times):.1f} ms, p95 {times[189]:.1f} ms, worst {times[-1]:.1f} ms; target 16 ms"
        )


def main() -> None:
    calm_collector()  # as the screen does
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 103_512
    text = large_module(wanted)
    module = timed("index the text", lambda: parse_hlo(text))
    tracemalloc.start()
    graph = build_graph(module)
    shown = visible(graph, folds=Folds(graph))
    print(f"memory of graph and picture: {tracemalloc.get_traced_memory()[1] / len(text):.1f} x text")
    tracemalloc.stop()
    graph = timed("build the graph", lambda: build_graph(parse_hlo(text)))
    shown = timed("choose boxes", lambda: visible(graph, folds=Folds(graph)))
    print(f"{len(graph.nodes):,} instructions, {len(graph.groups):,} groups, {shown.shown} boxes at first")
    timed("lay out", lambda: layout(shown, 120))
    timed("lay out, compact form", lambda: layout_compact(shown, 120))
    timed("search", lambda: search(graph, "no such instruction"))
    asyncio.run(frames(text))
    for size in (20_000, 100_000):
        graph = build_graph(parse_hlo(flat(size)))
        shown = timed(
            f"one computation of {size:,}: choose boxes", lambda graph=graph: visible(graph, folds=Folds(graph))
        )
        print(f"  {shown.shown} boxes at first")


if __name__ == "__main__":
    main()
