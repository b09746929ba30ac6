"""Tells when the script has imported jax, with no frame of ours in the import and nothing left behind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def watch(name: str, started: Callable[[], None], imported: Callable[[], None]) -> None:
    """Call ``started`` when the import of ``name`` begins and ``imported`` when it has succeeded.

    The import system sets ``_initializing`` on the module's spec around the module's execution. For that time the
    spec is of a class that sees it; afterwards it is a plain ModuleSpec again and the finder is gone.
    """
    finder = _Finder(name, started, imported)
    sys.meta_path.insert(0, finder)  # type: ignore[arg-type]


class _Finder:
    def __init__(self, name: str, started: Callable[[], None], imported: Callable[[], None]) -> None:
        self.name, self.started, self.imported = name, started, imported

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != self.name:
            return None
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    if type(spec) is ModuleSpec:
                        spec.__class__ = _watched(self)
                    return spec
        return None


def _watched(finder: _Finder) -> type[ModuleSpec]:
    class Watched(ModuleSpec):
        @property
        def _initializing(self) -> Any:
            return self.__dict__.get("_initializing", False)

        @_initializing.setter
        def _initializing(self, value: bool) -> None:
            self.__dict__["_initializing"] = value
            if value:
                finder.started()
                return
            self.__class__ = ModuleSpec  # type: ignore[assignment]
            if self.name in sys.modules:
                if finder in sys.meta_path:
                    sys.meta_path.remove(finder)  # type: ignore[arg-type]
                finder.imported()

    Watched.__name__ = Watched.__qualname__ = "ModuleSpec"
    Watched.__module__ = ModuleSpec.__module__
    return Watched
