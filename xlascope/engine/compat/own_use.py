"""The engine's own use of JAX in the script's process: nobody else notices it, and its compiles are timed."""

from __future__ import annotations

import _thread
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_unnoticed_threads: set[int] = set()


@contextmanager
def unnoticed() -> Iterator[None]:
    """No listener, logger, warning or compilation cache of the script's learns what this thread has JAX do inside."""
    thread = _thread.get_ident()
    if thread in _unnoticed_threads or "jax" not in sys.modules:
        yield
        return
    # Here and not above: the script's `logging`, which is not the one that the recorder imported before it.
    import logging
    import warnings

    import jax
    from jax._src import config

    _mute_monitoring()
    loggers = [
        logger
        for name, logger in logging.root.manager.loggerDict.copy().items()
        if name.startswith("jax") and isinstance(logger, logging.Logger)
    ]
    for logger in loggers:
        logger.addFilter(_not_ours)
    # Put there by hand: `warnings.simplefilter` would make Python forget which warnings of the script's were shown.
    filters: Any = warnings.filters
    filters.insert(0, _OURS_IGNORED)
    _unnoticed_threads.add(thread)
    try:
        with (
            jax.log_compiles(False),
            jax.explain_cache_misses(False),
            config.persistent_cache_min_compile_time_secs(math.inf),
        ):
            yield
    finally:
        _unnoticed_threads.discard(thread)
        held: Any
        for held in (filters, warnings.filters):  # two where the script entered or left `catch_warnings` meanwhile
            if _OURS_IGNORED in held:
                held.remove(_OURS_IGNORED)
        if not _unnoticed_threads:
            for logger in loggers:
                logger.removeFilter(_not_ours)


class _InUnnoticedThread(type):
    """The type of a class that every warning raised in an unnoticed thread is of, and no other."""

    def __subclasscheck__(cls, subclass: type) -> bool:
        return _thread.get_ident() in _unnoticed_threads


class _OurWarning(Warning, metaclass=_InUnnoticedThread):
    pass


_OURS_IGNORED = ("ignore", None, _OurWarning, None, 0)
"""An entry of `warnings.filters`."""


def _not_ours(record: Any) -> bool:
    return _thread.get_ident() not in _unnoticed_threads


def _mute_monitoring() -> None:
    """Once: `jax.monitoring` tells nobody about what an unnoticed thread does."""
    from jax._src import monitoring

    for name in ("record_event", "record_event_duration_secs", "record_event_time_span", "record_scalar"):
        original = getattr(monitoring, name)
        if hasattr(original, "__wrapped__"):
            return

        def muted(*args: Any, __wrapped__: Any = original, **kwargs: Any) -> None:
            if _thread.get_ident() not in _unnoticed_threads:
                __wrapped__(*args, **kwargs)

        muted.__wrapped__ = original  # type: ignore[attr-defined]
        # Modules of JAX hold the function by its name.
        for module in [module for key, module in sys.modules.copy().items() if key.startswith("jax.")]:
            if vars(module).get(name) is original:
                setattr(module, name, muted)


@contextmanager
def compile_clock() -> Iterator[list[int]]:
    """Nanoseconds of each compilation by XLA that this thread starts meanwhile; empty when a cache served it.

    Timed where JAX calls XLA: `jax.monitoring` may be silenced while the engine works in the script's process.
    """
    import threading
    import time

    from jax._src import compiler

    spent: list[int] = []
    thread, original = threading.get_ident(), compiler.backend_compile_and_load

    def timed(*args: Any, **keywords: Any) -> Any:
        started = time.perf_counter_ns()
        try:
            return original(*args, **keywords)
        finally:
            if threading.get_ident() == thread:
                spent.append(time.perf_counter_ns() - started)

    compiler.backend_compile_and_load = timed
    try:
        yield spent
    finally:
        compiler.backend_compile_and_load = original
