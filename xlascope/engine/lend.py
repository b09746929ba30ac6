"""Lends the user's Python pure-Python packages that it lacks, without touching ``sys.path``."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping


def lend(folders: Mapping[str, str]) -> None:
    """Make each package importable from the folder given with its name, where Python does not find one itself."""
    for name, folder in folders.items():
        if importlib.util.find_spec(name) is not None:
            continue
        spec = importlib.util.spec_from_file_location(
            name, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
        )
        if spec is None or spec.loader is None:
            continue
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
