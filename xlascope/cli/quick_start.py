"""What a command that only reads files does first, so that it is there sooner."""

from __future__ import annotations

import gc
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

_THREADS = "OPENBLAS_NUM_THREADS"
_LARGE = 31 << 20
"""The largest block of memory that glibc can learn to keep."""


@contextmanager
def imports() -> Iterator[None]:
    """Modules imported inside are taken to stay: the collector does not look through them, now or later."""
    gc.disable()
    try:
        _numpy_alone()
        _keep_large_blocks()
        yield
    finally:
        gc.freeze()
        gc.enable()


def _numpy_alone() -> None:
    """Import numpy without the threads of its BLAS, which nothing here uses: to start them takes a third of the import.

    The environment is then as it was, for the processes that are started later.
    """
    if _THREADS in os.environ:
        return
    os.environ[_THREADS] = "1"
    try:
        importlib.import_module("numpy")
    finally:
        del os.environ[_THREADS]


def _keep_large_blocks() -> None:
    """Let go of one large block, never touched: from then on glibc keeps freed blocks of up to that size for the next
    array, where it else gives each back to the kernel and gets new pages, one fault each. Elsewhere it does nothing.
    """
    import numpy as np

    np.empty(_LARGE, np.uint8)
