"""Lines of a function that lies in a module of the user's, which the script imports and calls."""

from __future__ import annotations

from pathlib import Path

from recording import record_script

from xlascope.ir import Frame
from xlascope.views import open_source, query
from xlascope.views.provenance.positions import Own

MODEL = """import jax
import jax.numpy as jnp

@jax.jit
def step(w, x):
    h = jnp.tanh(x @ w)
    return jnp.sort(h, axis=0) @ w

def train(w, x):
    return step(w, x)
"""
SCRIPT = """import jax.numpy as jnp
import model
w, x = jnp.ones((64, 64)), jnp.ones((32, 64))
for _ in range(5):
    model.step(w, x).block_until_ready()
"""


def test_ops_stand_at_the_lines_of_the_function_and_not_at_its_call(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    with open_source(record_script(tmp_path, SCRIPT)) as source:
        rows = [row for row in query("ops", source, program="step").rows if row.equations]
        assert rows and {(Path(row.file or "").name, row.line) for row in rows} <= {("model.py", 6), ("model.py", 7)}
        assert {row.line for row in rows} == {6, 7}


def test_frames_around_the_function_called_it() -> None:
    frames = [Frame("/m.py", "g", 6), Frame("/m.py", "train", 10), Frame("/s.py", "<module>", 5)]
    assert Own("/s.py", "/m.py").place(frames) == ("/m.py", 6)
    # What it calls of the script is inside of it, and a function of the script's stands at the script's own line.
    back = [Frame("/n.py", "h", 2), Frame("/s.py", "f", 3), *frames]
    assert Own("/s.py", "/m.py").place(back) == ("/s.py", 3) == Own("/s.py", "/s.py").place(back)
    assert Own("/s.py", "/elsewhere.py").place(frames) == ("/s.py", 5)
