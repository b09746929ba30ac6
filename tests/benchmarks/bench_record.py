"""What recording costs: a training loop under `xlascope record`, under plain Python and under `jax.profiler.trace`.

    python tests/benchmarks/bench_record.py [PAIRS] [SECONDS]

Plain and recorded runs alternate; the ratios are medians of pairs. Steady state: the mean step after the first fifth
of the steps, so with every profile window that falls into it. Whole process: from the shell's view, start to end, and
its processor time, all processes together, which a busy machine disturbs less.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).parent / "programs" / "training_loop.py"
WIDTHS = {"small step": 64, "medium step": 512}


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: one step in the steady state, the whole process by the clock, and its processor time."""

    step: float
    process: float
    processor: float


def processor_seconds() -> float:
    """Of all our children that have ended, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(command: list[str], folder: Path) -> tuple[Timing, int]:
    """Runs the loop; returns its timing and how many steps it made."""
    begin, used = time.perf_counter(), processor_seconds()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    process = time.perf_counter() - begin
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    told = json.loads(done.stdout)
    return Timing(told["steady"], process, processor_seconds() - used), told["steps"]


def compare(name: str, width: int, pairs: int, seconds: float, folder: Path) -> None:
    script = [str(SCRIPT), "--width", str(width), "--seconds", str(seconds)]
    plain = [sys.executable]
    record = [str(Path(sys.executable).with_name("xlascope")), "record", "-o", str(folder / "run.xlascope")]
    _, steps = run([*plain, *script], folder)
    script += ["--steps", str(steps)]
    forms = {"plain": [*plain, *script], "record": [*record, *script]}
    times: dict[str, list[Timing]] = {form: [] for form in forms}
    for pair in range(pairs):
        for form in sorted(forms, reverse=bool(pair % 2)):
            (folder / "run.xlascope").unlink(missing_ok=True)
            times[form].append(run(forms[form], folder)[0])
    base = times["plain"]
    print(f"{name}: {steps:,} steps of {statistics.median(t.step for t in base) * 1e6:,.0f} µs, ", end="")
    print(f"process {statistics.median(t.process for t in base):.1f} s, {pairs} pairs")
    told("record", times["record"], base)
    traced, _ = run([*plain, *script, "--trace", str(folder / "trace")], folder)
    told("jax.profiler.trace, one run", [traced], base[-1:])


def told(name: str, times: list[Timing], base: list[Timing]) -> None:
    """One line: median ratios with the range of the pairs."""
    for what in ("step", "process", "processor"):
        ratios = sorted(getattr(t, what) / getattr(b, what) for t, b in zip(times, base, strict=True))
        print(f"  {name}: {what} time x {statistics.median(ratios):.3f}  [{ratios[0]:.3f} – {ratios[-1]:.3f}]")


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 8.0
    print("targets: record's step time x 1.05 at most, process time x 1.25 at most")
    for name, width in WIDTHS.items():
        with tempfile.TemporaryDirectory() as folder:
            compare(name, width, pairs, seconds, Path(folder))


if __name__ == "__main__":
    main()
