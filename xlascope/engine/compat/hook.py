"""Where JAX's dispatch, lowering and compiling are watched, and what they know of the call in progress."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .sources import is_user_file
from .transformations import transforming


def wrap_lowering(wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace the one function through which jit, pmap and ahead-of-time lowering pass once a trace is done."""
    from jax._src import pjit

    pjit._resolve_and_lower = wrap(pjit._resolve_and_lower)


def wrap_compile(wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace the method that turns a lowered computation into an executable (``compile(self, …)``)."""
    from jax._src.interpreters import pxla

    pxla.MeshComputation.compile = wrap(pxla.MeshComputation.compile)  # type: ignore[method-assign]


def wrap_compiled_call(wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace the method that JAX calls once, at a ``Compiled``'s first call (``create_cpp_call(self, params)``)."""
    from jax._src.interpreters import pxla

    pxla.MeshExecutable.create_cpp_call = wrap(pxla.MeshExecutable.create_cpp_call)  # type: ignore[method-assign]


def compiled_call_values(depth: int, params: Any) -> tuple[Any, ...] | None:
    """Flat arguments of the call of a ``Compiled`` in progress, from the frame of it; None when there is no such frame.

    ``depth`` counts from the caller of this function, ``params`` are the executable's own call parameters.
    """
    import jax

    frame = sys._getframe(depth + 1)
    names = frame.f_locals
    if frame.f_code.co_name != "__call__" or "args" not in names or "kwargs" not in names:
        return None
    leaves, tree = jax.tree.flatten((names["args"], names["kwargs"]))
    return tuple(leaves) if tree == getattr(params, "in_tree", tree) else None


def dispatch_frames(depth: int) -> dict[str, Any]:
    """What JAX's dispatch knows of the call in progress, read from the frames that called the lowering.

    Keys, each None when this is another way in: ``fun`` (the Python callable), ``values`` (flat arguments),
    ``arg_names``, ``args``, ``kwargs``, ``jit_info``, ``in_tree``; ``aot``; ``direct``: no library
    code of JAX's lies between the dispatch and the script's call; ``under``: the transformations that dispatch it in
    the place of a call (`transforming`), none for a call; ``frame``: the one that they dispatch it in. ``depth`` counts
    from the caller of this function.
    """
    keys = "fun", "values", "arg_names", "args", "kwargs", "jit_info", "in_tree", "frame"
    found: dict[str, Any] = dict.fromkeys(keys)
    frame = sys._getframe(depth + 1)
    caller = frame.f_back
    found["direct"] = _called_by_script(frame)
    found["under"] = ()
    found["aot"] = frame.f_code.co_name == "lower"
    if found["aot"] and caller is not None and caller.f_code.co_name == "jit_lower":
        names = caller.f_locals
        found["fun"] = getattr(names.get("jit_func"), "_fun", None)
        found["jit_info"] = getattr(names.get("jit_func"), "_jit_info", None)
        found["args"], found["kwargs"] = names.get("args"), names.get("kwargs")
        found["in_tree"] = getattr(frame.f_locals.get("self"), "in_tree", None)
    if frame.f_code.co_name == "_pjit_call_impl_python":
        found["values"] = frame.f_locals.get("args")
        if caller is not None and caller.f_code.co_name == "_run_python_pjit":
            names = caller.f_locals
            found["fun"] = names.get("fun")
            found["args"], found["kwargs"] = names.get("args"), names.get("kwargs")
            found["arg_names"] = getattr(names.get("p"), "arg_names", None)
            found["in_tree"] = getattr(names.get("p"), "in_tree", None)
            outer = caller.f_back
            found["jit_info"] = outer.f_locals.get("jit_info") if outer is not None else None
        else:
            found["under"] = transforming(caller)
            found["frame"] = caller
    return found


# The files of JAX's own machinery between a call of a jitted object and its lowering.
_DISPATCH = ("/_src/pjit.py", "/_src/traceback_util.py", "/_src/api.py", "/_src/stages.py", "/_src/profiler.py",
             "/_src/pmap.py")  # fmt: skip


def _called_by_script(frame: Any) -> bool:
    while frame is not None and frame.f_code.co_filename.replace("\\", "/").endswith(_DISPATCH):
        frame = frame.f_back
    return frame is not None and is_user_file(frame.f_code.co_filename)


def is_jitted_by_library(fun: Any) -> bool:
    """Whether JAX itself jits this function where it defines it: a call of it by its name is eager to its user."""
    module = sys.modules.get(getattr(fun, "__module__", None) or "")
    there = getattr(module, getattr(fun, "__name__", ""), None)
    if there is None or there is fun:
        return False
    # The name stands for something made of this function: a jitted object, or a ufunc that holds one. What JAX's own
    # transformations return bears the name of what they wrap, too.
    return getattr(there, "__wrapped__", None) is fun or not hasattr(fun, "__wrapped__")


def primitive_params(fun: Any) -> dict[str, Any] | None:
    """The parameters of an eager primitive, of the function that JAX jits to dispatch it; None for any other."""
    if not getattr(fun, "_apply_primitive", False):
        return None
    code, cells = fun.__code__, fun.__closure__ or ()
    found = dict(zip(code.co_freevars, cells, strict=False)).get("params")
    return dict(found.cell_contents) if found is not None else None


def given_to_pmap(fun: Any, depth: int = 6) -> Any:
    """The callable that ``pmap`` was given, of the closure that it jits in its place; None where there is none."""
    if depth == 0:
        return None
    inner = [getattr(fun, "__wrapped__", None)]
    for cell in getattr(fun, "__closure__", None) or ():
        try:
            inner.append(cell.cell_contents)
        except ValueError:  # an empty cell
            continue
    for each in inner:
        if each is not None and hasattr(each, "call_wrapped"):
            return each.f
        if callable(each) and (found := given_to_pmap(each, depth - 1)) is not None:
            return found
    return None


def lowered_ahead(depth: int) -> bool:
    """Whether a lowering in progress is that of ``f.lower(…)``, no call; ``depth`` as for `dispatch_frames`."""
    return sys._getframe(depth + 1).f_code.co_name == "lower"


def static_arguments(call: dict[str, Any]) -> list[tuple[str, Any]]:
    """The static arguments of a call found by `dispatch_frames`, as (name or position, value)."""
    info, args, kwargs = call.get("jit_info"), call.get("args"), call.get("kwargs")
    if info is None or args is None or kwargs is None:
        return []
    signature = getattr(info, "fun_signature", None)
    names = list(signature.parameters) if signature is not None else []
    static = [(names[i] if i < len(names) else str(i), args[i]) for i in info.static_argnums if i < len(args)]
    return static + [(name, kwargs[name]) for name in info.static_argnames if name in kwargs]


def statics_given(call: dict[str, Any]) -> list[tuple[str, str]]:
    """Name of each static argument of a call and how it was given, which is a part of JAX's key."""
    kwargs = call.get("kwargs") or {}
    return [(name, "by keyword" if name in kwargs else "by position") for name, _ in static_arguments(call)]


def watch_disable_jit(changed: Callable[[Any], None]) -> None:
    """Call ``changed`` with the new value of ``jax_disable_jit`` whenever it is set, and now if it is on."""
    from jax._src import config

    state = config.disable_jit
    state._update_thread_local_hook = state._update_global_hook = changed
    if state.value:
        changed(True)


def watch_deserialized(loaded: Callable[[str | None], None]) -> None:
    """Call ``loaded`` with the name of each executable that becomes callable, from a compile or from bytes."""
    from jax._src.interpreters import pxla

    original = pxla.UnloadedMeshExecutable.load

    def load(unloaded: Any) -> Any:
        executable = original(unloaded)
        loaded(getattr(unloaded, "name", None))
        return executable

    pxla.UnloadedMeshExecutable.load = load  # type: ignore[assignment,method-assign]
