"""Memory that an open profile takes for a moment: how much it is, and giving it back to the system."""

from __future__ import annotations

from typing import Any, NamedTuple

_FIELDS = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"


class Held(NamedTuple):
    """Bytes in use, and bytes of the heaps: what is free in them too, which the process has all the same."""

    used: int
    whole: int


class Heap:
    """What the C library's heaps hold: an open profile grows there by five times what it will be.

    The process's memory says less: what is computed lies in it too, in large blocks that are mapped and so not counted
    here. A look takes 1 ms, in which the interpreter runs on. Only glibc 2.33 and later tells.
    """

    def __init__(self) -> None:
        import ctypes  # JAX has imported it

        function = getattr(ctypes.CDLL(None), "mallinfo2", None)
        if function is not None:
            fields = [(name, ctypes.c_size_t) for name in _FIELDS.split()]
            function.restype = type("mallinfo2", (ctypes.Structure,), {"_fields_": fields})
        self._function: Any = function

    def look(self) -> Held | None:
        """What they hold now; None where nobody tells."""
        if self._function is None:
            return None
        told = self._function()
        return Held(int(told.uordblks), int(told.arena))


def give_back() -> None:
    """Have the C library return what is free, where it can; elsewhere it stays with the process for later use.

    The end of a profile takes up to twenty times the profile's size for a moment, and without this the process would
    keep it. Takes milliseconds for each 10 MB; the interpreter runs on meanwhile.
    """
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's alone
    if trim is not None:
        trim(0)
