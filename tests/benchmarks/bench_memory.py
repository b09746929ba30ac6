"""How much more memory a script's process takes under `xlascope record`, and whether that grows with the run.

    python tests/benchmarks/bench_memory.py [COMPILES]

A script compiles one function for many shapes, the worst a recorder meets. Target: at most 50 MB more than plain.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPT = Path(__file__).parent / "programs" / "many_compiles.py"


def told(command: list[str]) -> list[float]:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def main() -> None:
    compiles = sys.argv[1] if len(sys.argv) > 1 else "300"
    with tempfile.TemporaryDirectory() as folder:
        run_file = Path(folder) / "run.xlascope"
        xlascope = str(Path(sys.executable).with_name("xlascope"))
        plain = told([sys.executable, str(SCRIPT), compiles])
        recorded = told([xlascope, "record", "-o", str(run_file), str(SCRIPT), compiles])
        size = run_file.stat().st_size / 1e6
    more = [round(r - p, 1) for r, p in zip(recorded, plain, strict=True)]
    print(f"resident MB after each 50 compiles, plain:    {plain}")
    print(f"resident MB after each 50 compiles, recorded: {recorded}")
    print(f"more: {more}; target 50 at most, ratio {max(more) / 50:.2f}; run file {size:.1f} MB")


if __name__ == "__main__":
    main()
