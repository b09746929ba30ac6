"""The frame of the boot file, below that of the script: not to be seen by the script.

CPython skips a frame that has not come as far as its code's first traceable instruction (`_PyFrame_IsIncomplete`): in
`f_back`, `sys._getframe`, tracebacks and `warnings`. That instruction's place is a number in the code object.
"""

from __future__ import annotations

import ctypes
import dis
import sys
from functools import partial
from types import CodeType, FrameType
from typing import Any

_SAMPLES = (11, 37, 101)  # lines of codes of different lengths


Plan = tuple[Any, ...]  # a callable and, for each of its arguments, a list of one, as `map` takes them


def hide(boot_file: str, plan: Plan) -> Plan:
    """Hide the outermost frame, if it is that of ``boot_file`` and this Python keeps the number where it is looked for.

    Returns the plan to run instead: it is freed when the script has ended, before the exception that ended it comes to
    the frame, and shows that again. Trace and profile functions of the script fail on a frame that they cannot see.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_back is not None:
        frame = frame.f_back
    place = _place()
    if frame is None or frame.f_code.co_filename != boot_file or place is None:
        return plan
    first = ctypes.c_int32.from_address(id(frame.f_code) + place)
    if first.value != 0:
        return plan
    first.value = _units(frame.f_code)
    # Called without a Python frame: `partial` is of C, and as a static method no descriptor in any Python.
    until = type("Until", (list,), {"__del__": staticmethod(partial(setattr, first, "value", 0))})
    return (*plan[:-1], until(plan[-1]))


def _place() -> int | None:
    """Bytes from a code object's start to its `_co_firsttraceable`; None unless exactly one place can be it.

    It is where codes hold 0 that begin with RESUME, and their length if they have none.
    """
    if sys.implementation.name != "cpython" or dis.opmap.get("RESUME") is None:
        return None
    pairs = [(plain, _without_resume(plain)) for plain in map(_code, _SAMPLES)]
    words = [(_words(plain), _words(other), _units(plain)) for plain, other in pairs if other is not None]
    if len(words) < len(_SAMPLES):
        return None
    found = [
        at for at in range(len(words[0][0]))
        if all(plain[at] == 0 and other[at] == units for plain, other, units in words)
    ]  # fmt: skip
    return 4 * found[0] if len(found) == 1 else None


def _code(lines: int) -> CodeType:
    return compile("x = 1\n" * lines, "", "exec")


def _without_resume(code: CodeType) -> CodeType | None:
    instructions = bytearray(code.co_code)
    if instructions[0] != dis.opmap["RESUME"]:
        return None
    instructions[0] = dis.opmap["NOP"]
    return code.replace(co_code=bytes(instructions))


def _units(code: CodeType) -> int:
    return len(code.co_code) // 2


def _words(code: CodeType) -> list[int]:
    """The fixed part of a code object, as 32-bit numbers."""
    return list((ctypes.c_int32 * (CodeType.__basicsize__ // 4)).from_address(id(code)))
