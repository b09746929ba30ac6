"""What the recorder takes for a moment it gives back: a run of any length keeps its size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# One of 1,500 calls, then as many windows as a day has under the growing intervals, and more.
WINDOWS = """
import json, sys
import jax, jax.numpy as jnp
from xlascope.engine.recorder.windows import Windows

class Sink:
    alive = True
    sizes = []
    def send(self, body, blobs):
        self.sizes.append(len(blobs["data"]))
    def drop(self, *what):
        raise SystemExit(what)

def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1000 for line in status if line.startswith("VmRSS"))

@jax.jit
def f(x):
    for _ in range(10):
        x = jnp.tanh(x @ x.T) @ x
    return x

x = f(jnp.ones((5, 8))).block_until_ready()
windows = Windows(Sink(), 0.1)
def window(calls):
    windows.open_first()
    for _ in range(calls):
        y = f(x)
    y.block_until_ready()
    windows.close()
    return resident()
window(1)
before = resident()
large = window(1500)
small = [window(50) for _ in range(80)]
print(json.dumps({"large": large - before, "growth": small[-1] - small[10], "sizes": Sink.sizes}))
"""


BYTECODE = """
import ctypes, gc
import jax, numpy as np
from xlascope.engine import compat

def resident():
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

modules = [jax.jit(lambda x: x * 2).lower(np.ones(n, np.float32))._lowering.stablehlo() for n in range(1, 80)]
for module in modules[:20]:
    compat.portable_bytecode(module)
before = resident()
for module in modules[20:]:
    compat.portable_bytecode(module)
print((resident() - before) / 59)
"""
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="resident size is read from /proc")


def told(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=150, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


@LINUX
def test_windows_leave_no_memory_behind() -> None:
    seen = json.loads(told(WINDOWS))
    assert seen["sizes"][1] > 3_000_000 and len(seen["sizes"]) == 82
    assert seen["large"] < 25  # MB; some 100 before they were given back
    assert seen["growth"] < 5


@LINUX
def test_bytecode_of_a_module_leaves_nothing_in_it() -> None:
    assert float(told(BYTECODE)) < 10  # KB for each module; some 30 when it is made in the module's own context
