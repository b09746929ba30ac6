"""Recording a script with the command, for tests that need a real run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def record_script(folder: Path, text: str, *options: str, argv: tuple[str, ...] = ()) -> Path:
    """Writes ``script.py`` into a folder and records it there, on CPU; returns the run file."""
    script, path = folder / "script.py", folder / "run.xlascope"
    script.write_text(text)
    command = [sys.executable, "-m", "xlascope", "record", "--finish-budget", "60", *options, "-o", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [*command, str(script), *argv], capture_output=True, text=True, env=environment, cwd=folder, timeout=150
    )
    assert done.returncode == 0, done.stderr
    return path
