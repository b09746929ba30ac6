"""The call of a jitted object behind what a transformation dispatches in its place: of a gradient two programs."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .jaxprs import open_jaxpr
from .keys import Makers, Tree, argument_tree, parameter_names
from .sources import is_user_file

FRAMES = 60
LINKS = 4_096  # linearized functions whose backward pass may still come
_FILE = "/_src/pjit.py"


@dataclass(frozen=True, slots=True)
class Behind:
    """What a call was of: structure of its arguments, names of its parameters, where it was jitted, the callable."""

    tree: Tree | None
    names: tuple[str, ...]
    made: tuple[str, int, str] | None
    reference: Callable[[], Any]

    @property
    def fun(self) -> Any:
        """The callable that was jitted; None once it is gone."""
        return self.reference()


class CallsBehind:
    """Finds the call: on the stack in a forward pass, in a backward pass by the linearized function that it made."""

    def __init__(self, makers: Makers, text: Callable[[Any], str]) -> None:
        self._makers, self._text = makers, text
        self._links: dict[int, tuple[weakref.ref[Any], Behind]] = {}

    def find(self, frame: Any) -> Behind | None:
        """Behind what is dispatched in ``frame``; None where no call is known to be behind it."""
        linearized = None
        for _ in range(FRAMES):
            if frame is None or is_user_file(frame.f_code.co_filename):
                return None
            if frame.f_code.co_filename.replace("\\", "/").endswith(_FILE):
                name = frame.f_code.co_name
                if name == "_pjit_transpose_fancy":
                    return self._linked(frame.f_locals.get("jaxpr"))
                if name == "_pjit_linearize":
                    linearized = frame.f_locals.get("tangent_jaxpr")
                if name == "_run_python_pjit":
                    found = self._of_call(frame)
                    self._link(linearized, found)
                    return found
            frame = frame.f_back
        return None

    def _of_call(self, frame: Any) -> Behind:
        names, outer = frame.f_locals, frame.f_back
        call = {
            "in_tree": getattr(names.get("p"), "in_tree", None),
            "jit_info": outer.f_locals.get("jit_info") if outer is not None else None,
        }
        fun = names.get("fun")
        return Behind(argument_tree(call, self._text), parameter_names(call), self._makers.place(call), _reference(fun))

    def _linked(self, jaxpr: Any) -> Behind | None:
        result = _result(jaxpr)
        entry = self._links.get(id(result))
        made = entry[0]() if entry is not None else None
        return entry[1] if entry is not None and made is not None and _result(made) is result else None

    def _link(self, jaxpr: Any, behind: Behind) -> None:
        result = _result(jaxpr)
        if result is None or len(self._links) >= LINKS:
            return
        key, links = id(result), self._links
        links[key] = weakref.ref(jaxpr, lambda _: links.pop(key, None)), behind


def _result(jaxpr: Any) -> Any:
    """The first result's variable: what JAX makes of a linearized function on the way to its transpose still has it."""
    results = open_jaxpr(jaxpr).outvars if jaxpr is not None else ()
    return results[0] if results else None


def _reference(fun: Any) -> Callable[[], Any]:
    """Weak: JAX keeps what it traced for as long as the callable lives."""
    try:
        return weakref.WeakMethod(fun) if inspect.ismethod(fun) else weakref.ref(fun)
    except TypeError:  # a callable that takes no weak reference
        return lambda: None
