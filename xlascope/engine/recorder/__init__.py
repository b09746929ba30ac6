"""The recorder: runs the user's script as ``__main__`` and sends what JAX does to the keeper."""

from __future__ import annotations

from typing import Any


def prepare(config: dict[str, Any], boot_file: str) -> tuple[Any, tuple[Any, ...]]:
    """Set the process up as plain Python would for the script.

    Returns the guard of the launch, and the plan: a callable and its arguments, each wrapped for ``map``.
    """
    from xlascope.engine.recorder.recording import Recording
    from xlascope.engine.recorder.script import Guard, plan_of

    recording = Recording(config)
    recording.start()
    return Guard(boot_file, recording), plan_of(config)
