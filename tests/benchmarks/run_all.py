"""Runs benchmarks and writes what they print to RESULTS.md, with the machine and the versions.

    python -m tests.benchmarks.run_all [NAME…]

A NAME is a file's name without `bench_` and `.py`; sections of benchmarks that were not run stay as they were.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "RESULTS.md"
HEAD = """# Results of the benchmarks

Written by `python -m tests.benchmarks.run_all`. Each section names its machine; a shared machine adds noise, which is
why the ratios are medians of pairs.
"""


def machine() -> str:
    """One line: processor, cores, load, versions."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    versions = ", ".join(f"{name} {version(name)}" for name in ("jax", "numpy", "textual"))
    return (
        f"{cpu.group(1) if cpu else platform.machine()}, {os.cpu_count()} cores, load before the run "
        f"{os.getloadavg()[0]:.1f}; Python {platform.python_version()}, {versions}; "
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    )


def sections() -> dict[str, str]:
    """The sections of the results file by name."""
    if not RESULTS.exists():
        return {}
    parts = re.split(r"^## (\S+)\n", RESULTS.read_text(), flags=re.MULTILINE)[1:]
    return {name: body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}


def run(name: str) -> str | None:
    """A section's text, or None when the benchmark failed (its error is shown)."""
    where = machine()
    command = [sys.executable, str(FOLDER / f"bench_{name}.py")]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=FOLDER.parents[1])
    if done.returncode:
        print(f"{name}: exit code {done.returncode}", file=sys.stderr)
        return None
    print(done.stdout)
    return f"{where}\n\n```\n{done.stdout.rstrip()}\n```"


def main() -> int:
    known = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    names = sys.argv[1:] or known
    failed = False
    for name in names:
        print(f"== {name}", flush=True)
        text = run(name)
        failed = failed or text is None
        if text is not None:
            found = {**sections(), name: text}
            RESULTS.write_text(HEAD + "".join(f"\n## {key}\n\n{found[key]}\n" for key in sorted(found)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
