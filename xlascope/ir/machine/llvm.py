"""LLVM IR of several modules in one text, as the engine writes it: which kernels it defines, and where."""

from __future__ import annotations

import re
from dataclasses import dataclass

HEAD = "; ===== "
_DEFINE = re.compile(r'^define [^\n]*?@(?:"([^"\n]+)"|([\w.$\-]+))\(', re.M)


@dataclass(frozen=True, slots=True)
class LlvmModule:
    """One module. ``line``: of the whole text (from 1), where it begins. ``symbols``: the functions it defines."""

    name: str
    line: int
    symbols: tuple[str, ...]
    text: str


def split_llvm(text: str) -> list[LlvmModule]:
    """The modules of a text, each headed by ``; ===== NAME``; text before the first head is not LLVM IR of ours."""
    found: list[LlvmModule] = []
    start = 0 if text.startswith(HEAD) else text.find("\n" + HEAD) + 1
    if start == 0 and not text.startswith(HEAD):
        return found
    line = 1 + text.count("\n", 0, start)
    while start < len(text):
        stop = text.find("\n" + HEAD, start)
        stop = len(text) if stop < 0 else stop + 1
        part = text[start:stop]
        name = part[len(HEAD) : part.find("\n")].strip() if "\n" in part else part[len(HEAD) :].strip()
        symbols = tuple(quoted or plain for quoted, plain in _DEFINE.findall(part))
        found.append(LlvmModule(name, line, symbols, part))
        line += part.count("\n")
        start = stop
    return found
