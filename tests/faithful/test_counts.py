"""How often functions of a short script were called, in windows that open and close while it runs."""

import subprocess

from tests.faithful.harness import recorder, show
from xlascope.runfile import Reader

SCRIPT = """
import time, jax, jax.numpy as jnp
early, late = jax.jit(lambda x: x + 1), jax.jit(lambda x: jnp.tanh(x) @ x)
early.__wrapped__.__qualname__, late.__wrapped__.__qualname__ = "early", "late"
x = jnp.ones((8, 8))
early(x)
time.sleep(1.5)  # the first window is over, and the pause after which the next may open
for _ in range(40):
    x = late(x) * 0.1
x.block_until_ready()
"""


def test_a_function_called_only_at_the_end_is_counted(tmp_path):
    script, run_file = tmp_path / "late.py", tmp_path / "run.xlascope"
    script.write_text(SCRIPT)
    assert subprocess.run([*recorder(run_file), str(script)], cwd=tmp_path, capture_output=True).returncode == 0
    late = next(row for row in show(run_file, "programs")["programs"] if row["equations"] == 2)
    (function,) = [row for row in show(run_file, "functions")["functions"] if late["id"] in row["programs"]]
    assert (function["calls"], function["calls_exact"]) == (40, True)
    with Reader(run_file) as reader:
        (end,) = [record.json["start_ns"] for record in reader.records("phase") if record.json["name"] == "finish"]
        assert all(chunk.json["start_ns"] <= end for chunk in reader.chunks("profile"))
