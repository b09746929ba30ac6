"""`xlascope show PROFILE ops` against XProf's op table of the same profile of about 480,000 events: processor time.

usage: XPROF_PYTHON=VENV/bin/python python tests/benchmarks/bench_op_table.py [PROFILE]

Records a profile of a small training loop unless one is given. Both are whole processes, in turn, ours with its modules
compiled. XProf is asked in the cheapest way, by its library, each time in a folder that it has not seen; XPROF_PYTHON is
a Python that has it. Without one ours alone is timed.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.bench_profile_reader import recorded

TARGET = 0.5
ROUNDS = 9
_ASK = """
import json, sys
from xprof.convert import raw_to_tool_data
found, _ = raw_to_tool_data.xspace_to_tool_data([sys.argv[1]], "hlo_stats", {})
print(len(json.loads(found).get("rows", [])))
"""


def spent(command: list[str]) -> tuple[float, str]:
    """Processor time, user and system, of a process and its children, and what it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def of_xprof(python: str, data: bytes) -> tuple[float, str]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "host.xplane.pb"
        file.write_bytes(data)
        return spent([python, "-c", _ASK, str(file)])


def main() -> None:
    data = Path(sys.argv[1]).read_bytes() if len(sys.argv) > 1 else recorded()
    peer = os.environ.get("XPROF_PYTHON")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "host.xplane.pb"
        file.write_bytes(data)
        command = [sys.executable, "-m", "xlascope", "show", str(file), "ops"]
        rows = len(json.loads(spent([*command, "--json"])[1])["rows"])
        pairs = []
        for _ in range(ROUNDS):
            pairs.append((spent(command)[0], of_xprof(peer, data) if peer else None))
    ours = statistics.median(own for own, _ in pairs)
    print(f"{len(data) / 1e6:.1f} MB; ours: {ours:.2f} s of processor time, {rows} rows")
    told = [(own, *other) for own, other in pairs if other is not None]
    if told:
        theirs, ratio = statistics.median(t for _, t, _ in told), statistics.median(a / b for a, b, _ in told)
        print(f"XProf: {theirs:.2f} s, {told[0][2].strip()} rows; median ratio {ratio:.3f} (target: {TARGET} at most)")


if __name__ == "__main__":
    main()
