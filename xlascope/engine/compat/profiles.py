"""Profiler sessions, ours and the script's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def open_profile(host_level: int) -> Any:
    """Start a raw profiler session; needs and starts no backend. Raises when another session is open."""
    from jax._src.lib import _profiler

    options = _profiler.ProfileOptions()
    options.python_tracer_level = 0
    options.host_tracer_level = host_level
    return _profiler.ProfilerSession(options)


def compile_events(data: bytes, module: str) -> list[tuple[str, int, int]]:
    """Name, start and length (ns) of the host events of the thread that compiled a module, from XSpace bytes.

    That thread has an event for each pipeline, with the module's name in parentheses.
    """
    from jax.profiler import ProfileData

    mark = f" ({module})"
    for plane in ProfileData.from_serialized_xspace(data).planes:
        for line in plane.lines:
            events = [(event.name, int(event.start_ns), int(event.duration_ns)) for event in line.events]
            if any(name.endswith(mark) for name, _, _ in events):
                return events
    return []


def watch_script_profiles(before: Callable[[], None]) -> None:
    """Call ``before`` ahead of each profiler session or server that the script starts by ``jax.profiler``."""
    from jax._src import profiler

    class _Watched:
        """The native module as ``jax._src.profiler`` sees it, with two of its entries told of."""

        def __init__(self, native: Any) -> None:
            self._native = native

        def __getattr__(self, name: str) -> Any:
            return getattr(self._native, name)

        def ProfilerSession(self, *args: Any, **keywords: Any) -> Any:
            before()
            return self._native.ProfilerSession(*args, **keywords)

        def start_server(self, *args: Any, **keywords: Any) -> Any:
            before()
            return self._native.start_server(*args, **keywords)

    profiler._profiler = _Watched(profiler._profiler)


def script_is_profiling() -> bool:
    """Whether a profile or a profiler server of the script's own is running."""
    from jax._src import profiler

    state = profiler._profile_state
    session = getattr(state, "session", None) or getattr(state, "profile_session", None)
    return session is not None or profiler._profiler_server is not None
