"""How much more memory a script's process takes under `xlascope record`, and whether that grows with the run.

    python tests/benchmarks/bench_memory.py [COMPILES]

One script compiles one function for many shapes, another runs loops of which a profile notes much while it is open.
Target: at most 50 MB more than plain; the peak, of some tens of milliseconds as a profile ends, is told beside it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"


def told(command: list[str]) -> list[float]:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def pair(script: Path, *arguments: str) -> tuple[list[float], list[float], float]:
    """Megabytes told plain and recorded, and those of the run file."""
    with tempfile.TemporaryDirectory() as folder:
        run_file = Path(folder) / "run.xlascope"
        xlascope = str(Path(sys.executable).with_name("xlascope"))
        plain = told([sys.executable, str(script), *arguments])
        recorded = told([xlascope, "record", "-o", str(run_file), str(script), *arguments])
        return plain, recorded, run_file.stat().st_size / 1e6


def main() -> None:
    plain, recorded, size = pair(PROGRAMS / "many_compiles.py", sys.argv[1] if len(sys.argv) > 1 else "300")
    more = [round(r - p, 1) for r, p in zip(recorded, plain, strict=True)]
    print(f"resident MB after each 50 compiles, plain:    {plain}")
    print(f"resident MB after each 50 compiles, recorded: {recorded}")
    print(f"more: {more}; target 50 at most, ratio {max(more) / 50:.2f}; run file {size:.1f} MB")
    plain, recorded, size = pair(PROGRAMS / "long_loops.py")
    more = [round(r - p, 1) for r, p in zip(recorded, plain, strict=True)]
    print(f"resident MB and its peak after each of three loops, plain:    {plain}")
    print(f"resident MB and its peak after each of three loops, recorded: {recorded}")
    print(f"more: {more[::2]}; target 50 at most, ratio {max(more[::2]) / 50:.2f}; at the peak {more[1::2]}")


if __name__ == "__main__":
    main()
