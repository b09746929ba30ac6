"""A text pane over 1,000,000 lines of HLO: frames at random jumps, memory, search.

    python tests/benchmarks/bench_text_pane.py [LINES]

A frame is timed from the jump to the end of the compositor's update, the bytes for the terminal included, as time that
passed and as time of the processor, which other programs on the machine do not lengthen. Memory is
what the process grew by while the pane took the text, the text itself included (tracemalloc, so numpy-free Python
objects count too). Wanted: 95 % of the frames in 16 ms, memory at most 3 times the text, `/` at the last line in 1 s.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
import time
import tracemalloc
from typing import Any

from textual.app import App

from xlascope.tui.frame_pauses import calm_collector
from xlascope.tui.text.lines import TextLines
from xlascope.tui.widgets.text_pane import LineMark, TextPane

SIZE = (200, 60)
JUMPS = 400


class Host(App[None]):
    def __init__(self, pane: TextPane):
        super().__init__()
        self.pane = pane

    def compose(self) -> Any:
        yield self.pane


def make_text(lines: int) -> str:
    """Lines as an optimized module has them, each another one."""
    chance = random.Random(0)
    made = []
    for number in range(lines - 1):
        width = chance.choice((8, 64, 128, 4096))
        made.append(
            f"  %multiply_add_fusion.{number} = f32[{width},64]{{1,0}} fusion(%param_{number % 97}, "
            f"%copy.{number // 3}), kind=kLoop, calls=%fused_computation.{number}, "
            f'metadata={{op_name="jit(step)/mul" stack_frame_id={number % 50}}}'
        )
    made.append("  ROOT %the_very_last_line = f32[] add(%a, %b)")
    return "\n".join(made) + "\n"


async def measure(lines: int) -> dict[str, Any]:
    text = make_text(lines)
    data = text.encode()
    del text
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    begin = time.perf_counter()
    source = TextLines(data)
    index_s = time.perf_counter() - begin
    pane = TextPane()
    pane.set_content(source, "hlo", marks={row: LineMark(0.1, True) for row in range(0, lines, 1000)})
    after, peak = (value - before for value in tracemalloc.get_traced_memory())
    tracemalloc.stop()
    app = Host(pane)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        calm_collector()
        frames, busy = await jumps(app, pane, lines)
        begin = time.perf_counter()
        row = source.find("the_very_last", 0)
        search_s = time.perf_counter() - begin
        assert row == lines - 1
        begin = time.perf_counter()
        assert source.find("THE_VERY_LAST", 0) is None
        case_s = time.perf_counter() - begin
        begin = time.perf_counter()
        pane.start_search("the_very_last")
        while pane.cursor != lines - 1:
            await asyncio.sleep(0.001)
        key_s = time.perf_counter() - begin
    return {
        "lines": lines,
        "text_mb": round(len(data) / 1e6, 1),
        "index_s": round(index_s, 3),
        "memory_over_text": round((len(data) + after) / len(data), 2),
        "peak_over_text": round((len(data) + peak) / len(data), 2),
        "frame_ms": percentiles(frames),
        "frame_cpu_ms": percentiles(busy),
        "search_s": {"ignoring case": round(search_s, 3), "exact": round(case_s, 3), "in the pane": round(key_s, 3)},
    }


def percentiles(frames: list[float]) -> dict[str, float]:
    frames = sorted(frames)
    return {
        "median": round(statistics.median(frames), 2),
        "p95": round(frames[int(0.95 * len(frames))], 2),
        "worst": round(frames[-1], 2),
    }


async def jumps(app: App[None], pane: TextPane, lines: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each frame that passed, and that the processor was busy."""
    chance = random.Random(1)
    frames, busy = [], []
    compositor = app.screen._compositor
    for _ in range(JUMPS):
        row = chance.randrange(lines)
        begin, worked = time.perf_counter(), time.process_time()
        pane.go_to(row, centre=True)
        compositor.update_widgets({pane})
        update = compositor.render_update(full=True)
        update.render_segments(app.console)
        frames.append((time.perf_counter() - begin) * 1e3)
        busy.append((time.process_time() - worked) * 1e3)
        await asyncio.sleep(0)
    return frames, busy


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))))
