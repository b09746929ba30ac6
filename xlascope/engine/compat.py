"""Every private name of JAX and XLA that the engine uses, one function for each need (JAX 0.10 to 0.12)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any


# ---------------------------------------------------------------------------------------------- recording: the hook
def hide_frames(folder: str) -> None:
    """Keep frames of files below ``folder`` out of JAX's filtered tracebacks and source locations."""
    from jax._src import source_info_util, traceback_util

    traceback_util.register_exclusion(folder)
    source_info_util.register_exclusion(folder)


def wrap_lowering(wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace the one function through which jit, pmap and ahead-of-time lowering pass once a trace is done."""
    from jax._src import pjit

    pjit._resolve_and_lower = wrap(pjit._resolve_and_lower)


def wrap_compile(wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace the method that turns a lowered computation into an executable (``compile(self, …)``)."""
    from jax._src.interpreters import pxla

    pxla.MeshComputation.compile = wrap(pxla.MeshComputation.compile)


def dispatch_frames(depth: int) -> dict[str, Any]:
    """What JAX's dispatch knows of the call in progress, read from the frames that called the lowering.

    Keys, each None when this is another way in: ``fun`` (the Python callable), ``values`` (flat arguments),
    ``arg_names``, ``args``, ``kwargs``, ``aot``. ``depth`` counts from the caller of this function.
    """
    found: dict[str, Any] = dict.fromkeys(("fun", "values", "arg_names", "args", "kwargs"))
    frame = sys._getframe(depth + 1)
    found["aot"] = frame.f_code.co_name == "lower"
    if frame.f_code.co_name == "_pjit_call_impl_python":
        found["values"] = frame.f_locals.get("args")
        caller = frame.f_back
        if caller is not None and caller.f_code.co_name == "_run_python_pjit":
            names = caller.f_locals
            found["fun"] = names.get("fun")
            found["args"], found["kwargs"] = names.get("args"), names.get("kwargs")
            found["arg_names"] = getattr(names.get("p"), "arg_names", None)
    return found


def open_jaxpr(closed: Any) -> Any:
    """The ``Jaxpr`` of a ``ClosedJaxpr``; one class since 0.11."""
    return getattr(closed, "jaxpr", closed)


def jaxpr_consts(closed: Any) -> list[Any]:
    return list(getattr(closed, "consts", ()))


def sub_jaxprs(equation: Any) -> Iterator[Any]:
    """The jaxprs in an equation's parameters, in JAX's own parameter order (closed or open)."""
    from jax._src import core

    kinds = (core.Jaxpr, core.ClosedJaxpr)
    for value in equation.params.values():
        for item in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(item, kinds):
                yield item


def user_frame(source_info: Any) -> tuple[str, int, str] | None:
    """File, line and function of the innermost frame outside JAX, or None."""
    from jax._src import source_info_util

    frame = source_info_util.user_frame(source_info.traceback if hasattr(source_info, "traceback") else source_info)
    return None if frame is None else (frame.file_name, frame.start_line, frame.function_name)


def current_traceback() -> Any:
    from jax._src import source_info_util

    return source_info_util.current().traceback


def is_user_file(path: str) -> bool:
    from jax._src import source_info_util

    return bool(source_info_util.is_user_filename(path))


def debug_info(closed: Any) -> tuple[str | None, str | None, int | None, tuple[str, ...] | None]:
    """Name, file, line and argument names that a jaxpr remembers of the function it was traced from."""
    info = getattr(open_jaxpr(closed), "debug_info", None)
    if info is None:
        return None, None, None, None
    text = info.func_src_info or ""
    name, _, place = text.partition(" at ")
    path, _, line = place.rpartition(":")
    names = info.arg_names
    known = tuple(str(each) for each in names) if names is not None else None
    return name or None, path or None, int(line) if line.isdigit() else None, known


def computation_module(computation: Any) -> Any:
    """The StableHLO ``ir.Module`` of a lowered computation."""
    return computation.stablehlo()


def portable_bytecode(module: Any) -> bytes:
    """A StableHLO module as a portable artifact (readable by JAX of about a month earlier and later)."""
    from jax._src import xla_bridge
    from jax._src.lib import _jax
    from jax._src.lib.mlir.dialects import hlo

    target = hlo.get_version_from_compatibility_requirement(hlo.StablehloCompatibilityRequirement.WEEK_4)
    return _jax.mlir.serialize_portable_artifact(module, target, xla_bridge.get_backend().serialize_with_sdy)


def backend_is_up() -> bool:
    """Whether a backend has been started; asking starts none."""
    from jax._src import xla_bridge

    return bool(xla_bridge._backends)


def trace_state_clean() -> bool:
    from jax._src import core

    return core.trace_state_clean()


# --------------------------------------------------------------------------------------------- recording: the profiler
def open_profile(host_level: int) -> Any:
    """Start a raw profiler session; needs and starts no backend. Raises when another session is open."""
    from jax._src.lib import _profiler

    options = _profiler.ProfileOptions()
    options.python_tracer_level = 0
    options.host_tracer_level = host_level
    return _profiler.ProfilerSession(options)


def library_folder() -> str:
    import jax

    return os.path.dirname(os.path.abspath(jax.__file__))
