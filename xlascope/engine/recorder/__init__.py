"""The recorder: runs the user's script as ``__main__`` and sends what JAX does to the keeper."""

from __future__ import annotations

import sys
from typing import Any


def prepare(config: dict[str, Any], boot_file: str, modules: set[str]) -> tuple[Any, tuple[Any, ...]]:
    """Set the process up as plain Python would for the script.

    ``modules`` are the names in ``sys.modules`` from before the engine was loaded. Returns the guard of the launch, and
    the plan: a callable and, for each of its arguments, a list of one, as ``map`` takes them.
    """
    # All that the recorder needs of the standard library is loaded here: a script may have a json.py of its own.
    from .boot_frame import hide
    from .recording import Recording
    from .script import Guard, plan_of

    recording = Recording(config)
    recording.start()
    plan = hide(boot_file, plan_of(config, lambda error: recording.script_raised(error, None)))
    _forget_imports(modules)
    return Guard(boot_file, recording), plan


def _forget_imports(modules: set[str]) -> None:
    """Leave ``sys.modules`` as the script would find it: its imports then load, or shadow, what they would anyway.

    Native modules named with an underscore stay: nobody shadows those, and some do not like to be loaded twice.
    """
    for name in set(sys.modules) - modules:
        kept = name.partition(".")[0] in {__name__.partition(".")[0], "runpy"} or name == "__main__"
        if not kept and not (name.startswith("_") and getattr(sys.modules[name], "__cached__", None) is None):
            del sys.modules[name]
