"""Memory that the recorder took for a moment, given back to the system."""

from __future__ import annotations


def give_back() -> None:
    """Have the C library return what is free, where it can; elsewhere it stays with the process for later use.

    The end of a profile takes up to twenty times the profile's size for a moment, and without this the process would
    keep it. Takes milliseconds for each 10 MB; the interpreter runs on meanwhile.
    """
    import ctypes  # JAX has imported it

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's alone
    if trim is not None:
        trim(0)
