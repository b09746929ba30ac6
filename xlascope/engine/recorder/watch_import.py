"""Tells when a module's import begins and ends, with no frame of ours in it and nothing in ``sys.meta_path``.

The import system sets ``_initializing`` on the module's spec around the module's execution. While somebody watches,
that attribute of ModuleSpec is a descriptor that keeps the value where it always is, in the spec's own dictionary, and
tells.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.machinery import ModuleSpec
from typing import Any


class _Initializing:
    def __init__(self, began: Callable[[str], None], ended: Callable[[str], None]) -> None:
        self.began, self.ended = began, ended

    def __get__(self, spec: Any, owner: Any = None) -> Any:
        return self if spec is None else spec.__dict__.get("_initializing", False)

    def __set__(self, spec: Any, value: bool) -> None:
        before = spec.__dict__.get("_initializing", False)
        spec.__dict__["_initializing"] = value
        if value:
            self.began(spec.name)
        elif before:
            self.ended(spec.name)


def watch(began: Callable[[str], None], ended: Callable[[str], None]) -> None:
    """Call ``began`` when the import of a module begins and ``ended`` when it has succeeded or failed, by full name."""
    ModuleSpec._initializing = _Initializing(began, ended)  # type: ignore[attr-defined]


def unwatch() -> None:
    """Leave imports alone again."""
    if isinstance(ModuleSpec.__dict__.get("_initializing"), _Initializing):
        del ModuleSpec._initializing  # type: ignore[attr-defined]
