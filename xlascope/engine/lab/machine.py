"""Collecting the machine code of a program: XLA writes each kernel's LLVM IR and object file while it compiles."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..core.heartbeat import Heartbeat

_FILE = re.compile(r"module_\d+\.(.+)\Z")
_MOST_BYTES = 256 << 20
# As `xlascope.ir.machine.llvm` reads it.
_HEAD = "; ===== "


def dump_options(folder: Path) -> dict[str, Any]:
    """What makes XLA write LLVM IR before and after LLVM's optimization, and object files."""
    return {"xla_dump_to": str(folder), "xla_dump_emitter_re": "llvm"}


def collect(
    compile: Callable[[dict[str, Any]], str], folder: Path, beat: Heartbeat
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Compile with a dump into ``folder`` (empty, private; who made it removes it); the record's keys and blobs.

    ``compile(options)`` compiles with these XLA options beside its own and gives the module's name.
    Keys: `module`, `objects`: [{`name`, `blob`}]; blobs `before` and `text` (LLVM IR before and after optimization, the
    modules one after the other, each under a line ``; ===== NAME``), `o0`… (object files). A program whose operations
    are all library calls has none. Raises what ``compile`` raises, and ValueError for more than 256 MB.
    """
    beat.step("compiling", "machine code")
    module = compile(dump_options(folder))
    before: list[tuple[str, Path]] = []
    after: list[tuple[str, Path]] = []
    objects: list[tuple[str, Path]] = []
    for file in sorted(folder.iterdir()):
        match = _FILE.match(file.name)
        if match is None:
            continue
        name = match.group(1).removeprefix(f"{module}.")
        for suffix, found in ((".ir-no-opt.ll", before), (".ir-with-opt.ll", after), (".o", objects)):
            if name.endswith(suffix):
                found.append((name.removesuffix(suffix).removeprefix("obj-file."), file))
    size = sum(file.stat().st_size for _, file in (*before, *after, *objects))
    if size > _MOST_BYTES:
        raise ValueError(f"the machine code of this program takes {size >> 20} MB, more than is kept")
    blobs = {"before": _joined(before), "text": _joined(after)}
    blobs |= {f"o{number}": file.read_bytes() for number, (_, file) in enumerate(objects)}
    names = [{"name": name, "blob": f"o{number}"} for number, (name, _) in enumerate(objects)]
    return {"module": module, "objects": names}, blobs


def _joined(files: list[tuple[str, Path]]) -> bytes:
    return b"".join(f"{_HEAD}{name}\n".encode() + file.read_bytes().rstrip() + b"\n\n" for name, file in files)
