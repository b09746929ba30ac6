"""From a switch to its result: what a measurement takes beyond its compiles and its samples.

    python tests/benchmarks/bench_switch.py [SCRIPT [ARGS…]]

Records the transformer demo (a script of few functions is best) as the screen does, with a lab that is warm, and
measures the function that the script calls most, while the script runs. A second time each switch finds its lab at
work already. Compile times are those that the measurement reports; of the time that samples take, what is announced as
sampling. Both in seconds. Target: one second beyond them.
"""

from __future__ import annotations

import queue
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from xlascope.session.keeper import Keeper
from xlascope.session.plan import LaunchPlan

DEMO = Path(__file__).resolve().parents[2] / "xlascope" / "demo" / "transformer.py"
SWITCHES: list[dict[str, Any]] = [
    {"fusion": "off"}, {"passes_off": ["algsimp"]}, {"devices": 8}, {"jit": "off"},
    {"fusion": "off"}, {"devices": 8},
]  # fmt: skip
READY_S = 6.0
BUDGET_S = 1.0


def measured(keeper: Keeper, events: queue.Queue[dict[str, Any]], program: str, switches: dict[str, Any]) -> None:
    begin = time.monotonic()
    ticket = keeper.measure(program, switches, BUDGET_S)
    sampling, since = 0.0, None
    while True:
        event = events.get(timeout=120)
        if event.get("id") != ticket:
            continue
        now = time.monotonic()
        at = (event.get("activity"), event.get("detail"))
        is_sampling = at[0] == "measuring" and at[1] not in ("preparing", "profiling")
        if since is not None and not is_sampling:
            sampling, since = sampling + now - since, None
        elif since is None and is_sampling:
            since = now
        if event["kind"] == "result":
            break
    total = now - begin
    if not event.get("ok"):
        print(f"  {switches}: {event.get('error')}")
        return
    new = [event.get("compile_ns") or 0, event.get("baseline_compile_ns") or 0]
    once = total - sampling - new[0] / 1e9
    print(f"  {switches}: {total:.2f} s in all, sampling {sampling:.2f} s, compile {new[0] / 1e9:.2f} s, baseline's "
          f"{new[1] / 1e9:.2f} s; beyond them {once:.2f} s, or {once - new[1] / 1e9:.2f} s if the baseline was compiled for it")


def main() -> None:
    script, *argv = sys.argv[1:] or [str(DEMO), "--steps", "1000000"]
    with tempfile.TemporaryDirectory() as folder:
        events: queue.Queue[dict[str, Any]] = queue.Queue()
        plan = LaunchPlan(script, None, tuple(argv), sys.executable, stay=True)
        keeper = Keeper(plan, Path(folder) / "run.xlascope", warm=True)
        keeper.subscribe(events.put)
        keeper.start()
        try:
            program, end = None, time.monotonic() + 90
            while program is None and time.monotonic() < end:
                event = events.get(timeout=90)
                if event["kind"] == "record" and str(event.get("program") or "").startswith("train_step"):
                    program = str(event["program"])
            if program is None:
                raise SystemExit("the script compiled no train_step")
            time.sleep(READY_S)
            print(f"{Path(script).name}: {program}, budget of the samples {BUDGET_S:g} s")
            for switches in SWITCHES:
                measured(keeper, events, program, switches)
        finally:
            keeper.stop()


if __name__ == "__main__":
    main()
