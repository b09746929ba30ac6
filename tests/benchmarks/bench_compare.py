"""Two runs of a script compared: how often the same program gets a verdict, and whether one slowed function is found.

Six functions in a loop of four seconds, recorded five times as they are and three times with a fifth more work in one.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from xlascope.views.compare import Compare, compare
from xlascope.views.comparing.sides import open_sides

ROOT = Path(__file__).parents[2]
AS_IT_IS, SLOWED = 5, 3
SCRIPT = """
import sys, time
import jax, jax.numpy as jnp

ROUNDS = int(sys.argv[1])

@jax.jit
def product(x): return jnp.tanh(x @ x)

@jax.jit
def scores(x): return jax.nn.softmax(x @ x.T, axis=-1)

@jax.jit
def order(x): return jnp.sort(x, axis=0)

@jax.jit
def waves(x):
    y = x
    for _ in range(ROUNDS): y = jnp.sin(y) + x
    return y

@jax.jit
def sums(x): return jnp.cumsum(x, axis=1) * jnp.exp(x)

@jax.jit
def norms(x): return jnp.linalg.norm(x @ x + x, axis=0)

x = jnp.linspace(0, 1, 192 * 192).reshape(192, 192)
end = time.time() + 4
while time.time() < end:
    for f in (product, scores, order, waves, sums, norms):
        f(x).block_until_ready()
"""


def record(folder: Path, name: str, rounds: int) -> Path:
    script, path = folder / "script.py", folder / f"{name}.xlascope"
    script.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", "XDG_CACHE_HOME": str(folder)}
    command = [sys.executable, "-m", "xlascope", "record", "-o", str(path), str(script), str(rounds)]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return path


def compared(a: Path, b: Path) -> Compare:
    first, second = open_sides(str(a), str(b))
    with first.source, second.source:
        return compare(first, second)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_CACHE_HOME"] = name
        folder = Path(name)
        same = [record(folder, f"same{k}", 10) for k in range(AS_IT_IS)]
        slow = [record(folder, f"slow{k}", 12) for k in range(SLOWED)]
        pairs = [compared(a, b) for a, b in itertools.combinations(same, 2)]
        verdicts = [each.verdict for answer in pairs for each in answer.programs]
        wrong = sum(each in ("slower", "faster") for each in verdicts)
        busy = max(each.others_b or 0.0 for each in pairs)
        print("target: the same program gets a verdict at most once in 20; a fifth more work is found alone")
        print(f"cores that other processes kept busy: up to {busy:.1f}")
        print(f"the same: {wrong} of {len(verdicts)} with a verdict, {verdicts.count('same')} same, "
              f"{verdicts.count('unclear')} unclear")  # fmt: skip
        found = alone = 0
        for a, b in itertools.product(same, slow):
            said = {each.function for each in compared(a, b).programs if each.verdict in ("slower", "faster")}
            found, alone = found + ("waves" in said), alone + (said == {"waves"})
        print(f"slowed: found in {found} of {AS_IT_IS * SLOWED} pairs, alone in {alone}")


if __name__ == "__main__":
    main()
