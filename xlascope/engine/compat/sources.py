"""Positions in the user's source: of equations, of the call in progress, of a traced function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from .jaxprs import open_jaxpr


def hide_frames(folder: str) -> None:
    """Keep frames of files below ``folder`` out of JAX's filtered tracebacks and source locations."""
    from jax._src import source_info_util, traceback_util

    traceback_util.register_exclusion(folder)
    source_info_util.register_exclusion(folder)


def is_user_file(path: str) -> bool:
    """Whether JAX counts a file as the user's rather than its own."""
    from jax._src import source_info_util

    return bool(source_info_util.is_user_filename(path))


def user_frame(source_info: Any) -> tuple[str, int, str] | None:
    """File, line and function of the innermost frame outside JAX, or None."""
    from jax._src import source_info_util

    frame = source_info_util.user_frame(source_info.traceback if hasattr(source_info, "traceback") else source_info)
    return None if frame is None else (frame.file_name, frame.start_line, frame.function_name)


def frames(source_info: Any) -> Iterator[tuple[str, Callable[[], int]]]:
    """The file of each Python frame an equation was traced in, innermost first, and what finds out its line."""
    from jax._src import source_info_util

    traceback = source_info.traceback
    codes, offsets = traceback.raw_frames() if traceback is not None else ([], [])
    for code, offset in zip(codes, offsets, strict=True):
        yield code.co_filename, partial(_line, source_info_util, code, offset)


def _line(module: Any, code: Any, offset: int) -> int:
    return int(module.raw_frame_to_frame(code, offset).start_line)


def where_frames(traceback: Any) -> Iterator[tuple[str, Callable[[], tuple[str, int, str]]]]:
    """The file of each frame of a traceback, innermost first, and what finds out its file, line and function."""
    from jax._src import source_info_util

    for code, offset in zip(*traceback.raw_frames(), strict=True) if traceback is not None else ():
        yield code.co_filename, partial(_where, source_info_util, code, offset)


def _where(module: Any, code: Any, offset: int) -> tuple[str, int, str]:
    return code.co_filename, _line(module, code, offset), code.co_qualname


def user_codes(source_info: Any) -> list[Any]:
    """The code objects of the frames outside JAX in which an equation was traced, innermost first."""
    traceback = source_info.traceback
    codes = traceback.raw_frames()[0] if traceback is not None else []
    return [code for code in codes if is_user_file(code.co_filename)]


def current_traceback() -> Any:
    """The traceback that JAX would note for an equation traced now; the thread's own where that names no line.

    What JAX had traced before (the solve of `jax.scipy.sparse.linalg.cg`, say) it evaluates under the old traceback.
    """
    from jax._src import source_info_util

    found = source_info_util.current().traceback
    if found is not None and source_info_util.user_frame(found) is None:
        return type(found).get_traceback()
    return found


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
